"""The rules of blocks."""

from hashlib import sha256

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from docstore_contents.block_list import MAX_BLOCK_BYTES
from docstore_upload.blocks.rules import MAX_FRAME_BYTES, MAX_FRAME_HEADER, Piece, piece_sizes, plain_size

contents = st.lists(st.binary(min_size=1, max_size=40), max_size=12)


def pieces_of(blocks: list[bytes]) -> list[Piece]:
    return [Piece(sha256(block).hexdigest(), len(block)) for block in blocks]


@given(contents)
def test_a_file_is_made_of_its_blocks(blocks: list[bytes]) -> None:
    """Whatever it is cut into, repeated blocks too: each distinct block has its size."""
    content = b"".join(blocks)
    sizes = piece_sizes(pieces_of(blocks), len(content), sha256(content).hexdigest())
    assert sizes == {sha256(block).hexdigest(): len(block) for block in blocks}


@given(contents, st.integers(-100, 100).filter(bool))
def test_sizes_must_add_up(blocks: list[bytes], more: int) -> None:
    """A file of another size than that of its blocks is refused."""
    content = b"".join(blocks)
    assert isinstance(piece_sizes(pieces_of(blocks), len(content) + more, sha256(content).hexdigest()), str)


def test_the_only_block_is_the_file() -> None:
    """Of one block or none the SHA-256 of the whole is known, so it must be that."""
    other = sha256(b"other").hexdigest()
    assert isinstance(piece_sizes(pieces_of([b"one"]), 3, other), str)
    assert isinstance(piece_sizes([], 0, other), str)
    assert piece_sizes([], 0, sha256(b"").hexdigest()) == {}


def test_a_block_has_one_size() -> None:
    """The same name with two sizes is refused, even where the sum is right."""
    name = sha256(b"x").hexdigest()
    assert isinstance(piece_sizes([Piece(name, 1), Piece(name, 2)], 3, sha256(b"yyy").hexdigest()), str)


@given(st.binary(min_size=1, max_size=300), st.integers(1, 19))
def test_the_header_of_a_frame_contains_its_size(content: bytes, level: int) -> None:
    """At every level, the first bytes are enough."""
    frame = zstandard.compress(content, level)
    assert plain_size(frame[:MAX_FRAME_HEADER], len(frame)) == len(content)


@pytest.mark.parametrize("size", [1, MAX_BLOCK_BYTES])
def test_blocks_of_extreme_sizes(size: int) -> None:
    """The smallest and the largest block, of bytes that can't be compressed, are blocks."""
    frame = zstandard.compress(sha256(b"seed").digest() * (size // 32) + b"x" * (size % 32), 1)
    assert plain_size(frame[:MAX_FRAME_HEADER], max(len(frame), size + size // 128_000 * 3 + 18)) == size


@given(st.binary(max_size=MAX_FRAME_HEADER))
def test_any_bytes_are_looked_at_safely(start: bytes) -> None:
    """Nothing that a client may send makes looking at it fail, or passes as a block beyond the limit."""
    for head in (start, b"\x28\xb5\x2f\xfd" + start):
        size = plain_size(head[:MAX_FRAME_HEADER], 1000)
        assert size is None or 1 <= size <= MAX_BLOCK_BYTES


def test_an_object_that_is_too_large_is_no_block() -> None:
    """Also with a valid header, bytes behind the frame would be stored uncharged."""
    frame = zstandard.compress(b"small")
    assert plain_size(frame, MAX_FRAME_BYTES + 1) is None
