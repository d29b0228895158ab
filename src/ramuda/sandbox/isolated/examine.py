"""What this machine lets the isolated backend do: everything is tried, nothing is guessed from versions."""

import asyncio
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

from ramuda.kernel import limits
from ramuda.kernel.ports.sandbox import Capability, Finding
from ramuda.sandbox.isolated import loopfs
from ramuda.sandbox.isolated.backend import find_groups
from ramuda.sandbox.isolated.inside import template
from ramuda.sandbox.options import Options

PROBE_LIMIT_S = 10.0
PROBE_MIB = 16
PACKAGE = Path(template.__file__).parent
_START = "import sys; sys.path.insert(0, sys.argv[1]); from inside import probe; probe.main(sys.argv[2], {}, {}, {})"

NEEDED = ("user_namespace", "namespaces", "mounts", "proc", "seccomp")
WORKS = {
    "user_namespace": "own user namespace, or root",
    "namespaces": "mount, pid, net, ipc and uts namespaces",
    "mounts": "read-only mounts (open_tree, mount_setattr)",
    "proc": "an own /proc",
    "seccomp": "system call filter",
    "network": "redirected network (nftables)",
}
MEND = {
    "user_namespace": "allow user namespaces (sysctl user.max_user_namespaces above 0; where they exist "
    "kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0), or run as root",
    "namespaces": "run as root with CAP_SYS_ADMIN, or allow user namespaces; in Docker: --privileged",
    "mounts": "use Linux 5.12 or later; in Docker: --privileged",
    "proc": "run outside a container, or in one whose /proc is not masked (Docker: --privileged)",
    "seccomp": "use a kernel with CONFIG_SECCOMP_FILTER, on x86_64 or aarch64",
    "network": "use a kernel with CONFIG_NF_TABLES, NFT_NAT and NFT_REDIR (module nft_redir); until then functions "
    "reach the platform's endpoint only",
}


async def examine(options: Options) -> Capability:
    """Tries everything out, in processes of its own. Takes about 0.1 s and leaves nothing behind."""
    if sys.platform != "linux":
        missing = Finding(name="linux", ok=False, detail=f"{platform.system()} has no namespaces", mend="run on Linux")
        return Capability(backend="isolated", usable=False, findings=(missing,))
    tried = await _probe()
    findings = [_finding(name, error) for name, error in tried.items()]
    findings.append(await asyncio.to_thread(_control_groups, options))
    findings.append(await asyncio.to_thread(_volumes))
    usable = all(finding.ok for finding in findings if finding.name in NEEDED)
    return Capability(backend="isolated", usable=usable, findings=tuple(findings))


async def _probe() -> dict[str, str | None]:
    start = _START.format(os.geteuid() == 0, limits.SANDBOX_UID, limits.SANDBOX_GID)
    with tempfile.TemporaryDirectory(prefix="ramuda-probe-") as root:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-c", start, str(PACKAGE.parent), root),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(PROBE_LIMIT_S):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return dict.fromkeys(WORKS, f"the probe did not end within {PROBE_LIMIT_S:g} s")
    if not out:
        reason = err.decode(errors="replace").strip().rpartition("\n")[2]
        return dict.fromkeys(WORKS, f"the probe failed: {reason}")
    results: dict[str, str | None] = json.loads(out)
    return results


def _finding(name: str, error: str | None) -> Finding:
    if error is None:
        return Finding(name=name, ok=True, detail=WORKS[name])
    return Finding(name=name, ok=False, detail=f"{WORKS[name]}: {error}", mend=MEND[name])


def _control_groups(options: Options) -> Finding:
    groups = find_groups(options)
    if groups is None:
        return Finding(
            name="control_groups",
            ok=False,
            detail="none can be made: memory is limited by looking now and then, CPU and processes are not",
            mend="run as root, or under `systemd-run --user --scope -p Delegate=yes`",
        )
    groups.close()
    version = "1" if groups.__class__.__module__.endswith("v1") else "2"
    if groups.lacks:
        lacking = ", ".join(groups.lacks)
        mend = f"enable {lacking} in cgroup.subtree_control, or on the kernel's command line"
        return Finding(name="control_groups", ok=False, detail=f"version {version} without {lacking}", mend=mend)
    return Finding(name="control_groups", ok=True, detail=f"version {version}: memory, cpu, pids, freezer")


def _volumes() -> Finding:
    detail = "files in /tmp are memory and count against a function's limit"
    if os.geteuid() != 0:
        return Finding(name="tmp_volumes", ok=False, detail=f"{detail}: loop devices need root", mend="run as root")
    with tempfile.TemporaryDirectory(prefix="ramuda-probe-") as folder:
        try:
            os.close(loopfs.Volumes(Path(folder)).make(PROBE_MIB))
        except OSError as error:
            mend = "install e2fsprogs and allow loop devices (/dev/loop-control)"
            return Finding(name="tmp_volumes", ok=False, detail=f"{detail}: {error}", mend=mend)
    return Finding(name="tmp_volumes", ok=True, detail="ext4 volumes for /tmp, of exactly the configured size")
