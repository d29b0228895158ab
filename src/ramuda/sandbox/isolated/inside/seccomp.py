"""The system calls that a function may not make, as a classic BPF program.

A deny list: what AWS's own sandbox allows is not published, and an allow list would break programs that use a call
nobody thought of. Denied is whatever reaches beyond the sandbox or enlarges the kernel's attack surface without use
to a function: other processes' memory, mounts, namespaces, kernel keys, BPF, io_uring, modules, clocks. The calls
answer EPERM; clone3 answers ENOSYS, so that libraries fall back to clone, whose flags a filter can see; a call of a
foreign architecture answers ENOSYS. Sockets, single or in pairs, may be of the families Unix, IPv4, IPv6 and (to
list interfaces) route netlink; others answer EAFNOSUPPORT. Of the internet's protocols there are TCP, UDP and ping;
others answer EPROTONOSUPPORT. Without that, asking for SCTP or TIPC would load a kernel module.

The order of the instructions keeps the program's answer a matter of call number alone for all calls but `socket`,
`socketpair`, `clone` and `fcntl`: the kernel then remembers it in a bitmap and does not run the program again.
"""

from __future__ import annotations

import errno
import platform
import struct

# name: (x86_64, aarch64); -1 where there is no such call. Sources: arch/x86/entry/syscalls/syscall_64.tbl and
# include/uapi/asm-generic/unistd.h of Linux 6.12.
DENIED = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18),
    "syslog": (103, 116),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "iopl": (172, -1),
    "ioperm": (173, -1),
    "modify_ldt": (154, -1),
    "uselib": (134, -1),
    "sysfs": (139, -1),
}

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH_*
_CLONE, _SOCKET, _SOCKETPAIR, _CLONE3 = (56, 220), (41, 198), (53, 199), 435
_FCNTL, _F_SETPIPE_SZ = (72, 25), 1031
_X32_BIT = 0x40000000
_NAMESPACE_FLAGS = 0x7E020080  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET,TIME}
_AF_UNIX, _INTERNET_FAMILIES, _AF_NETLINK = 1, (2, 10), 16
_INTERNET_PROTOCOLS = (0, 1, 6, 17, 58)  # the type's own, ICMP, TCP, UDP, ICMPv6

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _TRACE = 0x7FFF0000, 0x00050000, 0x7FF00000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16  # struct seccomp_data


def program(machine: str = platform.machine(), *, copied: bool = False) -> bytes:
    """The filter as an array of `struct sock_filter`. Raises KeyError on an architecture it was not written for.
    `copied`: a clone into new namespaces is left to the process's tracer (`snapshot_fork`); without one it answers
    ENOSYS."""
    column, architecture = _ARCHITECTURES[machine]
    denied = sorted(numbers[column] for numbers in DENIED.values() if numbers[column] >= 0)
    code = [
        _instruction(_LOAD, _ARCHITECTURE_AT),
        _instruction(_EQUAL, architecture, yes=1),
        _deny(errno.ENOSYS),
        _instruction(_LOAD, _NUMBER_AT),
        _instruction(_AT_LEAST, _X32_BIT, no=1),
        _deny(errno.ENOSYS),
        _instruction(_EQUAL, _CLONE3, no=1),
        _deny(errno.ENOSYS),
    ]
    code += _for_call(_CLONE[column], _check_clone(copied))
    code += _for_call(_FCNTL[column], _check_fcntl())
    for number in (_SOCKET[column], _SOCKETPAIR[column]):
        code += _for_call(number, _check_socket())
    for at, number in enumerate(denied):
        code.append(_instruction(_EQUAL, number, yes=len(denied) - at))
    code += [_instruction(_RETURN, _ALLOW), _deny(errno.EPERM)]
    return b"".join(code)


def _check_clone(copied: bool) -> list[bytes]:
    return [
        _instruction(_LOAD, _ARGUMENTS_AT),
        _instruction(_ANY_BIT, _NAMESPACE_FLAGS, no=1),
        _instruction(_RETURN, _TRACE) if copied else _deny(errno.EPERM),
        _instruction(_RETURN, _ALLOW),
    ]


def _check_fcntl() -> list[bytes]:
    """A function may not enlarge the pipe that the server reads its output from: the server takes a pipe's content
    in one turn."""
    return [
        _instruction(_LOAD, _ARGUMENTS_AT + 8),
        _instruction(_EQUAL, _F_SETPIPE_SZ, no=1),
        _deny(errno.EPERM),
        _instruction(_RETURN, _ALLOW),
    ]


def _check_socket() -> list[bytes]:
    """By family (argument 0) and protocol (argument 2)."""
    internet = _check_protocol(_INTERNET_PROTOCOLS, errno.EPROTONOSUPPORT)
    route_netlink = _check_protocol((0,), errno.EAFNOSUPPORT)
    code = [_instruction(_LOAD, _ARGUMENTS_AT), _instruction(_EQUAL, _AF_UNIX, no=1), _instruction(_RETURN, _ALLOW)]
    for family in _INTERNET_FAMILIES:
        code += [_instruction(_EQUAL, family, no=len(internet)), *internet]
    code += [_instruction(_EQUAL, _AF_NETLINK, no=len(route_netlink)), *route_netlink]
    return [*code, _deny(errno.EAFNOSUPPORT)]


def _check_protocol(allowed: tuple[int, ...], error: int) -> list[bytes]:
    code = [_instruction(_LOAD, _ARGUMENTS_AT + 16)]
    for protocol in allowed:
        code += [_instruction(_EQUAL, protocol, no=1), _instruction(_RETURN, _ALLOW)]
    return [*code, _deny(error)]


def _for_call(number: int, code: list[bytes]) -> list[bytes]:
    return [_instruction(_EQUAL, number, no=len(code)), *code]


def _deny(number: int) -> bytes:
    return _instruction(_RETURN, _ERRNO | number)


def _instruction(operation: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", operation, yes, no, value)
