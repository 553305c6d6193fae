"""Blocks in the real database: atomic writes, and one winner of conflicting ones."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

import pytest

from docstore_events.transaction import Transactor
from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.settings import InfraSettings
from docstore_upload.blocks.ports import BlocksGone
from docstore_upload.blocks.repository import MongoBlocks
from docstore_upload.blocks.rules import KnownBlock, References
from docstore_upload.cold_objects.repository import MongoColdObjects

pytestmark = pytest.mark.connected

HASHES = [sha256(bytes([number])).hexdigest() for number in range(5)]
FRAMES = dict.fromkeys(HASHES, 10)
ADA = "ada"
PUT_LIFE = timedelta(hours=2)


class Stored:
    """The store and what tests ask of it again and again."""

    def __init__(self, database: Database, transactor: Transactor) -> None:
        self.now: datetime | None = None
        cold_objects = MongoColdObjects(database, 5)
        self.blocks = MongoBlocks(database, transactor, cold_objects, 5, lambda: self.now or utc_now())
        self.database = database
        self._transactor = transactor

    async def arrive(self) -> dict[str, str]:
        """All blocks, stored: their keys by hash."""
        known = await self.blocks.add(ADA, FRAMES, utc_now())
        await self.blocks.mark_stored(ADA, [replace(block, size=1) for block in known.values()])
        return {name: block.key for name, block in known.items()}

    async def refer(self, list_key: str, keys: dict[str, str]) -> bool:
        references = References(list_key, ADA, keys)
        try:
            await self._transactor.run(lambda tx: self.blocks.refer(references, utc_now(), tx.session))
        except BlocksGone:
            return False
        return True

    async def refs(self) -> set[int]:
        return {row["refs"] for row in await self.database["blocks"].find().to_list(None)}


@pytest.fixture
async def stored(infra: InfraSettings) -> AsyncIterator[Stored]:
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    database = mongo.database(f"{infra.database_prefix}upload")
    stored = Stored(database, Transactor(mongo, database, "upload", infra.topic_prefix))
    await stored.blocks.create_indexes()
    yield stored
    mongo.close()


def later() -> datetime:
    return utc_now() + timedelta(hours=1)


async def test_references_are_taken_all_or_none(stored: Stored) -> None:
    """One block that has gone, is still pending, or came back under another key: no block gets a reference."""
    keys = await stored.arrive()
    assert not await stored.refer("list", keys | {HASHES[4]: "another key"})
    assert not await stored.refer("list", keys | {sha256(b"unknown").hexdigest(): "no key"})
    await stored.database["blocks"].update_one({"_id": f"{ADA}.{HASHES[0]}"}, {"$set": {"state": "pending"}})
    assert not await stored.refer("list", keys)
    assert await stored.refs() == {0}
    assert await stored.blocks.owner_of("list") is None


async def test_referenced_blocks_are_not_discarded(stored: Stored) -> None:
    """However old it is; released, it is, and its key is noted in the same write."""
    keys = await stored.arrive()
    assert await stored.refer("list", keys)
    assert await stored.blocks.give_up(later(), utc_now(), PUT_LIFE, 100) == 0
    assert await stored.blocks.release("list", ADA, HASHES, utc_now())
    assert await stored.blocks.give_up(later(), utc_now(), PUT_LIFE, 3) == 3
    assert await stored.blocks.give_up(later(), utc_now(), PUT_LIFE, 100) == 2
    stored.now = later()
    due = await stored.blocks.take_discarded(100)
    assert {each.key for each in due} == {"list", *keys.values()}
    assert {each.key for each in due if each.writable_until} == set(keys.values())


async def test_either_referred_to_or_given_up(stored: Stored) -> None:
    """A list and a sweep at the same moment: one of them finds that the other was first."""
    for number in range(15):
        keys = await stored.arrive()
        taken, swept = await asyncio.gather(
            stored.refer(f"list {number}", keys), stored.blocks.give_up(later(), utc_now(), PUT_LIFE, 100)
        )
        assert (taken, swept) in ((True, 0), (False, len(HASHES)))
        assert await stored.refs() == ({1} if taken else set())
        if taken:
            assert await stored.blocks.release(f"list {number}", ADA, HASHES, utc_now())
            await stored.blocks.give_up(later(), utc_now(), PUT_LIFE, 100)


async def test_released_once(stored: Stored) -> None:
    """Of many releases of one list at once, one counts."""
    assert await stored.refer("first", await stored.arrive())
    assert await stored.refer("second", await stored.arrive())
    done = await asyncio.gather(*(stored.blocks.release("first", ADA, HASHES, utc_now()) for _ in range(5)))
    assert sorted(done) == [False] * 4 + [True]
    assert await stored.refs() == {1}


async def test_wanted_by_two_at_once(stored: Stored) -> None:
    """Two devices that begin to send the same blocks are given the same keys."""
    one, other = await asyncio.gather(*(stored.blocks.add(ADA, FRAMES, utc_now()) for _ in range(2)))
    assert one == other
    assert await stored.blocks.touch("bob", HASHES, utc_now()) == {}


async def test_wrong_one_is_replaced_once(stored: Stored) -> None:
    """What is no block is wanted under one new key, whoever else finds out; a block that is stored stays."""
    known = await stored.blocks.add(ADA, dict.fromkeys(HASHES[:2], 10), utc_now())
    wrong, right = (known[name] for name in HASHES[:2])
    await stored.blocks.mark_stored(ADA, [replace(right, size=1)])
    await asyncio.gather(*(stored.blocks.replace(ADA, block, utc_now(), utc_now()) for block in (wrong, wrong, right)))
    after = await stored.blocks.touch(ADA, HASHES[:2], utc_now())
    assert after[wrong.hash].key != wrong.key
    assert after[right.hash] == KnownBlock(right.hash, right.key, "stored", 1, 10)
    stored.now = later()
    assert [each.key for each in await stored.blocks.take_discarded(100)] == [wrong.key]


async def test_discarded_keys_are_leased(stored: Stored) -> None:
    """A key is one sweeper's until its lease ends; who died leaves it to be due again."""
    keys = await stored.arrive()
    now = stored.now = later()
    await stored.blocks.give_up(now, now, PUT_LIFE, 100)
    taken = await stored.blocks.take_discarded(100)
    assert {each.key for each in taken} == set(keys.values())
    assert await stored.blocks.take_discarded(100) == []
    stored.now = now + timedelta(seconds=6)
    again = await stored.blocks.take_discarded(100)
    assert {each.key for each in again} == set(keys.values())
    await stored.blocks.forget_discarded([each.key for each in again])
    stored.now = now + timedelta(days=1)
    assert await stored.blocks.take_discarded(100) == []


async def test_unclaimed_bytes(stored: Stored) -> None:
    """Counted of each account by what its URLs may store, then by what is stored; claimed ones are not."""
    hashes = HASHES[:3]
    known = await stored.blocks.add(ADA, dict.fromkeys(hashes, 100), utc_now())
    await stored.blocks.add("adaptation", {HASHES[0]: 7}, utc_now())
    await stored.blocks.expect(ADA, {hashes[0]: 150, hashes[1]: 50})
    assert await stored.blocks.unclaimed_by_account() == {ADA: 350, "adaptation": 7}
    first = replace(known[hashes[0]], size=30, stored_bytes=40)
    await stored.blocks.mark_stored(ADA, [first])
    assert await stored.blocks.unclaimed_bytes(ADA) == 240
    assert await stored.refer("list", {first.hash: first.key})
    assert await stored.blocks.unclaimed_bytes(ADA) == 200
    oldest = await stored.blocks.longest_untouched(ADA, later(), 10)
    assert {block.hash for block in oldest} == set(hashes[1:])
    assert await stored.blocks.withdraw(ADA, hashes, utc_now(), later()) == 2
    assert await stored.blocks.unclaimed_bytes(ADA) == 0
    assert await stored.refs() == {0, 1}
