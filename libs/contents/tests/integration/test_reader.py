"""What contents are read by, as the real store answers it."""

import hashlib

import pytest
import zstandard

from docstore_contents.block_list import Block, block_key, block_list_key, serialise
from docstore_contents.packs import Slice, index_bytes, pack_key, slice_key
from docstore_contents.reader import ContentDamaged, Contents
from docstore_contents.s3.store import ObjectChanged, ObjectNotFound, ObjectStore
from docstore_platform.ids import new_id

pytestmark = pytest.mark.connected


async def test_the_end_of_an_object(store: ObjectStore, key: str) -> None:
    """With the size of all of it, also where that is less than was asked for."""
    stored = await store.put(key, b"0123456789")
    end = await store.get_tail(key, 4)
    assert (end.etag, end.size, end.data) == (stored.etag, 10, b"6789")
    every = await store.get_tail(key, 100)
    assert (every.size, every.data) == (10, b"0123456789")
    with pytest.raises(ObjectNotFound):
        await store.get_tail(key + "x", 4)


async def test_a_range_on_condition(store: ObjectStore, key: str) -> None:
    """Of the object that one has seen, or nothing: not a byte of another one under its key."""
    before = await store.put(key, b"0123456789")
    assert await store.get_range(key, 2, 3, etag=before.etag) == b"234"
    await store.put(key, b"abcdefghij")
    with pytest.raises(ObjectChanged):
        await store.get_range(key, 2, 3, etag=before.etag)


async def test_a_pack_that_is_rewritten_while_it_is_read(store: ObjectStore) -> None:
    """A slice stays readable by its number, wherever it is by now, even if the pack has become much shorter."""
    pack = pack_key(new_id(), new_id())
    await store.put(pack, b"x" * 9000 + b"two" + index_bytes([Slice(0, 0, 9000), Slice(1, 9000, 3)]))
    contents = Contents(store)
    assert await contents.read(slice_key(pack, 1), 3) == b"two"
    await store.put(pack, b"two" + index_bytes([Slice(1, 0, 3)]))
    assert await contents.read(slice_key(pack, 1), 3) == b"two"
    with pytest.raises(ObjectNotFound):
        await contents.read(slice_key(pack, 0), 9000)


async def test_blocks_from_the_store(store: ObjectStore) -> None:
    """Any range of them; a block that was exchanged is found out, however large it is now."""
    account, parts = new_id(), [bytes([number]) * 100_000 for number in range(5)]
    blocks = []
    for part in parts:
        digest = hashlib.sha256(part).hexdigest()
        blocks.append(Block(digest, len(part), block_key(account, digest, new_id())))
        await store.put(blocks[-1].key, zstandard.compress(part))
    key = block_list_key(account, new_id(), new_id())
    await store.put(key, serialise(blocks))
    contents = Contents(store)
    assert await contents.read(key, 500_000) == b"".join(parts)
    assert await contents.read_range(key, 99_999, 100_002) == b"".join(parts)[99_999:200_001]
    await store.put(blocks[4].key, b"\0" * (4 << 20))
    with pytest.raises(ContentDamaged):
        await contents.read(key, 500_000)
