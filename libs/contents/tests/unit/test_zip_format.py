"""The ZIP format of a stream, read back by Python's own reader."""

import io
import zipfile
import zlib
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from docstore_contents.zip_format import ZipEntry, end_records

NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="/\0"), min_size=1, max_size=40)
GIB = 1 << 30


def zipped(contents: Mapping[str, bytes], modified_at: int = 1_700_000_000) -> bytes:
    written, directory = bytearray(), bytearray()
    for path, content in contents.items():
        entry, crc = ZipEntry(path, len(content), modified_at), zlib.crc32(content)
        directory += entry.central_header(crc, len(written))
        written += entry.local_header() + content + entry.descriptor(crc)
    return bytes(written + directory + end_records(len(contents), len(written), len(directory)))


@given(st.dictionaries(NAMES, st.binary(max_size=50), max_size=5))
def test_every_entry_is_read_back(contents: Mapping[str, bytes]) -> None:
    """Any name of Unicode, any bytes, none at all."""
    with zipfile.ZipFile(io.BytesIO(zipped(contents))) as archive:
        assert archive.testzip() is None
        assert {info.orig_filename: archive.read(info) for info in archive.infolist()} == contents


def test_folders_and_modification_times_are_kept() -> None:
    """A folder is one by its attributes, too; the exact time is in the extended timestamp, the other is in UTC."""
    with zipfile.ZipFile(io.BytesIO(zipped({"empty/": b"", "a.txt": b"x"}))) as archive:
        folder, file = archive.infolist()
        assert (folder.is_dir(), folder.external_attr & 0x10, folder.external_attr >> 16) == (True, 0x10, 0o40755)
        assert (file.external_attr >> 16, file.date_time) == (0o100644, (2023, 11, 14, 22, 13, 20))
        assert file.extra == b"UT\x05\x00\x01" + (1_700_000_000).to_bytes(4, "little")


def test_times_outside_the_format_are_replaced_by_the_closest() -> None:
    """1980 to 2107; beyond 2038 only with the coarse time."""
    for year, moment, extras in ((1980, 0, 9), (2107, 1 << 33, 0)):
        with zipfile.ZipFile(io.BytesIO(zipped({"a": b""}, moment))) as archive:
            assert (archive.infolist()[0].date_time[0], len(archive.infolist()[0].extra)) == (year, extras)


def test_large_files_and_far_offsets_use_zip64() -> None:
    """Sizes and offsets beyond 32 bits are in the extra field; the descriptor has 64 bits."""
    entry = ZipEntry("film.mkv", 5 * GIB, 0)
    central = entry.central_header(7, 6 * GIB)
    assert central[46 + 8 :].startswith(
        b"\x01\x00\x18\x00" + b"".join(number.to_bytes(8, "little") for number in (5 * GIB, 5 * GIB, 6 * GIB))
    )
    assert len(entry.descriptor(7)) == 24
    assert entry.local_header()[18:26] == b"\xff" * 8
    assert len(ZipEntry("a", 1, 0).central_header(7, 5 * GIB)) - len(ZipEntry("a", 1, 0).central_header(7, 5)) == 12


def test_more_than_65535_entries_use_zip64() -> None:
    """The reader finds all of them."""
    contents = {f"{number}": b"" for number in range(70_000)}
    with zipfile.ZipFile(io.BytesIO(zipped(contents))) as archive:
        assert len(archive.namelist()) == 70_000
