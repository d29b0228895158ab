"""Which sandbox backend works on this machine, and why another does not."""

from pathlib import Path

from ramuda.kernel.errors import ConfigError
from ramuda.kernel.ports.sandbox import Capability, SandboxBackend
from ramuda.sandbox import isolated, process
from ramuda.sandbox.guarded import guarded
from ramuda.sandbox.options import Options


async def examine(options: Options) -> list[Capability]:
    """What every backend can and cannot do here, the preferred one first."""
    return [await isolated.examine(options), await process.examine(options)]


async def choose(options: Options, work_dir: Path, code_root: Path) -> tuple[SandboxBackend, list[Capability]]:
    """The backend that `options` ask for. Raises ConfigError when that one cannot work here."""
    capabilities = [await isolated.examine(options)]
    if options.backend == "process" or (options.backend == "auto" and not capabilities[0].usable):
        capabilities.append(await process.examine(options))
        return guarded(process.Backend(options, work_dir)), capabilities
    if not capabilities[0].usable:
        raise ConfigError(f"--sandbox isolated cannot work here: {reasons(capabilities[0])}")
    return guarded(isolated.Backend(options, work_dir, code_root)), capabilities


def reasons(capability: Capability) -> str:
    """Why a backend is not usable, in one line."""
    lacking = [finding for finding in capability.findings if not finding.ok]
    return "; ".join(f"{finding.name}: {finding.detail}" for finding in lacking) or "unknown"
