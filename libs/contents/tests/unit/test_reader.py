"""Contents of every form are read alike, a few pieces ahead, and never a byte that was not verified."""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from docstore_contents import reader as module
from docstore_contents.block_list import Block, block_key, block_list_key, is_blocks, parse, serialise
from docstore_contents.packs import Slice, index_bytes, layout, pack_key, slice_key
from docstore_contents.reader import AHEAD, ContentDamaged, Contents, is_whole
from docstore_contents.s3.store import ObjectChanged, ObjectNotFound, ObjectStoreUnavailable, Tail

LIST_KEY = block_list_key("ada", "u1", "g1")
PACK_KEY = pack_key("ada", "p1")


@dataclass
class FakeStore:
    """Objects in memory; ETags are hashes. `waiting` holds back reads of keys that begin with it."""

    objects: dict[str, bytes] = field(default_factory=dict)
    gate: asyncio.Event | None = None
    reading: int = 0
    most_reading: int = 0
    reads: int = 0

    def etag(self, key: str) -> str:
        return hashlib.md5(self._object(key)).hexdigest()

    def _object(self, key: str) -> bytes:
        if key not in self.objects:
            raise ObjectNotFound("NoSuchKey", key)
        return self.objects[key]

    async def get(self, key: str) -> bytes:
        return self._object(key)

    async def get_range(self, key: str, start: int, length: int, *, etag: str | None = None) -> bytes:
        self.reads += 1
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        try:
            await asyncio.sleep(0)
            if self.gate is not None:
                await self.gate.wait()
            if etag is not None and etag != self.etag(key):
                raise ObjectChanged("PreconditionFailed", key)
            return self._object(key)[start : start + length]
        finally:
            self.reading -= 1

    async def get_tail(self, key: str, length: int) -> Tail:
        return Tail(self.etag(key), len(self._object(key)), self._object(key)[-length:])

    async def download(self, key: str, path: Path, max_bytes: int) -> int:
        return await asyncio.to_thread(path.write_bytes, self._object(key))

    def add_blocks(self, parts: Sequence[bytes]) -> None:
        blocks = []
        for part in parts:
            digest = hashlib.sha256(part).hexdigest()
            blocks.append(Block(digest, len(part), block_key("ada", digest, "g1")))
            self.objects[blocks[-1].key] = zstandard.compress(part)
        self.objects[LIST_KEY] = serialise(blocks)

    def add_pack(self, slices: dict[int, bytes]) -> None:
        sizes = [len(data) for data in slices.values()]
        entries = [Slice(*entry) for entry in zip(slices, layout(sizes), sizes, strict=True)]
        self.objects[PACK_KEY] = b"".join(slices.values()) + index_bytes(entries)


async def joined(contents: Contents, key: str, size: int, start: int = 0, end: int | None = None) -> bytes:
    async with aclosing(contents.stream(key, size, start, end)) as parts:
        return b"".join([part async for part in parts])


@given(st.lists(st.binary(max_size=50), max_size=12), st.integers(0, 600), st.integers(0, 600))
async def test_any_range_of_content_in_blocks_is_that_range(parts: list[bytes], one: int, other: int) -> None:
    """However the blocks lie, and wherever the range begins and ends."""
    store, whole = FakeStore(), b"".join(parts)
    store.add_blocks(parts)
    start, end = sorted((min(one, len(whole)), min(other, len(whole))))
    contents = Contents(store)
    assert await joined(contents, LIST_KEY, len(whole), start, end) == whole[start:end]
    assert await contents.read_range(LIST_KEY, start, end - start) == whole[start:end]
    assert await contents.read(LIST_KEY, len(whole), hashlib.sha256(whole).hexdigest()) == whole


async def test_a_whole_object_streams_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is never held as a whole."""
    monkeypatch.setattr(module, "WHOLE_PIECE_BYTES", 10)
    store = FakeStore({"accounts/ada/uploads/u/content": bytes(range(95))})
    async with aclosing(Contents(store).stream("accounts/ada/uploads/u/content", 95, 5, 88)) as parts:
        pieces = [part async for part in parts]
    assert b"".join(pieces) == bytes(range(5, 88))
    assert max(map(len, pieces)) == 10


async def test_few_blocks_are_fetched_ahead() -> None:
    """So many and no more: memory is bounded whatever the size."""
    store = FakeStore()
    store.add_blocks([bytes([number]) * 9 for number in range(50)])
    assert len(await joined(Contents(store), LIST_KEY, 450)) == 450
    assert store.most_reading == AHEAD


async def test_all_streams_share_the_room_for_fetching_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is used up, each stream has the one block that it needs next."""
    monkeypatch.setattr(module, "AHEAD_BYTES", 20)
    store = FakeStore()
    store.add_blocks([bytes([number]) * 9 for number in range(9)])
    contents = Contents(store)
    await asyncio.gather(*(joined(contents, LIST_KEY, 81) for _ in range(8)))
    assert store.most_reading <= 8 + 1
    assert contents._held_bytes == 0


async def test_a_stream_that_is_closed_ends_its_work() -> None:
    """What was on its way is dropped, and its room given back."""
    store = FakeStore()
    store.add_blocks([bytes([number]) * 9 for number in range(9)])
    contents = Contents(store)
    parts = contents.stream(LIST_KEY, 81)
    await anext(parts)
    store.gate = asyncio.Event()
    await parts.aclose()
    assert store.reading == 0
    assert contents._held_bytes == 0


@pytest.mark.parametrize(
    "damage",
    [
        b"not zstd",
        zstandard.compress(b"another block"),
        zstandard.compress(b"x" * 9)[:-2],
        zstandard.compress(b"x" * 9) + b"more",
        zstandard.compress(b"y" * 9),
        zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 9),
        zstandard.compress(b"x" * (64 << 20)),
    ],
)
async def test_a_damaged_block_passes_nothing_on(damage: bytes) -> None:
    """What came before it does, and then the stream fails."""
    store = FakeStore()
    store.add_blocks([b"good", b"x" * 9])
    store.objects[parse(store.objects[LIST_KEY])[1].key] = damage
    got = []

    async def read() -> None:
        async for part in Contents(store).stream(LIST_KEY, 13):
            got.append(part)

    with pytest.raises(ContentDamaged):
        await read()
    assert got == [b"good"]


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"blocks": [{"hash": "aa", "size": 5}]}', b'{"blocks": 7}'])
async def test_an_invalid_block_list_is_reported_as_damaged(data: bytes) -> None:
    """And so is a list of blocks that do not add up to the content."""
    store = FakeStore({LIST_KEY: data})
    with pytest.raises(ContentDamaged):
        await Contents(store).read(LIST_KEY, 5)
    store.add_blocks([b"1234"])
    with pytest.raises(ContentDamaged):
        await Contents(store).read(LIST_KEY, 5)


async def test_slices_are_read_by_number() -> None:
    """An empty one too; one that is gone is not found."""
    store = FakeStore()
    store.add_pack({0: b"zero", 7: b"seven", 8: b""})
    contents = Contents(store)
    assert await contents.read(slice_key(PACK_KEY, 7), 5, hashlib.sha256(b"seven").hexdigest()) == b"seven"
    assert await contents.read_range(slice_key(PACK_KEY, 7), 1, 3) == b"eve"
    assert await joined(contents, slice_key(PACK_KEY, 0), 4, 1) == b"ero"
    assert await contents.read(slice_key(PACK_KEY, 8), 0) == b""
    with pytest.raises(ObjectNotFound):
        await contents.read(slice_key(PACK_KEY, 1), 4)


async def test_a_compaction_in_between_moves_a_slice_without_an_error() -> None:
    """Where it was is remembered with the pack's ETag, so other bytes are never taken for it."""
    store = FakeStore()
    store.add_pack({0: b"zero", 1: b"one", 2: b"two"})
    contents = Contents(store)
    assert await contents.read(slice_key(PACK_KEY, 2), 3) == b"two"
    store.add_pack({1: b"one", 2: b"two"})
    assert await contents.read(slice_key(PACK_KEY, 2), 3) == b"two"


async def test_a_pack_that_changes_all_the_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few attempts, as a store that does not answer soundly."""
    store = FakeStore()
    store.add_pack({0: b"zero"})
    monkeypatch.setattr(store, "get_tail", lambda *_: _tail_of_before(store))
    with pytest.raises(ObjectStoreUnavailable):
        await Contents(store).read(slice_key(PACK_KEY, 0), 4)


async def _tail_of_before(store: FakeStore) -> Tail:
    data = store.objects[PACK_KEY]
    return Tail("before", len(data), data)


async def test_a_slice_is_verified() -> None:
    """By size and SHA-256 of the content, before a byte of it is passed on."""
    store = FakeStore()
    store.add_pack({0: b"zero"})
    wrong = hashlib.sha256(b"null").hexdigest()
    for size, sha256 in ((4, wrong), (3, None)):
        with pytest.raises(ContentDamaged):
            await anext(Contents(store).stream(slice_key(PACK_KEY, 0), size, sha256=sha256))


async def test_a_download_that_fails_leaves_no_file(tmp_path: Path) -> None:
    """No one finds half of a content."""
    store = FakeStore()
    store.add_blocks([b"good", b"bad"])
    blocks = parse(store.objects[LIST_KEY])
    contents, path = Contents(store), tmp_path / "content"
    await contents.download(LIST_KEY, path, 7)
    assert path.read_bytes() == b"goodbad"
    del store.objects[blocks[1].key]
    with pytest.raises(ObjectNotFound):
        await contents.download(LIST_KEY, path, 7)
    assert not path.exists()


def test_keys_determine_the_form() -> None:
    """Block lists and slices of packs are distinguished from other objects by their keys."""
    assert is_blocks(LIST_KEY)
    assert not is_whole(LIST_KEY)
    assert not is_whole(slice_key(PACK_KEY, 3))
    assert is_whole("accounts/ada/uploads/u1/content")
    assert not is_blocks("accounts/ada/uploads/u1/content")


async def test_slices_near_each_other_are_read_together() -> None:
    """One request for those with small gaps, another for a distant one, none for an empty one."""
    store = FakeStore()
    slices = {0: b"first", 1: b"", 2: b"x" * (module.GAP_BYTES + 1), 3: b"second", 4: b"third"}
    store.add_pack(slices)
    assert await Contents(store).slices(PACK_KEY, [4, 0, 1, 3]) == {n: slices[n] for n in (0, 1, 3, 4)}
    assert store.reads == 2
    with pytest.raises(ObjectNotFound):
        await Contents(store).slices(PACK_KEY, [0, 9])
