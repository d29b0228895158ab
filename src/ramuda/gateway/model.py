"""AWS service models as botocore ships them, loaded one at a time and without their prose.

A model is decoded on the first call to its service (3-5 ms) and kept. Documentation is dropped before a ServiceModel
is made: it is nine tenths of the text and nothing here reads it. Which service a signing name, host or target header
means is answered by `Models.index`, made from the first kilobytes of every model (0.1 s for all of them) on its first
use, and kept in `cache_dir` when there is one.

Only the models inside the botocore package count; a user's own in `~/.aws/models` are for clients.
"""

import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import botocore
import msgspec
from botocore.model import ServiceModel

from ramuda.kernel.errors import RamudaError

DATA_DIR = Path(botocore.__file__).parent / "data"
HEAD_BYTES = 4096
"""Compressed bytes that are sure to hold a model's `metadata`, which is its first or second key."""

_PROSE = frozenset({"documentation", "documentationUrl"})
_decode = msgspec.json.Decoder().decode
_decode_first = json.JSONDecoder().raw_decode


class UnknownService(RamudaError):  # noqa: N818 - a state of the request, answered as such
    """botocore has no service of that name."""


class ServiceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What finds a service. `protocols` are those it speaks, the one botocore prefers first."""

    name: str
    api_version: str
    endpoint_prefix: str
    signing_name: str
    target_prefix: str | None
    protocols: tuple[str, ...]


class Index:
    """Finds services by the names that requests carry. Several may share a signing name or endpoint prefix."""

    def __init__(self, entries: Iterable[ServiceEntry]) -> None:
        self.by_name = {entry.name: entry for entry in entries}
        self.by_signing_name = self._group("signing_name")
        self.by_endpoint_prefix = self._group("endpoint_prefix")
        self.by_target_prefix = {e.target_prefix: e.name for e in self.by_name.values() if e.target_prefix}

    def _group(self, attribute: str) -> Mapping[str, tuple[str, ...]]:
        groups: dict[str, list[str]] = defaultdict(list)
        for name, entry in self.by_name.items():
            groups[getattr(entry, attribute)].append(name)
        return {key: tuple(names) for key, names in groups.items()}


class Models:
    """botocore's service models by botocore's service names (`lambda`, `logs`, `cloudwatch`)."""

    def __init__(self, cache_dir: Path | None = None) -> None:
        self._cache_dir = cache_dir
        self._services: dict[str, ServiceModel] = {}

    def service(self, name: str) -> ServiceModel:
        """The newest version of the service's model. Raises UnknownService."""
        model = self._services.get(name)
        if model is None:
            model = self._services[name] = ServiceModel(_load(name), name)
        return model

    @cached_property
    def index(self) -> Index:
        cache = self._cache_dir / f"services-{botocore.__version__}.json" if self._cache_dir else None
        entries = _read_cache(cache) if cache else None
        if entries is None:
            entries = [_entry(path) for path in sorted(DATA_DIR.iterdir()) if path.is_dir() and _newest(path)]
            if cache:
                _write_cache(cache, entries)
        return Index(entries)


def _newest(service_dir: Path) -> Path | None:
    """The model file of the service's newest API version; folders are named after their date."""
    return max(service_dir.glob("*/service-2.json.gz"), default=None)


def _load(name: str) -> dict[str, Any]:
    path = _newest(DATA_DIR / name) if name and "/" not in name and not name.startswith(".") else None
    if path is None:
        raise UnknownService(f"botocore has no service named {name!r}")
    model: dict[str, Any] = _decode(gzip.decompress(path.read_bytes()))
    extras = path.with_name("service-2.sdk-extras.json")
    if extras.exists():
        _merge(model, _decode(extras.read_bytes()).get("merge", {}))
    _drop_prose(model)
    return model


def _merge(base: dict[str, Any], extra: Mapping[str, Any]) -> None:
    for key, value in extra.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = value


def _drop_prose(node: Any) -> None:
    """Removes documentation. A member that is itself named `documentation` is a dict, not a string, and stays."""
    if isinstance(node, dict):
        for key in _PROSE & node.keys():
            if isinstance(node[key], str):
                del node[key]
        for value in node.values():
            _drop_prose(value)
    elif isinstance(node, list):
        for value in node:
            _drop_prose(value)


def _entry(service_dir: Path) -> ServiceEntry:
    path = _newest(service_dir)
    assert path is not None
    metadata = _metadata(path)
    prefix = metadata["endpointPrefix"]
    return ServiceEntry(
        name=service_dir.name,
        api_version=path.parent.name,
        endpoint_prefix=prefix,
        signing_name=metadata.get("signingName", prefix),
        target_prefix=metadata.get("targetPrefix"),
        protocols=tuple(metadata.get("protocols") or (metadata["protocol"],)),
    )


def _metadata(path: Path) -> dict[str, Any]:
    """The model's `metadata`, from its head when it is there, else from the whole."""
    with path.open("rb") as file:
        head = zlib.decompressobj(wbits=31).decompress(file.read(HEAD_BYTES))
    _, _, text = head.decode(errors="ignore").partition('"metadata":')
    try:
        metadata: dict[str, Any] = _decode_first(text.lstrip())[0]
    except ValueError:
        metadata = _decode(gzip.decompress(path.read_bytes()))["metadata"]
    return metadata


def _read_cache(path: Path) -> list[ServiceEntry] | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[ServiceEntry])
    except (OSError, msgspec.MsgspecError):
        return None


def _write_cache(path: Path, entries: list[ServiceEntry]) -> None:
    """Best effort: a folder that cannot be written costs a tenth of a second at the next start."""
    temporary = path.with_suffix(".tmp")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(msgspec.json.encode(entries))
        temporary.replace(path)
