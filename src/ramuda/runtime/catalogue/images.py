"""Runtimes that are container images: AWS's base images, or look-alikes, in place of what is found on this machine.

    <cache>/images/runtimes.json     which image is which runtime
    <cache>/images/{layers,roots}/   the images (`runtime.images.store`)
    <cache>/images/.use-<sha256>     locked by every process that runs functions on the image

An image is a runtime when it has an executable /var/runtime/bootstrap, which takes the handler from _HANDLER.
https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
"""

import fcntl
import json
import os
import platform
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.kernel.ports.images import ImageError, ImageFault
from ramuda.kernel.ports.sandbox import Boot, RuntimeSpec
from ramuda.runtime.catalogue.entry import Entry, entries
from ramuda.runtime.catalogue.workshop import RuntimeStatus
from ramuda.runtime.images import Library, Options

BOOTSTRAP = "var/runtime/bootstrap"
FOLDERS = ("opt", "var/task")
DIGITS = 12
_ARCHITECTURES = {"aarch64": "arm64"}


class RuntimeImage(msgspec.Struct, frozen=True, kw_only=True):
    """`reference` is what the user wrote, `resolved` and `digest` what it was then; `environment` the image's own."""

    identifier: str
    reference: str
    resolved: str
    digest: str
    environment: tuple[tuple[str, str], ...] = ()


class RuntimeImages:
    """The images that are runtimes. Reads its file again when it changed: `ramuda runtimes` writes it meanwhile."""

    def __init__(self, cache_dir: Path) -> None:
        self._path = cache_dir / "images"
        self._file = self._path / "runtimes.json"
        self._stamp = (0, 0)
        self._images: dict[str, RuntimeImage] = {}
        self._provided: dict[str, ProvidedRuntime] = {}
        self._held: dict[str, int] = {}

    def all(self) -> dict[str, RuntimeImage]:
        """By identifier. Raises PortError when they cannot be read."""
        try:
            status = self._file.stat()
        except FileNotFoundError:
            self._images, self._provided = {}, {}
            return self._images
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp:
            try:
                self._images = msgspec.json.decode(self._file.read_bytes(), type=dict[str, RuntimeImage])
            except (OSError, msgspec.DecodeError) as e:
                raise PortError(f"{self._file} cannot be read: {e}; `ramuda runtimes add` writes it anew") from e
            self._stamp, self._provided = stamp, {}
        return self._images

    def provide(self, identifier: str) -> ProvidedRuntime | None:
        """The runtime, if it is an image. Its files stay until `close`, whatever is removed meanwhile."""
        image = self.all().get(identifier)
        if image is None:
            return None
        if identifier not in self._provided:
            self._hold(image.digest)
            if not self._root(image.digest).is_dir():
                raise PortError(f"the image of {identifier} is gone: `ramuda runtimes add {identifier} --image ...`")
            self._provided[identifier] = _provided(entries()[identifier], image, self._root(image.digest))
        return self._provided[identifier]

    def status(self, identifier: str) -> RuntimeStatus | None:
        """What `ramuda doctor` says."""
        image = self.all().get(identifier)
        if image is None:
            return None
        return RuntimeStatus(
            identifier=identifier,
            runnable=True,
            interpreter=f"{image.reference} (container image)",
            version=_short(image.digest),
            client="the image's own",
        )

    def close(self) -> None:
        for fd in self._held.values():
            os.close(fd)
        self._held.clear()

    async def add(self, identifier: str, reference: str, options: Options, clock: Clock) -> RuntimeImage:
        """Fetches the image and makes it the runtime. Raises ImageError, PortError."""
        if identifier not in entries():
            raise PortError(f"{identifier} is not a runtime; `ramuda doctor` lists those there are")
        machine = platform.machine()
        async with self._changing(options, clock) as (library, images):
            pinned = await library.resolve(reference, _ARCHITECTURES.get(machine, machine))
            unpacked = await library.unpack(pinned)
            _check(unpacked.root)
            images[identifier] = RuntimeImage(
                identifier=identifier,
                reference=reference,
                resolved=pinned.resolved_uri,
                digest=pinned.digest,
                environment=unpacked.environment,
            )
        return images[identifier]

    async def remove(self, identifier: str, options: Options, clock: Clock) -> bool:
        """Whether there was one. The files of images that no runtime is and nobody runs go too."""
        async with self._changing(options, clock) as (_, images):
            is_there = images.pop(identifier, None) is not None
        async with self._changing(options, clock) as (library, images):
            await library.collect({image.digest for image in images.values()} | self._in_use())
        return is_there

    def _root(self, digest: str) -> Path:
        return self._path / "roots" / digest.partition(":")[2] / "tree"

    def _hold(self, digest: str) -> None:
        if digest not in self._held:
            fd = os.open(self._path / f".use-{digest.partition(':')[2]}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(fd, fcntl.LOCK_SH)
            self._held[digest] = fd

    def _in_use(self) -> set[str]:
        """Digests of images that some process runs. Forgets those nobody does."""
        used: set[str] = set()
        for path in self._path.glob(".use-*"):
            with path.open("r+") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                except BlockingIOError:
                    used.add(f"sha256:{path.name.removeprefix('.use-')}")
        return used

    @asynccontextmanager
    async def _changing(self, options: Options, clock: Clock) -> AsyncIterator[tuple[Library, dict[str, RuntimeImage]]]:
        """The images, and the file's content, which is written when the block ends; one process at a time."""
        self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._path / ".runtimes-lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            library = Library(self._path, options, clock)
            await library.open()
            images: dict[str, RuntimeImage] = {}
            with suppress(PortError):
                images = dict(self.all())
            try:
                yield library, images
            finally:
                await library.close()
            self._write(images)

    def _write(self, images: dict[str, RuntimeImage]) -> None:
        fd, name = tempfile.mkstemp(dir=self._path, prefix=".runtimes-")
        with os.fdopen(fd, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(images)))
            file.flush()
            os.fsync(fd)
        os.replace(name, self._file)


def _check(root: Path) -> None:
    """Whether functions can run on it."""
    bootstrap = root / BOOTSTRAP
    if not bootstrap.is_symlink() and not os.access(bootstrap, os.X_OK):
        raise ImageError(
            ImageFault.UNSUPPORTED, f"the image has no executable /{BOOTSTRAP}: it is not a Lambda base image"
        )
    for name in FOLDERS:
        if (root / name).is_symlink() or not (root / name).is_dir():
            raise ImageError(ImageFault.UNSUPPORTED, f"the image has no folder /{name}")


def _provided(entry: Entry, image: RuntimeImage, root: Path) -> ProvidedRuntime:
    spec = RuntimeSpec(
        name=entry.identifier,
        boot=Boot.EXEC,
        argv=(f"/{BOOTSTRAP}",),
        root=root,
        environment=tuple({**entry.environment, **dict(image.environment)}.items()),
    )
    version = ":".join(part for part in (entry.family, entry.version) if part)
    return ProvidedRuntime(
        identifier=entry.identifier, spec=spec, runtime_version=f"{version}.image.{_short(image.digest)}"
    )


def _short(digest: str) -> str:
    return digest.partition(":")[2][:DIGITS]


def described(image: RuntimeImage) -> dict[str, str]:
    """For programs."""
    return {key: value for key, value in json.loads(msgspec.json.encode(image)).items() if key != "environment"}
