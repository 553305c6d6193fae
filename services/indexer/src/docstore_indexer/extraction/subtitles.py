"""Text of subtitle tracks: MP4 (ISO 14496-12, 14496-30, 3GPP TS 26.245) and Matroska (RFC 9559), WebM included.

FFmpeg's libraries could read them, too. Its program can't be started inside the sandbox, and packages of the libraries
contain encoders under the GPL. Pictures and sound are skipped; nothing is decoded.
"""

import html
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from docstore_indexer.extraction.kinds import Kind
from docstore_indexer.extraction.rules import ExtractedText, failure

_MAX_TABLE = 16 << 20
_MAX_LINE = 1 << 16
_MARKUP = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")


def subtitle_text(path: Path, kind: Kind, max_chars: int) -> ExtractedText:
    """Return the lines of all text tracks, without times and markup. Raises Corrupt."""
    lines: list[str] = []
    length, truncated = 0, False
    with path.open("rb") as file:
        try:
            for line in _mp4_lines(file) if kind is Kind.MP4 else _matroska_lines(file):
                text = " ".join(html.unescape(_MARKUP.sub(" ", line).replace(r"\N", " ")).split())
                if not text or (lines and lines[-1] == text):
                    continue
                lines.append(text)
                length += len(text)
                truncated = length > max_chars
                if truncated:
                    break
        except (struct.error, IndexError, ValueError, OverflowError, OSError, zlib.error) as error:
            raise failure("corrupt") from error
    return ExtractedText("\n".join(lines), truncated=truncated)


# --- MP4 ---


_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_TEXT_SAMPLES = frozenset({b"tx3g", b"text", b"wvtt", b"stpp", b"sbtt"})


@dataclass(slots=True)
class _Track:
    """Tables of a track: where its samples are."""

    coding: bytes = b""
    sizes: tuple[int, ...] = ()
    same_size: int = 0
    count: int = 0
    chunks: tuple[int, ...] = ()
    runs: tuple[tuple[int, int], ...] = ()
    """First chunk (from 1) and samples in each chunk from there on."""


def _mp4_lines(file: BinaryIO) -> Iterator[str]:
    end = file.seek(0, 2)
    tracks: list[_Track] = []
    _read_boxes(file, 0, end, tracks)
    for track in tracks:
        if track.coding in _TEXT_SAMPLES:
            for offset, size in _samples(track):
                if size <= _MAX_LINE:
                    file.seek(offset)
                    yield from _sample_lines(track.coding, file.read(size))


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Return kind, begin and end of the contents of each box."""
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        body = start + 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            body += 8
        after = end if size == 0 else start + size
        if not body <= after <= end:
            raise struct.error
        yield kind, body, after
        start = after


def _read_boxes(file: BinaryIO, start: int, end: int, tracks: list[_Track], depth: int = 0) -> None:
    for kind, body, after in _boxes(file, start, end):
        if kind in _CONTAINERS and depth < len(_CONTAINERS):
            if kind == b"trak":
                tracks.append(_Track())
            _read_boxes(file, body, after, tracks, depth + 1)
        elif kind in (b"stsd", b"stsz", b"stsc", b"stco", b"co64") and tracks and after - body <= _MAX_TABLE:
            file.seek(body)
            _read_table(kind, file.read(after - body), tracks[-1])


def _read_table(kind: bytes, data: bytes, track: _Track) -> None:
    if kind == b"stsd":
        track.coding = data[12:16]
    elif kind == b"stsz":
        track.same_size, track.count = struct.unpack_from(">II", data, 4)
        track.sizes = () if track.same_size else struct.unpack_from(f">{track.count}I", data, 12)
    elif kind == b"stsc":
        (count,) = struct.unpack_from(">I", data, 4)
        numbers = struct.unpack_from(f">{3 * count}I", data, 8)
        track.runs = tuple(zip(numbers[::3], numbers[1::3], strict=True))
    else:
        (count,) = struct.unpack_from(">I", data, 4)
        track.chunks = struct.unpack_from(f">{count}{'I' if kind == b'stco' else 'Q'}", data, 8)


def _samples(track: _Track) -> Iterator[tuple[int, int]]:
    """Return position and size of each sample."""
    number, run = 0, 0
    for chunk, offset in enumerate(track.chunks, 1):
        while run + 1 < len(track.runs) and track.runs[run + 1][0] <= chunk:
            run += 1
        for _ in range(track.runs[run][1] if track.runs else 0):
            if number >= track.count:
                return
            size = track.same_size or track.sizes[number]
            yield offset, size
            offset += size
            number += 1


def _sample_lines(coding: bytes, data: bytes) -> Iterator[str]:
    if coding in (b"tx3g", b"text"):
        size = int.from_bytes(data[:2])
        yield _decoded(data[2 : 2 + size])
    elif coding == b"wvtt":
        yield from _cues(data)
    else:
        yield _decoded(data)


def _cues(data: bytes) -> Iterator[str]:
    """Return the texts (`payl`) of WebVTT cues (`vttc`)."""
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        if size < 8:
            return
        if kind == b"payl":
            yield _decoded(data[place + 8 : place + size])
        place += 8 if kind == b"vttc" else size


def _decoded(data: bytes) -> str:
    wide = data.startswith((b"\xfe\xff", b"\xff\xfe"))
    return data.decode("utf-16" if wide else "utf-8", "replace")


# --- Matroska ---


_SEGMENT, _TRACKS, _CLUSTER, _GROUP = 0x18538067, 0x1654AE6B, 0x1F43B675, 0xA0
_TRACK, _NUMBER, _CODEC, _ENCODINGS = 0xAE, 0xD7, 0x86, 0x6D80
_ENCODING, _COMPRESSION, _ALGORITHM, _STRIPPED, _ENCRYPTION = 0x6240, 0x5034, 0x4254, 0x4255, 0x5035
_BLOCKS = frozenset({0xA1, 0xA3})
_OPENED = frozenset({_SEGMENT, _TRACKS, _CLUSTER, _GROUP, _TRACK, _ENCODINGS, _ENCODING, _COMPRESSION})
_LACED = 0x06
_ZLIB, _HEADER_STRIPPING = 0, 3


@dataclass(slots=True)
class _TextTrack:
    number: int = 0
    codec: str = ""
    compression: int | None = None
    stripped: bytes = b""
    is_encrypted: bool = False


def _matroska_lines(file: BinaryIO) -> Iterator[str]:
    """Walk through all elements in order. Those with others inside are entered, so that their sizes don't matter."""
    end = file.seek(0, 2)
    file.seek(0)
    tracks: list[_TextTrack] = []
    while file.tell() < end:
        identity, _ = _number(file, with_marker=True)
        size, is_unknown = _number(file)
        after = file.tell() + size
        if identity in _OPENED:
            if identity == _TRACK:
                tracks.append(_TextTrack())
            elif identity == _COMPRESSION and tracks:
                tracks[-1].compression = _ZLIB
            continue
        if is_unknown or after > end:
            raise struct.error
        if identity in _BLOCKS:
            line = _block_line(file, after, tracks)
            if line:
                yield line
        elif tracks and size <= _MAX_LINE:
            _describe(tracks[-1], identity, file.read(size) if identity in _DESCRIBED else b"")
        file.seek(after)


_DESCRIBED = frozenset({_NUMBER, _CODEC, _ALGORITHM, _STRIPPED, _ENCRYPTION})


def _describe(track: _TextTrack, identity: int, data: bytes) -> None:
    if identity == _NUMBER:
        track.number = int.from_bytes(data)
    elif identity == _CODEC:
        track.codec = data.decode("ascii", "replace").strip("\0")
    elif identity == _ALGORITHM:
        track.compression = int.from_bytes(data)
    elif identity == _STRIPPED:
        track.stripped = data
    elif identity == _ENCRYPTION:
        track.is_encrypted = True


def _number(file: BinaryIO, *, with_marker: bool = False) -> tuple[int, bool]:
    """Read a number of variable length; also whether all of its bits are set, which means an unknown size."""
    first = file.read(1)[0]
    if not first:
        raise struct.error
    length = 9 - first.bit_length()
    rest = file.read(length - 1)
    if len(rest) < length - 1:
        raise struct.error
    marker = 1 << (7 * length)
    value = int.from_bytes(bytes([first]) + rest)
    plain = value ^ marker
    return (value if with_marker else plain), plain == marker - 1


def _block_line(file: BinaryIO, after: int, tracks: list[_TextTrack]) -> str:
    number, _ = _number(file)
    track = next((track for track in tracks if track.number == number), None)
    if track is None or not _is_text(track) or after - file.tell() > _MAX_LINE:
        return ""
    flags = file.read(3)[2]
    if flags & _LACED:
        return ""
    data = file.read(after - file.tell())
    if track.compression == _ZLIB:
        data = zlib.decompressobj().decompress(data, _MAX_LINE)
    elif track.compression == _HEADER_STRIPPING:
        data = track.stripped + data
    text = _decoded(data)
    if track.codec in ("S_TEXT/ASS", "S_TEXT/SSA"):
        return text.split(",", 8)[-1]
    return text.split("\n", 2)[-1] if track.codec.startswith("D_WEBVTT") else text


def _is_text(track: _TextTrack) -> bool:
    return track.codec.startswith(("S_TEXT/", "D_WEBVTT/")) and not track.is_encrypted
