"""What a function sees of this machine's files: its own code, its runtime, /tmp, and nothing else."""

import os
from pathlib import Path

import pytest

from tests.sandboxes import CodeStore
from tests.security.conftest import Attack


async def test_the_root_holds_a_runtimes_folders_only(attack: Attack) -> None:
    seen = await attack(
        "tell([sorted(os.listdir(path)) for path in ('/', '/dev', '/run', '/opt', '/mnt', '/usr/local')])"
    )
    merged = {"bin", "lib", "lib32", "lib64", "libx32", "sbin"}
    assert set(seen[0]) - merged == {"dev", "etc", "mnt", "opt", "proc", "run", "tmp", "usr", "var"}
    devices = ["fd", "full", "null", "random", "stderr", "stdin", "stdout", "urandom", "zero"]
    assert seen[1:] == [devices, [], [], [], []]


async def test_another_functions_code_and_the_code_store_are_out_of_sight(attack: Attack, code: CodeStore) -> None:
    other = code.add({"my_own_secret.py": "SECRET = 'of another function'"})
    seen = await attack(f"""
found = [str(path) for path in __import__("pathlib").Path("/").rglob("my_own_secret.py")]
tell([found, attempt(lambda: open({str(other / "my_own_secret.py")!r}).read()),
      attempt(lambda: os.listdir({str(code.root)!r})), os.listdir("/var/task")])
""")
    assert seen == [[], "ENOENT", "ENOENT", ["main.py"]]


async def test_the_hosts_own_files_are_out_of_sight(attack: Attack, sandbox_work: Path) -> None:
    paths = ["/root", "/home", "/etc/shadow", "/etc/hostname", "/sys", "/boot", "/srv", str(sandbox_work), os.getcwd()]
    seen = await attack(f"tell([attempt(lambda: os.stat(path).st_ino) for path in {paths!r}])")
    assert seen == ["ENOENT"] * len(paths)


async def test_leaving_the_root_through_dotdot_and_descriptors_leads_nowhere(attack: Attack) -> None:
    seen = await attack("""
root = os.open("/", os.O_RDONLY)
up = os.open("..", os.O_RDONLY, dir_fd=root)
tell([os.path.samefile("/", up), os.listdir(up) == os.listdir("/"), os.readlink("/proc/self/root"),
      attempt(lambda: os.chroot("/tmp"))])
""")
    assert seen == [True, True, "/", "EPERM"]


async def test_nothing_but_tmp_can_be_written(attack: Attack) -> None:
    places = [
        *("/x", "/var/task/x", "/var/task/main.py", "/opt/x", "/usr/bin/x", "/etc/passwd", "/run/x", "/var/tmp/x"),
        *("/dev/x", "/usr/local/x", "/var/runtime/x", "/mnt/x"),
    ]
    seen = await attack(f"tell([attempt(lambda: open(path, 'a').close()) for path in {places!r}])")
    assert set(seen) == {"EROFS"} or set(seen) == {"EROFS", "EACCES"}
    assert await attack("open('/tmp/x', 'w').write('mine'); tell(open('/tmp/x').read())") == "mine"


async def test_kernel_settings_cannot_be_changed_and_secrets_not_read(attack: Attack) -> None:
    writes = [
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/net/ipv4/ip_forward",
        "/proc/sysrq-trigger",
        "/proc/1/oom_score_adj",
    ]
    seen = await attack(f"tell([attempt(lambda: open(path, 'w').write('1')) for path in {writes!r}])")
    assert set(seen) <= {"EACCES", "ENOENT", "EROFS", "EPERM"}
    reads = ["/proc/kcore", "/proc/kmsg", "/proc/1/environ", "/proc/1/maps", "/proc/keys"]
    seen = await attack(f"tell([attempt(lambda: len(open(path, 'rb').read(10))) for path in {reads!r}])")
    assert seen[:4] == ["EACCES", "EACCES", "ENOENT", "ENOENT"] or set(seen[:4]) <= {"EACCES", "ENOENT", "EPERM"}
    assert seen[4] in (0, "ENOENT", "EACCES")


async def test_control_groups_and_devices_are_out_of_reach(attack: Attack) -> None:
    seen = await attack("""
tell([attempt(lambda: os.listdir("/sys/fs/cgroup")),
      attempt(lambda: os.mknod("/tmp/disk", 0o60666, os.makedev(7, 0))),
      attempt(lambda: os.mknod("/tmp/mem", 0o20666, os.makedev(1, 1))),
      attempt(lambda: os.open("/dev/loop0", os.O_RDWR)),
      attempt(lambda: os.open("/dev/shm/x", os.O_CREAT | os.O_RDWR))])
""")
    assert seen == ["ENOENT", "EPERM", "EPERM", "ENOENT", "ENOENT"]


async def test_set_user_id_programs_give_nothing(attack: Attack) -> None:
    seen = await attack("""
import glob
setuid = [path for path in glob.glob("/usr/bin/*") if os.stat(path).st_mode & 0o4000]
flags = os.statvfs("/usr").f_flag
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
tell([bool(flags & os.ST_NOSUID), status["NoNewPrivs"].strip(), {status[each].strip() for each in
     ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}, attempt(lambda: os.setuid(0)),
     attempt(lambda: os.setgroups([0])), os.getresuid(), os.getresgid(), status["Seccomp"].strip()])
""")
    assert seen.pop(3) in ("EINVAL", "EPERM")  # in a user namespace there is no user 0 to become
    assert seen == [True, "1", True, "EPERM", [993] * 3, [990] * 3, "2"]


@pytest.mark.parametrize("tmp_mib", [512, 600])
async def test_tmp_has_the_configured_size_and_no_more(attack: Attack, tmp_mib: int) -> None:
    seen = await attack(
        """
written, block = 0, bytes(1048576)
with open("/tmp/big", "wb", buffering=0) as file:
    try:
        while True: written += file.write(block)
    except OSError as error:
        stopped = errno.errorcode[error.errno]
stat = os.statvfs("/tmp")
tell([written, stopped, oct(os.stat("/tmp").st_mode), os.listdir("/tmp")])
""",
        tmp_mib=tmp_mib,
        memory_mib=1024,
    )
    written, *rest = seen
    assert (tmp_mib - 2) * 1048576 <= written <= tmp_mib * 1048576
    assert rest == ["ENOSPC", "0o41777", ["big"]]


async def test_a_full_tmp_is_no_burden_on_memory(attack: Attack) -> None:
    script = """
with open("/tmp/big", "wb") as file:
    for _ in range(300): file.write(bytes(1048576))
tell(os.path.getsize("/tmp/big") >> 20)
"""
    if os.geteuid() != 0:
        pytest.skip("without root /tmp is memory")
    assert await attack(script, memory_mib=128) == 300
