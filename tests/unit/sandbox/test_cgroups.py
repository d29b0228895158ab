"""Control groups of both versions, on a folder that stands for /sys/fs/cgroup, and the real thing's CPU share."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ramuda.kernel.ports.sandbox import SandboxBackend
from ramuda.sandbox.isolated import cgroup, cgroup_v1, cgroup_v2
from ramuda.sandbox.options import Options
from tests.sandboxes import CodeStore, run

MIB = 1024 * 1024
FILES_V1 = {
    "memory": ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", *("memory.oom_control", "cgroup.event_control")),
    "cpu": ("cpu.cfs_period_us", "cpu.cfs_quota_us"),
    "cpuacct": (),
    "pids": ("pids.max",),
    "freezer": ("freezer.state",),
}
FILES_V2 = (
    *("memory.max", "memory.swap.max", "memory.oom.group", "memory.events", "cpu.max", "pids.max", "cgroup.freeze"),
    *("cgroup.procs", "cgroup.controllers", "cgroup.subtree_control"),
)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders made below a `cgroup` folder are filled with files, as the kernel does."""
    plain = Path.mkdir

    def mkdir(path: Path, *arguments: object, **settings: object) -> None:
        plain(path, *arguments, **settings)  # type: ignore[arg-type]  # handed on
        controller = next((part for part in path.parts if part in FILES_V1), None)
        names = (*FILES_V1[controller], "cgroup.procs") if controller else FILES_V2
        for name in names:
            (path / name).touch()
        if not controller:
            (path / "cgroup.controllers").write_text("cpu memory pids")
            (path / "cgroup.subtree_control").write_text("cpu memory pids")

    monkeypatch.setattr(Path, "mkdir", mkdir)


def rewritten(path: Path) -> str:
    """What was written to a file that is kept open, and forgets it."""
    text = path.read_text()
    path.write_text("")
    return text


def test_version_2_writes_limits_as_the_kernel_wants_them(kernel: None, tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    root.mkdir()
    groups = cgroup_v2.Groups(Options(), root)
    group = groups.create("box")
    folder = next(root.glob("ramuda/*/box"))
    assert groups.lacks == ()
    assert (root / "cgroup.subtree_control").read_text() == "+memory +cpu +pids"
    assert [(folder / name).read_text() for name in ("pids.max", "memory.oom.group")] == ["1024", "1"]
    group.limit_memory(128)
    assert [(folder / name).read_text() for name in ("memory.max", "memory.swap.max")] == [str(128 * MIB), "0"]
    group.limit_cpu(0.5)
    assert rewritten(folder / "cpu.max") == "10000 20000"
    group.freeze()
    assert (folder / "cgroup.freeze").read_text() == "1"
    (folder / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\noom_group_kill 1\n")
    assert group.oom_kills() == 1
    assert group.oom_event() is None
    entrances = group.entrances()
    assert len(entrances) == 1
    os.close(entrances[0])
    shutil.rmtree(folder)
    assert group.remove()


def test_version_2_without_root_uses_the_group_that_the_process_is_in(kernel: None, tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    (root / "user.slice/app").mkdir(parents=True)
    (root / "cgroup.subtree_control").unlink()  # not ours to write
    membership = tmp_path / "membership"
    membership.write_text("1:name=systemd:/\n0::/user.slice/app\n")
    groups = cgroup_v2.Groups(Options(), root, membership)
    groups.create("box")
    assert [path.name for path in root.glob("user.slice/app/ramuda/*/box")] == ["box"]


def test_version_1_writes_limits_as_the_kernel_wants_them(kernel: None, tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    for controller in FILES_V1:
        (root / controller).mkdir(parents=True)
    groups = cgroup_v1.Groups(Options(), root)
    group = groups.create("box")

    def file(name: str) -> Path:
        return next(root.glob(f"*/ramuda/*/box/{name}"))

    assert groups.lacks == ()
    assert [file(name).read_text() for name in ("pids.max", "cpu.cfs_period_us")] == ["1024", "20000"]
    group.limit_memory(128)
    limits = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
    assert [file(name).read_text() for name in limits] == [str(128 * MIB)] * 2
    group.limit_cpu(0.0724)
    assert rewritten(file("cpu.cfs_quota_us")) == "1448"
    group.freeze()
    assert file("freezer.state").read_text() == "FROZEN"
    file("memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    assert group.oom_kills() == 3
    event = group.oom_event()
    assert event is not None
    assert file("cgroup.event_control").read_text().split()[0] == str(event)
    entrances = group.entrances()
    assert len(entrances) == 5
    for fd in entrances:
        os.close(fd)
    for folder in root.glob("*/ramuda/*/box"):
        shutil.rmtree(folder)
    assert group.remove()


def test_a_quota_is_never_below_what_the_kernel_takes() -> None:
    quotas = [cgroup.cpu_quota_us(vcpus, 20_000) for vcpus in (0.01, 0.0724, 1.0, 5.79)]
    assert quotas == [1000, 1448, 20_000, 115_800]


def test_a_group_is_stale_when_its_owner_runs_no_more() -> None:
    own = cgroup.owner_name()
    namespace, _, started, _ = own.split("-")
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert not cgroup.is_stale(own)
    assert cgroup.is_stale(f"{namespace}-{ended.pid}-{started}-0")
    assert cgroup.is_stale(f"{namespace}-{os.getpid()}-1-0")  # the pid is somebody else's now
    assert not cgroup.is_stale(f"1-{ended.pid}-{started}-0")  # of another pid namespace: not ours to judge
    assert not cgroup.is_stale("something-else")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs control groups")
async def test_the_cpu_share_holds_once_it_is_applied(isolated_backend: SandboxBackend, code: CodeStore) -> None:
    script = """
import time
def share(seconds):
    wall, cpu = time.monotonic(), time.process_time()
    while time.monotonic() - wall < seconds: pass
    return (time.process_time() - cpu) / (time.monotonic() - wall)
sys.stdin = None
tell("up")
while True: tell(share(0.4))
"""
    sandbox, output = await run(isolated_backend, code, script, memory_mib=512)
    assert await output.json() == "up"
    sandbox.limit_cpu()
    await output.json()  # began without the limit
    assert 0.15 <= await output.json() <= 0.36  # 512 / 1769 = 0.289
