"""Unused contents move to an archive class, and come back: whole objects, blocks and packs, on real servers."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from random import Random

import pytest
from archiving_store import ArchivingStore, archiving_store
from block_calls import begin, complete, release, send, store_file
from pack_calls import key as pack_key_of
from pack_calls import settled_pack
from service_calls import ServiceCaller
from upload_stack import Stack

from docstore_contents.block_list import parse
from docstore_contents.s3.store import ObjectArchived
from docstore_contracts.upload import UploadClient
from docstore_platform.clock import utc_now
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually
from docstore_standalone.servers import Servers
from docstore_upload.cold_objects.rules import MIN_BYTES

pytestmark = pytest.mark.connected

LARGE = 2 * MIN_BYTES


def noise(seed: int, size: int = LARGE) -> bytes:
    """Bytes that no compression makes smaller."""
    return Random(seed).randbytes(size)


@pytest.fixture
async def archive(servers: Servers) -> AsyncIterator[ArchivingStore]:
    async with archiving_store(servers.s3_endpoint) as proxy:
        yield proxy


@pytest.fixture
async def infra(infra: InfraSettings, archive: ArchivingStore) -> InfraSettings:
    """With an object store that has archive classes."""
    return infra.model_copy(update={"s3_endpoint": archive.url, "archive_class": "GLACIER"})


class Metadata:
    """Reports of unused contents, and questions about them, as metadata sends them."""

    def __init__(self, stack: Stack, archive: ArchivingStore) -> None:
        self.client = UploadClient(ServiceCaller("upload", stack.infra, stack.person.app_url))
        self._archive = archive
        self._turn = 0

    async def unused(self, *keys: str) -> None:
        self._turn += 1
        await self.client.contents_unused([(key, self._turn) for key in keys])

    async def archived(self, *keys: str) -> None:
        """Wait until exactly these objects are archived."""
        await eventually(lambda: _is(self._archive.archived() == set(keys)))

    async def retrieve(self, key: str) -> None:
        """Request it until it can be read; the store's hours pass at once."""
        while (progress := await self.client.retrieve_contents([key]))["waiting"]:
            if not progress["progressed"]:
                self._archive.finish_restorations()


async def _is(outcome: bool) -> bool:
    return outcome


async def whole(stack: Stack, content: bytes) -> str:
    """The key of a whole content that was uploaded."""
    upload = await stack.person.initiate("put", content)
    assert await stack.put(upload["put"], content) == 200
    await stack.person.ok("POST", f"/v1/uploads/{upload['id']}/complete")
    return await stack.committed_key(upload["id"])


async def in_blocks(stack: Stack, *blocks: bytes) -> str:
    return await stack.committed_key(await store_file(stack, blocks))


async def keys_of(stack: Stack, list_key: str) -> dict[str, str]:
    """Object keys of a list's blocks, by hash."""
    return {block.hash: block.key for block in parse(await stack.store.get(list_key))}


def name(block: bytes) -> str:
    return sha256(block).hexdigest()


async def test_a_whole_content_is_archived_and_retrieved(stack: Stack, archive: ArchivingStore) -> None:
    """Reported as unused it moves; reads are refused until it was retrieved; then it is as before."""
    content = noise(1)
    async with stack.run():
        metadata = Metadata(stack, archive)
        key, other = await whole(stack, content), await whole(stack, noise(2))
        assert await metadata.client.use_contents([key, other]) == []
        await metadata.unused(key)
        await metadata.archived(key)
        await eventually(lambda: _answers(metadata, [key, other], [key]))
        with pytest.raises(ObjectArchived):
            await stack.store.get(key)
        assert (await metadata.client.retrieve_contents([key]))["waiting"] == [key]
        assert (await metadata.client.retrieve_contents([key])) == {"waiting": [key], "progressed": False}
        await metadata.retrieve(key)
        assert await stack.store.get(key) == content
        assert (await stack.store.head(key)).content_type == "text/plain"  # type: ignore[union-attr]
        assert await metadata.client.use_contents([key]) == []
        await metadata.unused(key)
        await metadata.archived(key)


async def _answers(metadata: Metadata, keys: list[str], expected: list[str]) -> bool:
    return await metadata.client.use_contents(keys) == expected


async def test_a_content_that_is_used_again_does_not_move(stack: Stack, archive: ArchivingStore) -> None:
    """Used before the worker came, it stays; a late repetition of the report has no effect; small ones never move."""
    content = noise(1)
    async with stack.run(poll_interval_seconds=3600):
        metadata = Metadata(stack, archive)
        key, small = await whole(stack, content), await whole(stack, b"small")
        await metadata.unused(key, small)
        assert await metadata.client.use_contents([key]) == []
        await metadata.client.contents_unused([(key, 1)])
        assert await stack.database["cold_objects"].distinct("_id") == [small]
    async with stack.run():
        marker = await whole(stack, noise(3))
        await metadata.unused(marker)
        await metadata.archived(marker)
        assert await metadata.client.use_contents([key, small]) == []


async def test_a_block_is_archived_with_the_last_content_that_uses_it(stack: Stack, archive: ArchivingStore) -> None:
    """A block of two files stays while one of them is read; retrieving one file leaves what only the other needs."""
    a, b, c = noise(1), noise(2), noise(3)
    async with stack.run():
        metadata = Metadata(stack, archive)
        first, second = await in_blocks(stack, a, b), await in_blocks(stack, b, c)
        keys = await keys_of(stack, first) | await keys_of(stack, second)
        await metadata.unused(first)
        await metadata.archived(keys[name(a)])
        assert await metadata.client.use_contents([second]) == []
        await metadata.unused(second)
        await metadata.archived(*keys.values())
        await metadata.retrieve(first)
        assert archive.archived() == {keys[name(c)]}
        assert await metadata.client.use_contents([first, second]) == [second]


async def test_an_upload_may_use_archived_blocks(stack: Stack, archive: ArchivingStore) -> None:
    """Nothing is sent again; the new file must be retrieved before it is read, also after the old one was deleted."""
    a, b = noise(1), noise(2)
    async with stack.run():
        metadata = Metadata(stack, archive)
        old = await in_blocks(stack, a)
        await metadata.unused(old)
        archived = (await keys_of(stack, old))[name(a)]
        await metadata.archived(archived)
        upload_id = await begin(stack.person, [a, b])
        assert await send(stack, [a, b]) == 1
        await complete(stack.person, upload_id, [a, b])
        new = await stack.committed_key(upload_id)
        assert await metadata.client.use_contents([new]) == [new]
        assert await release(stack, old) == 204
        await metadata.retrieve(new)
        assert archive.archived() == set()
        assert await metadata.client.use_contents([new]) == []
        counts = await stack.database["blocks"].find({}, {"refs": 1, "idle": 1, "_id": 0}).to_list(None)
        assert sorted((row["refs"], row.get("idle", 0)) for row in counts) == [(1, 0), (1, 0)]


async def test_contents_left_by_a_deleted_file_are_archived(stack: Stack, archive: ArchivingStore) -> None:
    """When the only used file of a block is deleted, the block belongs to unused files alone."""
    a = noise(1)
    async with stack.run():
        metadata = Metadata(stack, archive)
        unused, used = await in_blocks(stack, a), await in_blocks(stack, a, noise(2))
        await metadata.unused(unused)
        assert await release(stack, used) == 204
        await metadata.archived((await keys_of(stack, unused))[name(a)])


async def test_a_pack_is_archived_when_all_its_files_are_unused(stack: Stack, archive: ArchivingStore) -> None:
    """Deleted files no longer count; one that is read keeps the pack; retrieving one file retrieves the pack."""
    files = {f"/{number}.bin": noise(number, 60_000) for number in range(4)}
    async with stack.run(settle_first_delay_seconds=0.05):
        metadata = Metadata(stack, archive)
        pack = await settled_pack(stack, files)
        slices = [pack_key_of(stack, pack, number) for number in range(4)]
        await metadata.unused(slices[0], slices[1])
        await metadata.unused(slices[2])
        assert await metadata.client.use_contents(slices) == []
        await metadata.unused(*slices[:3])
        assert archive.archived() == set()
        assert await release(stack, slices[3]) == 204
        await metadata.archived(pack_key_of(stack, pack))
        assert await metadata.client.use_contents(slices[:3]) == slices[:3]
        await metadata.retrieve(slices[1])
        assert archive.archived() == set()
        assert await metadata.client.use_contents(slices[:3]) == []


async def test_a_refused_move_leaves_contents_readable(stack: Stack, archive: ArchivingStore) -> None:
    """Without the right to copy within the store, an object stays readable and the worker tries again a day later."""
    archive.refuses_copies = True
    async with stack.run():
        metadata = Metadata(stack, archive)
        key = await whole(stack, noise(1))
        await metadata.unused(key)

        async def was_tried() -> bool:
            row = await stack.database["cold_objects"].find_one({"_id": key})
            return bool(row and row["due_at"] > utc_now() + timedelta(hours=23))

        await eventually(was_tried)
        assert await metadata.client.use_contents([key]) == []


async def test_an_interrupted_move_is_repeated(stack: Stack, archive: ArchivingStore) -> None:
    """A worker died after it had marked the object: it counts as archived until another one has moved it."""
    async with stack.run(poll_interval_seconds=3600):
        metadata = Metadata(stack, archive)
        key = await whole(stack, noise(1))
        await metadata.unused(key)
        await stack.database["cold_objects"].update_one({"_id": key}, {"$set": {"archive": "moving"}})
        assert await metadata.client.use_contents([key]) == [key]
        assert (await metadata.client.retrieve_contents([key])) == {"waiting": [key], "progressed": False}
    async with stack.run():
        await metadata.archived(key)
        await metadata.retrieve(key)
        assert await stack.store.get(key) == noise(1)
