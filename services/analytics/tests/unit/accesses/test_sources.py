"""Files of access logs: where reading continues, and damaged ones."""

import gzip
from pathlib import Path

import pytest
from access_lines import CLOUDFRONT_HEAD, cloudfront_line, s3_line

from docstore_analytics.accesses import sources
from docstore_analytics.accesses.rules import LogKind
from docstore_analytics.accesses.sources import LineBatch, batches


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three lines in each."""
    monkeypatch.setattr(sources, "BATCH_LINES", 3)


def read(path: Path, data: bytes, kind: LogKind = "s3", begin: int = 0) -> list[LineBatch]:
    path.write_bytes(data)
    return list(batches(path, kind, begin))


def numbers(parts: list[LineBatch]) -> list[int]:
    return [number for part in parts for number, _ in part.accesses]


def test_reading_continues_at_any_line(tmp_path: Path) -> None:
    """Each line is in one batch, wherever the reader before has stopped."""
    data = s3_line().encode() * 7
    for begin in range(8):
        parts = read(tmp_path / "log", data, begin=begin)
        assert numbers(parts) == list(range(begin, 7))
        assert parts[-1].end == 7
        assert [part.is_last for part in parts] == [False] * (len(parts) - 1) + [True]


def test_a_gzipped_log_continues_with_the_fields_named_at_its_begin(tmp_path: Path) -> None:
    """CloudFront's lines can't be read without them."""
    data = gzip.compress((CLOUDFRONT_HEAD + cloudfront_line() * 5).encode())
    assert numbers(read(tmp_path / "log", data, "cloudfront", begin=4)) == [4, 5, 6]


def test_malformed_lines_are_counted_and_the_others_read(tmp_path: Path) -> None:
    """Nonsense, bytes that are no text, and a line that never ends; empty lines are none."""
    endless = b"x" * (3 * sources.LINE_BYTES) + b"\n"
    parts = read(tmp_path / "log", b"\n" + b"\xff\xfe\n" + s3_line().encode() + endless + s3_line().encode())
    assert numbers(parts) == [2, 4]
    assert sum(part.malformed for part in parts) == 2


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_cut_off_archive_gives_what_can_be_read(kept: float, tmp_path: Path) -> None:
    """Its end counts as one malformed line, and the file as read: nothing more will come of it."""
    packed = gzip.compress("".join(s3_line(f"accounts/a{n}/uploads/u/content") for n in range(2000)).encode())
    parts = read(tmp_path / "log", packed[: int(len(packed) * kept)])
    assert sum(part.malformed for part in parts) in (1, 2)
    assert parts[-1].is_last
    assert numbers(parts) == list(range(len(numbers(parts))))


def test_an_empty_log_is_read(tmp_path: Path) -> None:
    """One batch without lines, so that it is not fetched again."""
    (part,) = read(tmp_path / "log", b"")
    assert (part.is_last, part.end, part.accesses) == (True, 0, [])
