"""The pack format: round trips, and refusal of anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_contents.packs import (
    MAX_INDEX_BYTES,
    MAX_SLICE_BYTES,
    MAX_SLICES,
    PackSlice,
    Slice,
    index_bytes,
    layout,
    pack_key,
    pack_of,
    read_index,
    slice_key,
)

sizes = st.lists(st.integers(0, MAX_SLICE_BYTES), max_size=MAX_SLICES)


def pack(contents: list[bytes], numbers: list[int]) -> bytes:
    offsets = layout([len(content) for content in contents])
    slices = [Slice(*entry) for entry in zip(numbers, offsets, map(len, contents), strict=True)]
    return b"".join(contents) + index_bytes(slices)


@given(sizes)
def test_slices_lie_back_to_back(sizes: list[int]) -> None:
    """Each begins where the one before ends."""
    offsets = layout(sizes)
    assert offsets == [sum(sizes[:place]) for place in range(len(sizes))]


@given(st.dictionaries(st.integers(0, 2**32 - 1), st.binary(max_size=40), max_size=20))
def test_packed_files_are_found_by_number(contents: dict[int, bytes]) -> None:
    """Whatever the numbers are: a compaction leaves gaps."""
    data = pack(list(contents.values()), list(contents))
    slices = read_index(data[-MAX_INDEX_BYTES:], len(data))
    assert {number: data[at.offset : at.offset + at.size] for number, at in slices.items()} == contents


@given(st.binary(max_size=300), st.integers(0, 10_000))
def test_no_bytes_lead_outside_of_a_pack(tail: bytes, more: int) -> None:
    """Bytes from anywhere are refused, or name slices that lie within."""
    size = len(tail) + more
    try:
        slices = read_index(tail, size)
    except ValueError:
        return
    assert all(entry.offset + entry.size <= size for entry in slices.values())


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (b"", "too short"),
        (index_bytes([])[:-1] + b"2", "another magic"),
        (index_bytes([Slice(0, 0, 1)]), "a slice that begins in the index"),
        (b"ab" + index_bytes([Slice(0, 0, 1), Slice(0, 1, 1)]), "the same number twice"),
        (b"ab" + index_bytes([Slice(0, 1, 2)]), "a slice that ends in the index"),
        (index_bytes([Slice(n, 0, 0) for n in range(MAX_SLICES + 1)]), "too many slices"),
        (index_bytes([Slice(n, 0, 0) for n in range(3)])[4:], "an index that was cut off"),
    ],
)
def test_an_invalid_pack_is_refused(end: bytes, why: str) -> None:
    """A ValueError for each way in which bytes are not a pack."""
    with pytest.raises(ValueError, match=r"pack|twice"):
        read_index(end, len(end))


def test_keys_name_pack_and_slice() -> None:
    """A version's object key contains its pack and its place there; other keys contain neither."""
    key = pack_key("ada", "p1")
    assert pack_of(slice_key(key, 17)) == PackSlice("ada", key, 17)
    assert pack_of(key) is None
    assert pack_of("accounts/ada/uploads/u1/content") is None
    assert pack_of("accounts/ada/packs/p1/17/18") is None
