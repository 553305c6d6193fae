"""Rules of names and paths."""

import unicodedata
from datetime import date
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.errors import InvalidPath
from docstore_metadata.tree.paths import (
    MAX_NAME_BYTES,
    check_name,
    conflict_note,
    cut,
    join_path,
    noted_names,
    prefixes,
    split_extension,
    split_path,
    with_note,
)


def allowed(name: str) -> bool:
    """The documented rule, in another implementation."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return False
    plain = unicodedata.normalize("NFC", name) == name and name not in (".", "..")
    return plain and 1 <= size <= 255 and not any(c == "/" or unicodedata.category(c) == "Cc" for c in name)


names = st.text(min_size=1, max_size=90).map(lambda text: unicodedata.normalize("NFC", text)).filter(allowed)


@given(st.text(max_size=300))
def test_check_name_agrees_with_the_documented_rule(name: str) -> None:
    """For any text; it raises only InvalidPath."""
    if allowed(name):
        assert check_name(name) == name
    else:
        with pytest.raises(InvalidPath):
            check_name(name)


@given(st.lists(names, max_size=20))
def test_split_and_join_are_inverse(parts: list[str]) -> None:
    """A path is split into the names that it was joined from."""
    assert split_path(join_path(tuple(parts))) == tuple(parts)


@pytest.mark.parametrize(
    "path", ["", "a", "//", "/a/", "/a//b", "/./a", "/../a", "/a/..", "/a\x00", "/\ud800", "/e\u0301"]
)
def test_invalid_paths_are_refused(path: str) -> None:
    """Relative paths, empty names, dots, NUL, surrogates and other normal forms."""
    with pytest.raises(InvalidPath):
        split_path(path)


def test_depth_is_limited() -> None:
    """64 names are a path, 65 are not."""
    assert len(split_path("/a" * 64)) == 64
    with pytest.raises(InvalidPath):
        split_path("/a" * 65)


def test_prefixes_are_the_folders_on_the_way() -> None:
    """From the root's child down to the parent."""
    assert list(prefixes(("a", "b", "c"))) == [("a",), ("a", "b")]


@given(names, st.integers(0, 300))
def test_cut_respects_bytes_and_characters(name: str, size: int) -> None:
    """The longest prefix that fits, without a partial character."""
    short = cut(name, size)
    assert name.startswith(short)
    assert len(short.encode()) <= size
    assert short == name or len((short + name[len(short)]).encode()) > size


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", ("a", ".txt")),
        (".bashrc", (".bashrc", "")),
        ("a.tar.gz", ("a.tar", ".gz")),
        ("a.", ("a.", "")),
        ("a." + "x" * 40, ("a." + "x" * 40, "")),
    ],
)
def test_split_extension_finds_short_endings(name: str, expected: tuple[str, str]) -> None:
    """The last short ending; a leading dot is none."""
    assert split_extension(name) == expected


@given(names, st.text(max_size=100))
def test_names_of_conflicted_copies_are_valid(name: str, device: str) -> None:
    """For any file and device name: each candidate is valid, new, and keeps the extension."""
    tried = list(islice(noted_names(name, conflict_note(date(2026, 11, 21), device)), 30))
    assert len({name, *tried}) == 31
    for candidate in tried:
        assert check_name(candidate) == candidate
        assert candidate.endswith(split_extension(name)[1])
        assert "(conflicted copy 2026-11-21" in candidate


def test_a_note_is_inserted_before_the_extension() -> None:
    """The stem is cut if the name becomes too long."""
    assert with_note("report.pdf", "restored") == "report (restored).pdf"
    long = with_note("é" * 126 + ".pdf", "restored")
    assert len(long.encode()) <= MAX_NAME_BYTES
    assert long.endswith("é (restored).pdf")
