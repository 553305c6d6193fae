"""The natural order of names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.tree.name_order import MAX_CHARS, order_of

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=255)


@pytest.mark.parametrize(
    "expected",
    [
        ["a.txt", "B.txt", "c.txt"],
        ["IMG_2.png", "img_10.png", "IMG_0100.png"],
        ["eclair", "\u00c9cole", "etage"],
        ["2026", "2026-01", "2026-02", "a"],
        ["a", "a1", "ab"],
        ["stra\u00dfe 1", "STRASSE 2"],
    ],
)
def test_natural_order_ignores_case_and_accents(expected: list[str]) -> None:
    """And compares numbers by value."""
    keys = [order_of("file", name) for name in expected]
    assert keys == sorted(set(keys))


@given(names, names)
def test_folders_come_before_files(folder: str, file: str) -> None:
    """Whatever their names are."""
    assert order_of("folder", folder) < order_of("file", file)


@given(names)
def test_the_key_fits_into_a_cursor(name: str) -> None:
    """For any name, even if normalization makes it longer."""
    assert len(order_of("file", name)) <= MAX_CHARS + 1


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_numbers_are_ordered_by_value(one: int, other: int) -> None:
    """Of any length, with or without leading zeros."""
    keys = [order_of("file", f"a{one}"), order_of("file", f"a00{other}")]
    assert (keys[0] < keys[1]) == (one < other)
