"""Images on this machine's disk.

    layers/<sha256 of the compressed layer>/{tree, layer.json}     each layer once, whoever uses it
    roots/<sha256 of the manifest>/{tree, image.json}              whole images; their files are links to the layers'
    .incoming/                                                     what is being made

A folder appears when it is complete and on the disk, by a rename. A lock file keeps other processes out while one works
or deletes; what a crash left in `.incoming` is removed under it. All methods block.
"""

import ctypes
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.images import ImageError, ImageFault, UnpackedImage
from ramuda.runtime.images import compression, folders, root
from ramuda.runtime.images.manifest import Configuration, Descriptor, Manifest
from ramuda.runtime.images.tar import Stream
from ramuda.runtime.images.unpack import Budget, Marks, unpack

PRIVATE = 0o700
TREE = "tree"
DRAIN_BYTES = 256 * 1024
_Digest = str


class Store:
    """Everything below `path`, which only its owner may look into."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._incoming = path / ".incoming"

    def open(self) -> None:
        """Makes the folders, and removes what a crash left, unless another process is at work."""
        with _wrapped():
            for folder in (self._path, self._incoming, self._path / "layers", self._path / "roots"):
                folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            with suppress(BlockingIOError), self.locked(may_wait=False):
                for name in os.listdir(self._incoming):
                    folders.remove(str(self._incoming / name))

    @contextmanager
    def locked(self, *, may_wait: bool = True) -> Iterator[None]:
        """Keeps other processes from deleting what is being used here. Raises BlockingIOError when it may not wait."""
        with (self._path / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if may_wait else fcntl.LOCK_NB))
            yield

    def find(self, sha256: str) -> UnpackedImage | None:
        """The image of this manifest, if it is here."""
        folder = self._path / "roots" / sha256
        try:
            told = json.loads((folder / "image.json").read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as e:
            raise PortError(f"the image in {folder} cannot be read: {e}") from e
        return UnpackedImage(
            root=folder / TREE,
            entry_point=tuple(told["entry_point"]),
            command=tuple(told["command"]),
            working_dir=told["working_dir"],
            environment=tuple((name, value) for name, value in told["environment"]),
        )

    def has_layer(self, sha256: str) -> bool:
        return (self._path / "layers" / sha256).is_dir()

    @contextmanager
    def making(self) -> Iterator[Path]:
        """A folder on the store's disk, gone with all that is left in it at the end."""
        with _wrapped():
            folder = tempfile.mkdtemp(dir=self._incoming)
        try:
            yield Path(folder)
        finally:
            with suppress(OSError):  # the next start removes it
                folders.remove(folder)

    def add_layer(self, blob: Path, layer: Descriptor, diff_id: str, budget: Budget, scratch: Path) -> None:
        """Unpacks a layer. `blob` has the digest it should have; `diff_id` is that of the tar in it."""
        folder = scratch / layer.sha256
        with _wrapped():
            tree = folder / TREE
            tree.mkdir(parents=True)
            with compression.opened(blob) as stream:
                hashing = _Hashing(stream)
                marks = unpack(hashing, tree, budget)
                hashing.drain(budget)
            if f"sha256:{hashing.hexdigest()}" != diff_id:
                raise ImageError(ImageFault.UNSUPPORTED, "a layer is another than the configuration names")
            # `json` keeps names that are no UTF-8.
            (folder / "layer.json").write_text(
                json.dumps({name: getattr(marks, name) for name in marks.__struct_fields__})
            )
            self._publish(folder, self._path / "layers" / layer.sha256)

    def add_root(self, sha256: str, manifest: Manifest, configuration: Configuration, scratch: Path) -> None:
        """Merges layers that are here."""
        folder = scratch / sha256
        with _wrapped():
            tree = folder / TREE
            tree.mkdir(parents=True)
            root.build([self._layer(layer.sha256) for layer in manifest.layers], tree)
            run = configuration.run
            told = {
                "entry_point": run.entry_point or (),
                "command": run.command or (),
                "working_dir": run.working_dir or "",
                "environment": configuration.environment,
                "layers": [layer.sha256 for layer in manifest.layers],
            }
            (folder / "image.json").write_text(json.dumps(told))
            self._publish(folder, self._path / "roots" / sha256)

    def take_out(self, used: set[str]) -> tuple[int, Path]:
        """Takes away images that are not `used` (by the SHA-256 of their manifests), then layers that no image needs.
        How many images, and the folder where all of it is now, for `delete`."""
        with _wrapped(), self.locked():
            scratch = Path(tempfile.mkdtemp(dir=self._incoming))
            unused = [name for name in os.listdir(self._path / "roots") if name not in used]
            for name in unused:
                (self._path / "roots" / name).rename(scratch / name)
            needed: set[str] = set()
            for name in os.listdir(self._path / "roots"):
                told = json.loads((self._path / "roots" / name / "image.json").read_text())
                needed.update(told["layers"])
            for name in os.listdir(self._path / "layers"):
                if name not in needed:
                    (self._path / "layers" / name).rename(scratch / f"layer-{name}")
            return len(unused), scratch

    def delete(self, folder: Path) -> None:
        """What `take_out` took."""
        with _wrapped():
            folders.remove(str(folder))

    def _layer(self, sha256: str) -> tuple[Path, Marks]:
        folder = self._path / "layers" / sha256
        told = json.loads((folder / "layer.json").read_text())
        return folder / TREE, Marks(**told)

    def _publish(self, folder: Path, target: Path) -> None:
        _sync_filesystem(folder)
        try:
            folder.rename(target)
        except OSError:
            if not target.is_dir():  # else another image brought the same layer meanwhile
                raise
        _sync(target.parent)


class _Hashing:
    """A stream, and the digest of what was read from it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._seen = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._seen.update(data)
        return data

    def drain(self, budget: Budget) -> None:
        """Reads what stands behind the tar's end."""
        while data := self.read(DRAIN_BYTES):
            budget.take(len(data))

    def hexdigest(self) -> str:
        return self._seen.hexdigest()


@contextmanager
def _wrapped() -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise PortError(f"images cannot be stored: {e}", retryable=True) from e


def _sync_filesystem(path: Path) -> None:
    """All of it at once: a tenth of the time of a sync per file."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(path, os.O_RDONLY)
    try:
        if libc.syncfs(fd) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
    finally:
        os.close(fd)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
