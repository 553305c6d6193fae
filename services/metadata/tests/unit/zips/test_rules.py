"""Names in a ZIP can be unpacked on every system, and stay inside their folder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.zips.rules import FolderNames, safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Größe 表.pdf", "Größe 表.pdf"),
        (".bashrc", ".bashrc"),
        ("..\\..\\evil.exe", ".._.._evil.exe"),
        ("C:\\windows", "C__windows"),
        ("a:b?.txt", "a_b_.txt"),
        ("...", "___"),
        ("dot. ", "dot__"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1 ", "com1_"),
        ("console.log", "console.log"),
    ],
)
def test_names_are_safe(name: str, safe: str) -> None:
    """No separators, drives, streams, devices, or endings that are dropped; others stay."""
    assert safe_name(name) == safe


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=300))
def test_a_safe_name_stays_safe(name: str) -> None:
    """It needs no second pass, and has at most 255 bytes."""
    safe = safe_name(name)
    assert safe_name(safe) == safe
    assert len(safe.encode()) <= 255
    assert safe not in ("", ".", "..")


def test_names_are_unique_regardless_of_case() -> None:
    """Also among names that were changed, or that look like the changed ones."""
    names = FolderNames()
    given_names = ["a.txt", "A.txt", "a (2).txt", "a:b", "a?b"]
    assert [names.take(name) for name in given_names] == ["a.txt", "A (2).txt", "a (2) (2).txt", "a_b", "a_b (2)"]
