"""A large file is read once for both its hash and its blocks."""

import asyncio
import hashlib
import threading
from pathlib import Path
from random import Random

import pytest

from docstore_client.blocks.chunking import Block, Window, blocks_of, buffer_for
from docstore_client.uploading.block_uploads import Reading

MIB = 1 << 20
CONTENT = Random(11).randbytes(40 * MIB)


async def test_blocks_that_are_named_late_are_in_their_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first window is named after the second: the file is made of its blocks in order, and has its own hash."""
    path = tmp_path / "large"
    path.write_bytes(CONTENT)
    expected = blocks_of(path)
    named = Window.name
    second_is_done = threading.Event()

    def first_is_last(window: Window) -> list[Block]:
        if window.offset == 0:
            assert second_is_done.wait(60)
        return named(window)

    monkeypatch.setattr(Window, "name", first_is_last)
    with path.open("rb", buffering=0) as file:
        reading = Reading(file)

        async def read_all() -> None:
            buffer = buffer_for(len(CONTENT))
            while await reading.next(buffer) is not None:
                second_is_done.set()

        await asyncio.gather(read_all(), read_all())
    content = reading.content()
    assert reading.blocks[0].offset > 0
    assert content.blocks == expected
    assert (content.size, content.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
