"""Layers as they travel: plain, gzip or zstd, told apart by their first bytes.

zstd is Python's own where it has it (3.14), else the program `zstd`.
"""

import gzip
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ramuda.kernel.ports.images import ImageError, ImageFault
from ramuda.runtime.images.tar import Stream

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
MEND = "install zstd, or push the image with gzip layers"


@contextmanager
def opened(path: Path) -> Iterator[Stream]:
    """The tar in the file, to be read to its end. Raises ImageError, also while it is read."""
    with path.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        if magic == ZSTD:
            with _zstd(path) as stream:
                yield stream
        elif magic[:2] == GZIP:
            try:
                with gzip.GzipFile(fileobj=file) as stream:
                    yield stream
            except (EOFError, zlib.error, gzip.BadGzipFile) as e:
                raise ImageError(ImageFault.UNSUPPORTED, f"a layer is not good gzip: {e}") from e
        else:
            yield file


@contextmanager
def _zstd(path: Path) -> Iterator[Stream]:
    program = shutil.which("zstd")
    if program is None:
        raise ImageError(ImageFault.UNSUPPORTED, f"a layer is compressed with zstd, which is not here: {MEND}")
    command = [program, "--decompress", "--stdout", "--quiet", "--memory=128MB", "--", str(path)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield process.stdout
        finally:
            process.stdout.close()  # the program ends when nobody reads
        said = process.stderr.read(1000).decode(errors="replace").strip()
        if process.wait() != 0:
            raise ImageError(ImageFault.UNSUPPORTED, f"a layer is not good zstd: {said}")
