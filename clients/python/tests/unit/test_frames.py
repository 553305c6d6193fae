"""Encoding of blocks as zstd frames."""

import hashlib
import os

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from docstore_client import ContentDiffers
from docstore_client.blocks.frames import compressed, plain_of, raw_frame, shrinks


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@given(st.binary(max_size=400_000) | st.integers(0, 400_000).map(bytes))
def test_any_bytes_come_out_as_they_went_in(content: bytes) -> None:
    """Both kinds of frame contain their size."""
    for framed in (compressed(memoryview(content)), raw_frame(memoryview(content))):
        assert zstandard.get_frame_parameters(framed).content_size == len(content)
        assert plain_of(framed, digest(content), len(content)) == content


def test_incompressible_data_is_detected_by_a_sample() -> None:
    """Text is a fraction, noise is the noise and a few bytes; text in the middle of noise is seen."""
    text, noise = b"all work and no play " * 10_000, os.urandom(1 << 20)
    assert [shrinks(memoryview(content)) for content in (text, noise, noise + text + noise)] == [True, False, True]
    assert len(compressed(memoryview(text))) < len(text) / 50
    assert len(noise) < len(raw_frame(memoryview(noise))) < len(noise) + 64


@pytest.mark.parametrize("damage", ["other", "longer", "bomb", "cut", "nonsense"])
def test_a_frame_of_another_block_is_refused(damage: str) -> None:
    """Whatever a frame contains: other bytes, more than declared or allowed, or none."""
    content = b"content" * 1000
    framed = zstandard.ZstdCompressor().compress(content)
    damaged = {
        "other": zstandard.ZstdCompressor().compress(b"Content" * 1000),
        "longer": zstandard.ZstdCompressor().compress(content + b"!"),
        "bomb": zstandard.ZstdCompressor().compress(bytes(64 << 20)),
        "cut": framed[:-3],
        "nonsense": b"no frame at all",
    }[damage]
    with pytest.raises(ContentDiffers):
        plain_of(damaged, digest(content), len(content))
