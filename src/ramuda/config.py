"""Every option of the server, one frozen tree; each component owns its branch.

From a file (`--config ramuda.toml`), from the command line and from `RAMUDA_*` variables they all come through
`load`, so that an unknown or wrong option stops the start with a sentence that names it."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from ramuda.gateway.options import Options as GatewayOptions
from ramuda.invoke.options import Options as InvokeOptions
from ramuda.kernel.errors import ConfigError
from ramuda.runtime.catalogue.options import Options as CatalogueOptions
from ramuda.runtime.images.options import Options as ImagesOptions
from ramuda.runtime.options import Options as RuntimeOptions
from ramuda.sandbox.options import Options as SandboxOptions
from ramuda.services.lambda_.options import Options as LambdaOptions
from ramuda.telemetry.options import Options as TelemetryOptions

CACHE_DIR = "~/.cache/ramuda/runtimes"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Options(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where the server listens, where its state lies, and the options of its components."""

    host: str = "127.0.0.1"
    port: int = 4566
    """0 takes a free port."""
    data_dir: Path = Path("~/.local/share/ramuda")
    """Everything durable: databases, code, the server's secret."""
    gateway: GatewayOptions = GatewayOptions()
    sandbox: SandboxOptions = SandboxOptions()
    catalogue: CatalogueOptions = CatalogueOptions(cache_dir=Path(CACHE_DIR))
    runtime: RuntimeOptions = RuntimeOptions()
    images: ImagesOptions = ImagesOptions()
    invoke: InvokeOptions = InvokeOptions()
    telemetry: TelemetryOptions = TelemetryOptions()
    lambda_: LambdaOptions = msgspec.field(default=LambdaOptions(), name="lambda")


def load(values: dict[str, Any], file: Path | None = None) -> Options:
    """Options from nested plain values over those of a TOML file. Raises ConfigError."""
    try:
        told = tomllib.loads(file.read_text()) if file is not None else {}
        defaults = {"catalogue": {"cache_dir": CACHE_DIR}}
        options = msgspec.convert(_merged(_merged(defaults, told), values), Options, strict=False, dec_hook=_path)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as e:
        raise ConfigError(f"options: {e}") from e
    check(options)
    replace = msgspec.structs.replace
    catalogue = replace(options.catalogue, cache_dir=options.catalogue.cache_dir.expanduser().absolute())
    return replace(options, data_dir=options.data_dir.expanduser().absolute(), catalogue=catalogue)


def check(options: Options) -> None:
    """Raises ConfigError for options that are well-formed but must not be served."""
    if options.host not in LOOPBACK and not options.gateway.auth:
        raise ConfigError(
            f"--host {options.host} would let anybody who reaches this machine run code on it. "
            "Turn on signature checking with --auth, or stay with 127.0.0.1."
        )


def _path(wanted: type, value: object) -> Path:
    """msgspec asks about types it does not know."""
    if wanted is not Path or not isinstance(value, str):
        raise NotImplementedError
    return Path(value)


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
