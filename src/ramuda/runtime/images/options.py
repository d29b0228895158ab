"""Options of container images."""

from pathlib import Path

import msgspec


class Options(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where images come from, and how large they may be."""

    registries: dict[str, str] = {}
    """Where a registry really is: host (or a pattern, `*.dkr.ecr.*.amazonaws.com`) to `http://127.0.0.1:5000`."""
    insecure_registries: tuple[str, ...] = ()
    """Hosts, with their ports, that are spoken to over http. Those on this machine's loopback always are."""
    docker_config: Path | None = None
    """The file whose `auths` hold credentials of registries. Else $DOCKER_CONFIG/config.json, ~/.docker/config.json."""
    local_paths: bool | None = None
    """Whether an ImageUri may name a folder or archive of this machine (`oci:/path`). None: yes, but not under --auth,
    where who calls need not be who may read this machine's files."""
    image_bytes: int = 10 * 1024**3
    """Most that an image's files may add up to (DG: gettingstarted-limits, 10 GB)."""
    image_entries: int = 1_000_000
    """Most files, folders and links of an image."""
    workers: int = 2
    """Layers unpacked at the same time."""
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    """A registry that sends nothing for so long is given up."""
    retry_after_s: tuple[float, ...] = (1.0, 4.0)
    """How long an unpacking that a registry or the disk failed waits before it is tried again."""
