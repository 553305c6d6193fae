"""Text of subtitle tracks."""

import struct
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docstore_indexer.extraction.kinds import Kind, kind_of
from docstore_indexer.extraction.rules import Corrupt, ExtractedText
from docstore_indexer.extraction.service import Extractor
from docstore_indexer.extraction.subtitles import subtitle_text

DATA = Path(__file__).parents[2] / "data"
VIDEOS = ("subtitles.mp4", "subtitles.mkv", "subtitles.ass.mkv", "subtitles.webm")
"""Two seconds of black, made by FFmpeg, with text tracks of several kinds."""
LINES = "The walrus swims home\nund die Größe der Häuser"


@pytest.mark.parametrize("name", VIDEOS)
async def test_subtitles_are_the_text_of_a_video(name: str) -> None:
    """The lines of the track without times and markup, read in the sandbox as every document."""
    extractor = Extractor()
    try:
        assert await extractor.extract(DATA / name, "application/octet-stream", name) == ExtractedText(LINES)
    finally:
        await extractor.close()


def box(kind: bytes, *contents: bytes) -> bytes:
    data = b"".join(contents)
    return struct.pack(">I4s", 8 + len(data), kind) + data


def mp4(coding: bytes, *samples: bytes) -> bytes:
    """A file with one track of these samples, at its beginning."""
    media = box(b"mdat", *samples)
    sizes = struct.pack(f">III{len(samples)}I", 0, 0, len(samples), *map(len, samples))
    tables = box(
        b"stbl",
        box(b"stsd", bytes(8), box(coding)),
        box(b"stsz", sizes),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, len(samples), 1)),
        box(b"stco", struct.pack(">III", 0, 1, 8)),
    )
    return media + box(b"moov", box(b"trak", box(b"mdia", box(b"minf", tables))))


def element(identity: int, *contents: bytes) -> bytes:
    data = b"".join(contents)
    return identity.to_bytes((identity.bit_length() + 7) // 8) + (len(data) | 1 << 56).to_bytes(8) + data


def matroska(codec: bytes, block: bytes, *encoding: bytes, flags: int = 0) -> bytes:
    """A file with one track and one block; `encoding`: contents of its ContentEncoding."""
    encodings = element(0x6D80, element(0x6240, *encoding)) if encoding else b""
    track = element(0xAE, element(0xD7, b"\1"), element(0x86, codec), encodings)
    cluster = element(0x1F43B675, element(0xA0, element(0xA1, b"\x81\0\0", bytes([flags]), block)))
    return element(0x1A45DFA3, bytes(4)) + element(0x18538067, element(0x1654AE6B, track), cluster)


STRIPPED = element(0x5034, element(0x4254, b"\3"), element(0x4255, b"The "))


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        (
            Kind.MP4,
            mp4(b"wvtt", box(b"vttc", box(b"payl", b"The <b>walrus</b> &amp; co")), box(b"vtte")),
            "The walrus & co",
        ),
        (Kind.MP4, mp4(b"tx3g", b"\0\6walrus", b"\0\0", b"\0\6walrus", b"\0\4home"), "walrus\nhome"),
        (Kind.MP4, mp4(b"mp4a", b"The walrus"), ""),
        (Kind.MATROSKA, matroska(b"S_TEXT/UTF8", zlib.compress(b"walrus"), element(0x5034)), "walrus"),
        (Kind.MATROSKA, matroska(b"S_TEXT/UTF8", b"walrus", STRIPPED), "The walrus"),
        (Kind.MATROSKA, matroska(b"S_TEXT/UTF8", b"secret", element(0x5035, b"")), ""),
        (Kind.MATROSKA, matroska(b"S_TEXT/UTF8", b"laced", flags=2), ""),
        (Kind.MATROSKA, matroska(b"D_WEBVTT/SUBTITLES", b"id\nline:0\nThe walrus"), "The walrus"),
        (Kind.MATROSKA, matroska(b"S_VOBSUB", b"picture"), ""),
    ],
)
def test_forms_of_text_tracks(tmp_path: Path, kind: Kind, data: bytes, text: str) -> None:
    """Compressed ones too; pictures, sound and encrypted tracks have no text."""
    (tmp_path / "video").write_bytes(data)
    assert subtitle_text(tmp_path / "video", kind, 1000).text == text


def test_a_compressed_line_unpacks_to_a_bounded_size(tmp_path: Path) -> None:
    """A bomb costs 64 KiB."""
    bomb = zlib.compress(b"a" * (64 << 20))
    (tmp_path / "video").write_bytes(matroska(b"S_TEXT/UTF8", bomb[:60_000], element(0x5034)))
    found = subtitle_text(tmp_path / "video", Kind.MATROSKA, 1000)
    assert found.truncated
    assert len(found.text) == 1 << 16


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(VIDEOS), changes=st.lists(st.tuples(st.integers(0, 1800), st.binary(min_size=1, max_size=9)))
)
def test_a_broken_video_is_corrupt_or_has_less_text(
    tmp_path: Path, name: str, changes: list[tuple[int, bytes]]
) -> None:
    """Whatever bytes are changed: an answer or the reason `corrupt`, no other error."""
    data = bytearray((DATA / name).read_bytes())
    for place, new in changes:
        data[place : place + len(new)] = new
    (tmp_path / "video").write_bytes(data)
    with suppress(Corrupt):
        subtitle_text(tmp_path / "video", Kind.MP4 if name.endswith("mp4") else Kind.MATROSKA, 1000)


@pytest.mark.parametrize("name", ["a.srt", "a.vtt"])
def test_subtitle_files_beside_a_video_are_texts(name: str) -> None:
    """Whatever type they were uploaded with."""
    assert kind_of("application/x-subrip", name, b"") is Kind.TEXT
