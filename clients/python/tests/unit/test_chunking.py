"""Content-defined chunking of files."""

import io
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from docstore_client.blocks.chunking import (
    AVERAGE_BLOCK,
    LARGEST_BLOCK,
    SMALLEST_BLOCK,
    WINDOW,
    Block,
    Cutter,
    buffer_for,
)

MIB = 1 << 20


def blocks_of(content: bytes, window: int = WINDOW) -> list[Block]:
    cutter, buffer = Cutter(io.BytesIO(content)), bytearray(window)
    found: list[Block] = []
    while window_ := cutter.read(buffer):
        found += window_.name()
    return found


def random_bytes(seed: int, size: int) -> bytes:
    return Random(seed).randbytes(size)


@settings(max_examples=12)
@given(seed=st.integers(), size=st.integers(0, 12 * MIB), window=st.integers(LARGEST_BLOCK + 1, WINDOW))
def test_blocks_join_to_the_file_however_it_is_read(seed: int, size: int, window: int) -> None:
    """They follow each other, have the sizes they may have, and don't depend on the windows."""
    content = random_bytes(seed, size)
    blocks = blocks_of(content, window)
    assert [block.offset for block in blocks] == [sum(one.size for one in blocks[:n]) for n in range(len(blocks))]
    assert sum(block.size for block in blocks) == size
    assert all(SMALLEST_BLOCK <= block.size <= LARGEST_BLOCK for block in blocks[:-1])
    assert blocks == blocks_of(content, len(content) + 1 if size > LARGEST_BLOCK else WINDOW)


@settings(max_examples=12)
@given(
    seed=st.integers(),
    place=st.integers(0, 16 * MIB),
    removed=st.integers(0, MIB),
    added=st.integers(0, MIB),
)
def test_an_edit_changes_the_blocks_around_it_only(seed: int, place: int, removed: int, added: int) -> None:
    """What is not next to the place is the same blocks as before, wherever they are now."""
    before = random_bytes(seed, 16 * MIB)
    after = before[:place] + random_bytes(seed + 1, added) + before[place + removed :]
    known = {block.hash for block in blocks_of(before)}
    sent = sum(block.size for block in blocks_of(after) if block.hash not in known)
    assert sent <= added + 2 * LARGEST_BLOCK


def test_bytes_that_are_all_the_same_are_few_blocks() -> None:
    """The longest that may be, and all of them one."""
    blocks = blocks_of(bytes(20 * MIB))
    assert {block.size for block in blocks} == {LARGEST_BLOCK}
    assert len({block.hash for block in blocks}) == 1


def test_sizes_are_about_the_average() -> None:
    """Of 64 MiB of noise there are about 64."""
    blocks = blocks_of(random_bytes(1, 64 * MIB))
    assert 0.8 < 64 * MIB / len(blocks) / AVERAGE_BLOCK < 1.25


def test_a_buffer_holds_more_than_the_largest_block_and_no_more_than_the_file() -> None:
    """A small file takes little memory, a large one no more than a window."""
    assert [len(buffer_for(size)) for size in (0, 8 * MIB, 1 << 40)] == [LARGEST_BLOCK + 1, 8 * MIB + 1, WINDOW]
