"""Reads tar streams of strangers, front to back: ustar, pax and GNU's long names.

Nothing is believed: every header's sum is checked, extended headers are bounded, sparse files are refused. `tarfile`
would read an extended header of any size into memory.
https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

BLOCK = 512
EXTENDED_BYTES_MAX = 64 * 1024
"""A path has 4,096 bytes at most; the rest is for attributes nobody asks for."""
COPY_BYTES = 256 * 1024


EXTENDED_MAX = 16
"""Extended headers before one entry: tars have up to three (a path, a link, attributes)."""


class BadTar(ValueError):  # noqa: N818 - a state of the bytes
    """Not a tar that can be unpacked; the message says why."""


class Kind(Enum):
    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    HARD_LINK = "hard link"
    OTHER = "other"
    """Devices, pipes and what nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """`name` and `link` as they stand there, undecodable bytes as surrogates (`os.fsencode` gives them back)."""

    name: str
    kind: Kind
    mode: int
    mtime_s: int
    size: int
    link: str


class Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


_KINDS = {
    **dict.fromkeys((b"0", b"\0", b"7"), Kind.FILE),
    b"1": Kind.HARD_LINK,
    b"2": Kind.SYMLINK,
    b"5": Kind.FOLDER,
}


class TarReader:
    """`for member in reader: reader.copy(write)`. Data nobody copies is passed over: with `skip`, or by reading."""

    def __init__(self, stream: Stream, skip: Callable[[int], object] | None = None) -> None:
        self._stream = stream
        self._skip = skip
        self._left = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Member]:
        extended: dict[str, str] = {}
        in_a_row = 0
        while (header := self._header()) is not None:
            kind = header[156:157]
            size = _number(header[124:136])
            if kind in (b"x", b"X", b"g", b"L", b"K"):
                in_a_row += 1
                if in_a_row > EXTENDED_MAX:
                    raise BadTar("too many extended headers stand before one entry")
                data = self._extended(size)
                if kind in (b"L", b"K"):
                    extended["path" if kind == b"L" else "linkpath"] = _text(data)
                elif kind != b"g":
                    extended |= _records(data)
                continue
            if kind == b"S" or any(key.startswith("GNU.sparse") for key in extended):
                raise BadTar("sparse files are not supported")
            yield self._member(header, size, extended)
            extended, in_a_row = {}, 0
            self._pass_over()

    def copy(self, write: Callable[[bytes], object]) -> None:
        """The data of the member just given."""
        while self._left:
            data = self._stream.read(min(self._left, COPY_BYTES))
            if not data:
                raise BadTar("it ends within a file")
            self._left -= len(data)
            write(data)

    def _member(self, header: bytes, size: int, extended: dict[str, str]) -> Member:
        name = extended.get("path") or _name(header)
        kind = _KINDS.get(header[156:157], Kind.OTHER)
        if kind is Kind.FILE and name.endswith("/"):  # as tars of the seventh edition write a folder
            kind = Kind.FOLDER
        if "size" in extended:
            size = _decimal(extended["size"])
        if kind in (Kind.SYMLINK, Kind.HARD_LINK, Kind.FOLDER):
            size = 0
        self._left, self._padding = size, -size % BLOCK
        mtime_s = _decimal(extended["mtime"].partition(".")[0]) if "mtime" in extended else _number(header[136:148])
        link = extended.get("linkpath") or _text(header[157:257])
        if "\0" in name or "\0" in link or not name:
            raise BadTar("an entry has no name, or one with a zero byte")
        mode = _number(header[100:108]) & 0o7777
        return Member(name=name, kind=kind, mode=mode, mtime_s=mtime_s, size=size, link=link)

    def _header(self) -> bytes | None:
        header = self._stream.read(BLOCK)
        if len(header) < BLOCK:
            if header:
                raise BadTar("it ends within a header")
            return None
        if header == bytes(BLOCK):
            return None
        told = _number(header[148:156])
        if told != sum(header) - sum(header[148:156]) + 8 * ord(" "):
            raise BadTar("a header's sum is wrong")
        return header

    def _extended(self, size: int) -> bytes:
        if size > EXTENDED_BYTES_MAX:
            raise BadTar("an extended header is too large")
        self._left, self._padding = size, -size % BLOCK
        parts: list[bytes] = []
        self.copy(parts.append)
        self._pass_over()
        return b"".join(parts)

    def _pass_over(self) -> None:
        if self._skip is not None and self._left:
            self._skip(self._left)
            self._left = 0
        self.copy(lambda _: None)
        if self._padding:
            self._stream.read(self._padding)  # Go's tars may end without it
        self._padding = 0


def _name(header: bytes) -> str:
    name, prefix = _text(header[0:100]), _text(header[345:500])
    is_ustar = header[257:263] == b"ustar\0"
    return f"{prefix}/{name}" if is_ustar and prefix else name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(field: bytes) -> int:
    """Octal digits, or since GNU tar a binary number behind a set bit. Never negative but for times long ago."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ~(0x80 << 8 * (len(field) - 1))
        return value if value < 1 << 62 else 0
    digits = field.partition(b"\0")[0].strip()
    if digits.strip(b"01234567"):
        raise BadTar("a number in a header is not octal")
    return int(digits or b"0", 8)


def _decimal(text: str) -> int:
    sign, digits = text.startswith("-"), text.removeprefix("-")
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 18:
        raise BadTar("a number in an extended header is none")
    return 0 if sign else int(digits)


def _records(data: bytes) -> dict[str, str]:
    """The records of a pax header: `LENGTH KEY=VALUE\\n`."""
    records: dict[str, str] = {}
    while data.strip(b"\0"):
        length, separator, rest = data.partition(b" ")
        if not separator or not length.isdigit() or len(length) > 6 or int(length) > len(data):
            raise BadTar("an extended header is malformed")
        end = int(length) - len(length) - 1
        key, separator, value = rest[:end].removesuffix(b"\n").partition(b"=")
        if end <= 0 or not separator:
            raise BadTar("an extended header is malformed")
        records[key.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
        data = data[int(length) :]
    return records
