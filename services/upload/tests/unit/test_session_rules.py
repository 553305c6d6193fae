"""The rules of uploads."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_upload.lifecycle.content_types import CONTENT_TYPE, content_type_of
from docstore_upload.lifecycle.rules import ENDED, MAX_SIZE, MAY_BECOME, MIB
from docstore_upload.sessions.rules import (
    MAX_PARTS,
    Upload,
    Verified,
    are_whole,
    metadata_sent,
    method_limit,
    mismatch,
    part_count,
    part_length,
    part_size_for,
)

SIZES = st.one_of(st.integers(0, MAX_SIZE), st.integers(0, 64 * MIB))


@given(SIZES, st.integers(5, 512))
def test_part_plan_covers_every_byte_once(size: int, smallest: int) -> None:
    """Whatever the size: at most 10,000 parts of S3's sizes, full but for the last, that add up to the object."""
    part_size = part_size_for(size, smallest * MIB)
    count = part_count(size, part_size)
    assert 1 <= count <= MAX_PARTS
    assert 5 * MIB <= part_size <= 5 * 1024 * MIB
    assert part_size % MIB == 0
    last = part_length(size, part_size, count)
    assert (count - 1) * part_size + last == size
    assert last <= part_size
    assert last > 0 or size == 0


@pytest.mark.parametrize(
    ("parts", "are_all"),
    [
        ({1: 3, 2: 2}, True),
        ({2: 2, 1: 3}, True),
        ({1: 3}, False),
        ({2: 3, 3: 2}, False),
        ({1: 3, 2: 2, 3: 1}, False),
        ({}, False),
    ],
)
def test_parts_of_any_length_are_whole_without_gaps(parts: dict[int, int], are_all: bool) -> None:
    """Numbered from 1, and together as long as the content."""
    assert are_whole(5, parts) is are_all


def test_tools_with_credentials_describe_their_files() -> None:
    """Pairs that no file can have are left out; without others, nothing is said of the file's metadata."""
    sent = {"author": "Ada", "mtime": "1.5", "snake_case": "x", "long": "x" * 257, "": "x"}
    by_tool = replace(upload(5, None), method="credentials")
    assert metadata_sent(by_tool, sent) == (("author", "Ada"), ("mtime", "1.5"))
    assert metadata_sent(by_tool, {"snake_case": "x"}) is None
    assert len(metadata_sent(by_tool, {f"name-{number}": "x" for number in range(30)}) or ()) == 20
    assert by_tool.takes_metadata
    assert not replace(by_tool, metadata=()).takes_metadata


def test_states_that_are_final_stay() -> None:
    """Nothing follows from completed, expired or aborted; an upload being committed never expires."""
    assert [MAY_BECOME[state] for state in ("completed", *ENDED)] == [(), (), ()]
    assert "expired" not in MAY_BECOME["committing"]


def upload(size: int, sha256: str | None) -> Upload:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    return Upload(
        id="u", account_id="a", owner_id="a", device="", path="/p", wanted_path="/p", parent_id=None, file_id=None,
        size=size, content_type="text/plain", sha256=sha256, base_version=None, on_conflict="copy", tags=(),
        method="put", multipart_id=None, part_size=None, state="initiated", revision=1, created_at=now, expires_at=now,
        next_check_at=now,
    )  # fmt: skip


@given(
    st.integers(0, 100), st.integers(0, 100), st.sampled_from(["a" * 64, None]), st.sampled_from(["a" * 64, "b" * 64])
)
def test_mismatch(declared: int, found: int, declared_sha256: str | None, sha256: str) -> None:
    """An object is as declared if its size is and, where one was declared, its checksum."""
    fits = declared == found and declared_sha256 in (None, sha256)
    refusal = mismatch(upload(declared, declared_sha256), found, sha256)
    assert (refusal is None) == fits
    assert refusal is None or refusal.code == "upload_mismatch"


@pytest.mark.parametrize(
    ("sha256", "found", "declared"),
    [
        ("a" * 64, Verified(9, "a" * 64, "content"), True),
        (None, Verified(9, "a" * 64, "content"), False),
        ("a" * 64, Verified(8, "a" * 64, "content"), False),
        ("a" * 64, Verified(9, "a" * 64, "content-copy"), False),
    ],
)
def test_what_a_session_declares(sha256: str | None, found: Verified, declared: bool) -> None:
    """What was found need not be written down only where size, checksum and object are known from the beginning."""
    assert upload(9, sha256).declares(found) is declared


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/a/Report.PDF", "application/pdf"),
        ("/a.pdf/notes", "application/octet-stream"),
        ("/.md", "application/octet-stream"),
        ("/read.me.md", "text/markdown"),
        ("/x.pending-of", "application/octet-stream"),
    ],
)
def test_content_type_by_name(path: str, content_type: str) -> None:
    """The last ending decides, in any case; a name that is all ending has none."""
    assert content_type_of(path) == content_type


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("text/plain", True),
        ("Text/HTML; charset=UTF-8", True),
        ('multipart/mixed; boundary="a b"', False),
        ("text/", False),
        ("text", False),
        ("text/plain\n", False),
        ("tëxt/plain", False),
        ("text/plain;" + " a=b;" * 50, False),
    ],
)
def test_content_type_sanity(text: str, fits: bool) -> None:
    """What is signed into a header is a media type of printable ASCII."""
    assert bool(CONTENT_TYPE.fullmatch(text)) == fits


def test_method_limits() -> None:
    """One request carries at most 5 GiB; parts and tools with credentials go to S3's limit of 5 TiB."""
    assert {name: method_limit(name) >> 30 for name in ("form", "put", "multipart", "credentials")} == {  # type: ignore[arg-type]
        "form": 5,
        "put": 5,
        "multipart": 5120,
        "credentials": 5120,
    }
