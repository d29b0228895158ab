"""The platform's side of SnapStart inside a snapshot's sandbox: a copy of the waiting process, in its own namespaces.

`copy` runs in a child of the snapshot's init, for one copy, as the tracer of the process that is copied. The function's
code is hostile and the process full of it, so at no moment may it run with more rights than before: the tracer stops
it, has it clone itself into a new user namespace (where the copy has every capability, and nobody but the tracer makes
it do anything), takes the capabilities away, and only then lets it go. The seccomp filter refuses that clone unless
a tracer is there; it is inherited by the copy, as are no_new_privs and the limits.

The copy's namespaces belong to its user namespace. From outside of them, with rights that the function never
has, this makes the network, the listening sockets, /proc and /tmp, where it copies what Init had written.

In root's sandboxes this process has root; else the rights of the template's user namespace.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import stat
import struct
import traceback
from typing import Any, NoReturn

from . import netns, rootfs, snapshot_files, snapshot_python, snapshot_trace, syscalls, users, wire

_NAMESPACES = (
    syscalls.CLONE_NEWUSER
    | syscalls.CLONE_NEWNS
    | syscalls.CLONE_NEWPID
    | syscalls.CLONE_NEWNET
    | syscalls.CLONE_NEWIPC
    | syscalls.CLONE_NEWUTS
)
_SAME_PARENT = 0x8000  # CLONE_PARENT: the snapshot's init reaps the copy, and not the copied process
_SIGCHLD = 17
_PRCTL, _CAPSET, _PR_CAPBSET_DROP = 157, 126, 24
_CAPABILITY_VERSION_3 = 0x20080522
_WITHOUT_RIGHTS = {
    **dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), "0" * 16),
    "NoNewPrivs": "1",
    "Seccomp": "2",
}
"""In /proc/PID/status."""
_TMP = "/tmp"  # noqa: S108 - the sandbox's own
_FETCH_LIMIT_MS = 5000


def check(control: socket.socket, runtime_pid: int, frames: int | None) -> NoReturn:
    """Tells whether the process `runtime_pid` waits and can be copied, and why not."""
    try:
        reason = _obstacle(runtime_pid, frames)
    except OSError as error:
        reason = str(error)
    wire.send(control, {"did": "settle", "reason": reason})
    os._exit(0)


def _obstacle(runtime_pid: int, frames: int | None) -> str | None:
    own = {"1", str(runtime_pid), str(os.getpid())}
    others = [name for name in os.listdir("/proc") if name.isdigit() and name not in own]
    if others:
        return "other processes run beside it (extensions, or what Init started)"
    if not snapshot_trace.IS_POSSIBLE:
        return "copies are made on x86_64 only"
    held = snapshot_trace.hold(runtime_pid)
    try:
        given = () if frames is None else (snapshot_python.FRAMES_FD,)
        return snapshot_files.obstacle(f"/proc/{runtime_pid}", given)
    finally:
        held.release()


def copy(runtime_pid: int, fds: list[int], message: dict[str, Any], config: dict[str, Any]) -> NoReturn:
    """Makes a copy. `fds`: where to tell, the copy's output, assignment and life, its framed log channel and its
    /tmp where `message` says so, its cgroup.procs files."""
    control = socket.socket(fileno=fds[0])
    given = 5 if message["is_framed"] else 4
    try:
        _Copy(control, runtime_pid, fds[1:given], config).make(fds[given:], message)
    except BaseException:  # noqa: BLE001 - the boundary of this process
        wire.send(control, {"did": "fail", "error": traceback.format_exc(limit=-3)})
    os._exit(0)


class _Copy:
    def __init__(self, control: socket.socket, runtime_pid: int, given: list[int], config: dict[str, Any]) -> None:
        self._control = control
        self._runtime_pid = runtime_pid
        self._given = given
        self._config = config

    def make(self, fds: list[int], message: dict[str, Any]) -> None:
        original = snapshot_trace.hold(self._runtime_pid)
        copied = None
        try:
            copied = original.copy(_NAMESPACES | _SAME_PARENT | _SIGCHLD)
            proc = os.open(f"/proc/{copied.pid}", os.O_RDONLY | os.O_DIRECTORY)
            self._furnish(copied.pid, proc, fds, message)
            rendezvous = _listen()
            _take_privileges(copied, proc)
        except BaseException:
            if copied is not None:
                os.kill(copied.pid, signal.SIGKILL)
            raise
        finally:
            original.release()
        copied.release(result=1)
        wire.send(self._control, {"did": "copy"})
        _hand_over(rendezvous, self._given)

    def _furnish(self, pid: int, proc: int, fds: list[int], message: dict[str, Any]) -> None:
        """Groups, user, network, /proc and /tmp of the copy."""
        tmp = fds.pop(0) if message["has_tmp"] else _memory(message["mib"])
        for entrance in fds:
            os.write(entrance, str(pid).encode())
        if self._config["has_root"]:
            for fd in (self._given[0], *self._given[3:]):
                os.fchown(fd, users.kernel_uid(self._config), -1)
            if message["has_tmp"]:
                uid = users.kernel_uid(self._config)
                os.chown(f"/proc/self/fd/{tmp}", uid, uid)
        self._name_user(proc)
        self._enter(proc, "mnt")
        self._enter(proc, "net")
        self._open_network(os.pidfd_open(pid))
        _mount_proc(proc)
        _fill_tmp(tmp, (self._config["uid"], self._config["gid"]))

    def _name_user(self, proc: int) -> None:
        """In its user namespace the copy is Lambda's user. That is for the parent namespace to say."""
        if self._config["own_user"] is not None:
            user = os.open(f"/proc/{self._runtime_pid}/ns/user", os.O_RDONLY)
            syscalls.enter(user, syscalls.CLONE_NEWUSER)
            os.close(user)
            os.setresgid(self._config["gid"], self._config["gid"], self._config["gid"])
            os.setresuid(self._config["uid"], self._config["uid"], self._config["uid"])
        uid, gid = self._config["uid"], self._config["gid"]
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            file = os.open(name, os.O_WRONLY, dir_fd=proc)
            os.write(file, text.encode())
            os.close(file)

    def _enter(self, proc: int, kind: str) -> None:
        namespace = os.open(f"ns/{kind}", os.O_RDONLY, dir_fd=proc)
        syscalls.enter(namespace, 0)
        os.close(namespace)

    def _open_network(self, pidfd: int) -> None:
        netns.loopback_up()
        listening = [netns.listen(self._config["runtime_api_port"]), netns.listen(self._config["gateway_port"])]
        if self._config["network"] and netns.open_way_out():
            listening += [netns.listen(netns.OUTBOUND_PORT), netns.listen_dns()]
        wire.send(self._control, {"did": "listen"}, [pidfd, *(each.fileno() for each in listening)])
        for each in listening:
            each.close()
        os.close(pidfd)


def _memory(mib: int) -> int:
    settings = {"size": f"{mib}m", "mode": "1777"}
    return syscalls.new_filesystem("tmpfs", syscalls.MOUNT_NOSUID | syscalls.MOUNT_NODEV, settings)


def _mount_proc(proc: int) -> None:
    """The copy's own /proc, over that of the original, which stays below: mounts of a more powerful namespace cannot be
    taken away. Only a process of the pid namespace can make it."""
    namespace = os.open("ns/pid", os.O_RDONLY, dir_fd=proc)
    syscalls.enter(namespace, syscalls.CLONE_NEWPID)
    os.close(namespace)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            attributes = syscalls.MOUNT_NOSUID | syscalls.MOUNT_NODEV | syscalls.MOUNT_NOEXEC
            made = syscalls.new_filesystem("proc", attributes, {"hidepid": rootfs.HIDE_PROCESSES})
            syscalls.attach(made, "/proc")
            code = 0
        finally:
            os._exit(code)
    if os.waitpid(child, 0)[1] != 0:
        raise OSError("/proc cannot be mounted in the copy's namespaces")


def _fill_tmp(tmp: int, owner: tuple[int, int]) -> None:
    """Mounts the copy's /tmp over the original's, and copies what is there: files, folders and symbolic links."""
    before = os.open(_TMP, os.O_RDONLY | os.O_DIRECTORY)
    syscalls.attach(tmp, _TMP)
    os.close(tmp)
    after = os.open(_TMP, os.O_RDONLY | os.O_DIRECTORY)
    _copy_folder(before, after, owner)
    os.close(before)
    os.close(after)


def _copy_folder(source: int, target: int, owner: tuple[int, int]) -> None:
    """Links are not followed: the function has put into its /tmp what it liked."""
    for name in os.listdir(source):
        status = os.stat(name, dir_fd=source, follow_symlinks=False)
        mode = stat.S_IMODE(status.st_mode)
        if name == "lost+found":
            continue
        if stat.S_ISDIR(status.st_mode):
            os.mkdir(name, 0o700, dir_fd=target)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            below = [os.open(name, flags, dir_fd=each) for each in (source, target)]
            _copy_folder(below[0], below[1], owner)
            for each in below:
                os.close(each)
        elif stat.S_ISREG(status.st_mode):
            _copy_file(name, source, target)
        elif stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
        else:
            continue
        os.chown(name, *owner, dir_fd=target, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            continue
        os.chmod(name, mode, dir_fd=target)
        os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=target)


def _copy_file(name: str, source: int, target: int) -> None:
    reading = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=source)
    writing = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=target)
    with os.fdopen(reading, "rb") as file, os.fdopen(writing, "wb") as copy_:
        shutil.copyfileobj(file, copy_, 1 << 20)


def _take_privileges(copied: snapshot_trace.Held, proc: int) -> None:
    """A new user namespace gave the copy every capability: it loses them before its first instruction. `proc` is its
    folder there: the kernel's word for it. Raises OSError."""
    for capability in range(syscalls.CAP_LAST + 1):
        copied.call(_PRCTL, _PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    address = copied.write(header + bytes(24))
    copied.call(_CAPSET, address, address + len(header))
    with open(os.open("status", os.O_RDONLY, dir_fd=proc)) as status:
        told = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
    if {name: told.get(name) for name in _WITHOUT_RIGHTS} != _WITHOUT_RIGHTS:
        raise OSError("the copy has not given up its rights")


def _listen() -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(snapshot_python.RENDEZVOUS)
    listening.listen(1)
    return listening


def _hand_over(listening: socket.socket, fds: list[int]) -> None:
    poll = select.poll()
    poll.register(listening, select.POLLIN)
    if not poll.poll(_FETCH_LIMIT_MS):
        raise OSError("the copy did not fetch its files")
    connection, _ = listening.accept()
    with connection:
        socket.send_fds(connection, [b"."], fds)
