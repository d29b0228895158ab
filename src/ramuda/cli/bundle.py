"""A folder, a file or a zip as a Lambda deployment package.

The same content gives the same bytes, so the code's hash changes only when the code does: entries are sorted, dated
1980 and have one of two permissions. Version control, caches and virtual environments stay out; symbolic links stay.
"""

import contextlib
import io
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

BYTECODE = "__pycache__"
LEFT_OUT = frozenset(
    {".git", ".hg", ".svn", ".venv", "venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".DS_Store"},
)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first instant a zip can hold


def read(source: Path, *, with_bytecode: bool = False) -> bytes:
    """The package of `source`: a zip as it is, else a new zip. Raises ValueError when there is nothing in it.

    Bytecode is left out, because it may be of another time or interpreter, but `with_bytecode`.
    """
    if source.is_file() and zipfile.is_zipfile(source):
        return source.read_bytes()
    files = [source] if source.is_file() else sorted(_files(source, with_bytecode=with_bytecode))
    if not files:
        raise ValueError(f"{source} holds no files")
    root = source.parent if source.is_file() else source
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            _add(archive, file, file.relative_to(root).as_posix())
    return out.getvalue()


def stamps(source: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file that `read` would pack: different when one of them was edited."""
    found = {}
    for file in [source] if source.is_file() else _files(source, with_bytecode=False):
        with contextlib.suppress(FileNotFoundError):  # gone between two looks
            status = file.lstat()
            found[str(file)] = (status.st_size, status.st_mtime_ns)
    return found


def _files(root: Path, *, with_bytecode: bool) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = [f for f in folders if not _is_left_out(here / f) and (with_bytecode or f != BYTECODE)]
        yield from (here / f for f in folders if (here / f).is_symlink())
        yield from (here / f for f in files if f not in LEFT_OUT and (with_bytecode or not f.endswith(".pyc")))


def _is_left_out(folder: Path) -> bool:
    return folder.name in LEFT_OUT or (folder / "pyvenv.cfg").exists()


def _add(archive: zipfile.ZipFile, file: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.create_system = 3  # Unix: the permissions below mean something
    entry.compress_type = zipfile.ZIP_DEFLATED
    if file.is_symlink():
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, os.readlink(file))
        return
    is_program = bool(file.stat().st_mode & stat.S_IXUSR)
    entry.external_attr = (stat.S_IFREG | (0o755 if is_program else 0o644)) << 16
    archive.writestr(entry, file.read_bytes())
