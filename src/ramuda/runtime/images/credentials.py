"""Credentials of registries, as `docker login` and its likes leave them in a file.

Only `auths` are read; credential helpers (programs) are not started.
https://docs.docker.com/reference/cli/docker/login/
"""

import base64
import binascii
import os
from pathlib import Path

import msgspec

from ramuda.kernel.errors import PortError


class _Auth(msgspec.Struct):
    auth: str = ""


class _Config(msgspec.Struct):
    auths: dict[str, _Auth] = {}


def basic(host: str, config: Path | None) -> str | None:
    """What goes behind `Basic` for the registry, if anybody logged in. Raises PortError for a file that is broken."""
    path = config or default_config()
    try:
        auths = msgspec.json.decode(path.read_bytes(), type=_Config).auths
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as e:
        raise PortError(f"the credentials of registries in {path} cannot be read: {e}") from e
    for name in (host, f"https://{host}", f"https://{host}/v1/", f"http://{host}"):
        if name in auths and _is_good(auths[name].auth):
            return auths[name].auth
    return None


def default_config() -> Path:
    folder = os.environ.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path.home() / ".docker") / "config.json"


def _is_good(text: str) -> bool:
    try:
        return b":" in base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
