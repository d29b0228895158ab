"""What an operator may set of delegated services."""

from pathlib import Path

import msgspec


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where services that Ramuda does not write itself are found."""

    endpoints: dict[str, str] = {}
    """Service (`s3`, `dynamodb`) -> base URL. A service that is not named here is served by moto's server."""
    moto: bool = True
    """Whether moto's server may be started for services without an endpoint."""
    log_dir: Path | None = None
    """Where moto's output goes (`moto.log`); None throws it away."""
    start_timeout_s: float = 60.0
    """How long moto's server may take until it answers."""
    timeout_s: float = 900.0
    """The longest a delegated call may take between two bytes of its answer."""
