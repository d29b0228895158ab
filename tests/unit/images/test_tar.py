"""Tars of strangers: read as `tarfile` writes them, or refused."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.runtime.images.tar import BLOCK, EXTENDED_BYTES_MAX, BadTar, Kind, TarReader

NAMES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=300)
NAMES = NAMES.map(lambda name: name.strip("/")).filter(bool)


def written(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return sink.getvalue()


def read(data: bytes) -> list[tuple[str, Kind, bytes]]:
    reader = TarReader(io.BytesIO(data))
    found = []
    for member in reader:
        content: list[bytes] = []
        reader.copy(content.append)
        found.append((member.name, member.kind, b"".join(content)))
    return found


@given(
    st.lists(st.tuples(NAMES, st.binary(max_size=2000)), max_size=5),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
def test_what_tarfile_writes_is_read(files: list[tuple[str, bytes]], form: int) -> None:
    data = written(*((tarfile.TarInfo(name), content) for name, content in files), form=form)
    assert read(data) == [(name, Kind.FILE, content) for name, content in files]


def test_links_folders_and_devices_are_told_apart() -> None:
    kinds = {
        tarfile.SYMTYPE: Kind.SYMLINK,
        tarfile.LNKTYPE: Kind.HARD_LINK,
        tarfile.DIRTYPE: Kind.FOLDER,
        tarfile.FIFOTYPE: Kind.OTHER,
        tarfile.CHRTYPE: Kind.OTHER,
    }
    for kind, expected in kinds.items():
        info = tarfile.TarInfo("x")
        info.type, info.linkname, info.mode, info.mtime = kind, "t" * 200, 0o4755, 7
        (member,) = TarReader(io.BytesIO(written((info, b""))))
        assert (member.kind, member.link, member.mode, member.mtime_s) == (expected, "t" * 200, 0o4755, 7)


def test_data_nobody_copies_is_passed_over() -> None:
    data = written((tarfile.TarInfo("a"), b"1" * 1000), (tarfile.TarInfo("b"), b"2"))
    stream = io.BytesIO(data)
    skipped: list[int] = []
    reader = TarReader(stream, lambda count: skipped.append(stream.seek(count, io.SEEK_CUR)))
    assert [member.name for member in reader] == ["a", "b"]
    assert len(skipped) == 2


def test_an_extended_header_is_bounded_before_it_is_read() -> None:
    info = tarfile.TarInfo("x")
    info.pax_headers = {"comment": "c" * EXTENDED_BYTES_MAX}
    with pytest.raises(BadTar, match="too large"):
        read(written((info, b"")))


def test_the_last_file_may_end_without_padding() -> None:
    data = written((tarfile.TarInfo("a"), b"1" * 100))
    assert read(data[: BLOCK + 100]) == [("a", Kind.FILE, b"1" * 100)]


def test_sparse_files_are_refused() -> None:
    info = tarfile.TarInfo("x")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    with pytest.raises(BadTar, match="sparse"):
        read(written((info, b"")))


@pytest.mark.parametrize("keep", [1, BLOCK - 1, BLOCK + 1, BLOCK + 99])
def test_a_tar_that_was_cut_off_is_refused(keep: int) -> None:
    with pytest.raises(BadTar):
        read(written((tarfile.TarInfo("a"), b"1" * 100))[:keep])


@given(st.binary(max_size=3 * BLOCK), st.integers(0, 2 * BLOCK))
def test_any_bytes_are_a_tar_or_refused(noise: bytes, at: int) -> None:
    good = bytearray(written((tarfile.TarInfo("a"), b"1" * 100)))
    good[at : at + len(noise)] = noise
    for data in (noise, bytes(good)):
        try:
            read(data)
        except BadTar:
            continue


def test_extended_headers_without_end_are_refused() -> None:
    """Each may say 64 KiB that would be kept until a file comes."""
    headers = []
    for number in range(2000):
        record = f"key-{number}=x\n"
        record = f"{len(record) + 3} {record}"
        info = tarfile.TarInfo("pax")
        info.type = tarfile.XHDTYPE
        info.size = len(record)
        headers.append(info.tobuf(tarfile.USTAR_FORMAT) + record.encode().ljust(BLOCK, b"\0"))
    with pytest.raises(BadTar, match="extended headers"):
        read(b"".join(headers))
