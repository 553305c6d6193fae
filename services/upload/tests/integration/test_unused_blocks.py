"""No block is archived while a content that is in use needs it, whatever happens in whichever order."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from docstore_events.transaction import Transactor
from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.settings import InfraSettings
from docstore_upload.blocks.repository import MongoBlocks
from docstore_upload.blocks.rules import References
from docstore_upload.cold_objects.repository import MongoColdObjects
from docstore_upload.unused.ports import Content
from docstore_upload.unused.repository import MongoUnusedContents
from docstore_work.lease_queue import Lease, LeaseLost

pytestmark = pytest.mark.connected

ADA = "ada"
HASHES = [sha256(bytes([number])).hexdigest() for number in range(4)]
FILES = 4
COLLECTIONS = ("blocks", "block_lists", "discarded", "unused", "cold_objects")
Step = tuple[str, int, frozenset[int]]
STEPS = st.tuples(
    st.sampled_from(["store", "delete", "unused", "use", "claim", "mark", "move", "retrieve"]),
    st.integers(0, FILES - 1),
    st.frozensets(st.integers(0, len(HASHES) - 1), min_size=1),
)

RETRIEVED_AND_NEVER_READ = ("store", "unused", "claim", "mark", "move", "retrieve")


@dataclass
class World:
    """Files of blocks, metadata's reports about them, and a worker that may be interrupted between any two writes."""

    database: Database
    transactor: Transactor
    files: dict[int, Content] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    """Files that may be read without asking."""
    leases: list[Lease] = field(default_factory=list)
    marked: list[Lease] = field(default_factory=list)
    turns: int = 0

    def __post_init__(self) -> None:
        self.cold = MongoColdObjects(self.database, 3600)
        self.blocks = MongoBlocks(self.database, self.transactor, self.cold)
        self.unused = MongoUnusedContents(self.database, self.transactor, self.cold)

    async def run(self, steps: list[Step]) -> None:
        for name in COLLECTIONS:
            await self.database[name].delete_many({})
        known = await self.blocks.add(ADA, dict.fromkeys(HASHES, 10), utc_now())
        await self.blocks.mark_stored(ADA, [replace(block, size=1) for block in known.values()])
        self.keys = {name: block.key for name, block in known.items()}
        for act, number, numbers in steps:
            if act == "store":
                await self._store(number, numbers)
            else:
                await self._act(act, number)
            await self._check()
        await self._check_end()

    async def _act(self, act: str, number: int) -> None:
        acts = {
            "delete": self._delete,
            "unused": self._become_unused,
            "use": self._use,
            "claim": self._claim,
            "mark": self._mark,
            "move": self._move,
            "retrieve": self._retrieve,
        }
        await acts[act](number)

    async def _store(self, number: int, numbers: frozenset[int]) -> None:
        if number in self.files:
            return
        self.turns += 1
        keys = {HASHES[each]: self.keys[HASHES[each]] for each in numbers}
        list_key = f"accounts/{ADA}/uploads/{number}-{self.turns}/blocks-g"
        references = References(list_key, ADA, keys)
        await self.transactor.run(lambda tx: self.blocks.refer(references, utc_now(), tx.session))
        self.files[number] = Content(list_key, account_id=ADA, blocks=keys)
        if not await self.unused.to_check([list_key]):
            self.used.add(number)

    async def _delete(self, number: int) -> None:
        content = self.files.pop(number, None)
        self.used.discard(number)
        if content is not None:
            await self.blocks.release(content.key, ADA, content.blocks or (), utc_now())

    async def _become_unused(self, number: int) -> None:
        if number in self.files:
            self.turns += 1
            self.used.discard(number)
            await self.unused.become_unused(self.files[number], self.turns, utc_now())

    async def _use(self, number: int) -> None:
        content = self.files.get(number)
        if content is None:
            return
        if not await self.unused.to_check([content.key]) or await self.unused.use(content):
            self.used.add(number)

    async def _claim(self, _: int) -> None:
        self.leases += await self.cold.claim(2)

    async def _mark(self, _: int) -> None:
        if self.leases:
            lease = self.leases.pop(0)
            try:
                await self.cold.begin_move(lease)
                self.marked.append(lease)
            except LeaseLost:
                return

    async def _move(self, _: int) -> None:
        if self.marked:
            await self.cold.complete_move(self.marked.pop(0), archived=True)

    async def _retrieve(self, number: int) -> None:
        if number in self.files:
            for key in self.files[number].object_keys:
                await self.cold.retrieved(key)

    async def _check(self) -> None:
        """Nothing that is in use is archived, or due, or being moved; each block counts its unused files."""
        needed = {key for number in self.used for key in self.files[number].object_keys}
        assert not await self.cold.archived_among(needed)
        rows = self.database["cold_objects"].find({"_id": {"$in": sorted(needed)}})
        assert [row["_id"] async for row in rows] == []
        idle = {row["_id"] async for row in self.database["unused"].find({"idle": True})}
        for row in await self.database["blocks"].find().to_list(None):
            name = row["_id"].rpartition(".")[2]
            lists = [content.key for content in self.files.values() if name in (content.blocks or ())]
            assert (row["refs"], row.get("idle", 0)) == (len(lists), len(idle.intersection(lists)))

    async def _check_end(self) -> None:
        """When no one reads anything any more, every block that a file needs is archived."""
        for number in range(FILES):
            await self._become_unused(number)
        while self.leases or self.marked or await self._claimed():
            await self._mark(0)
            await self._move(0)
        needed = {key for content in self.files.values() for key in content.object_keys}
        assert {each.key for each in await self.cold.archived_among(needed)} == needed

    async def _claimed(self) -> bool:
        await self._claim(0)
        return bool(self.leases)


@pytest.fixture
def run(infra: InfraSettings) -> Iterator[Callable[[Callable[[World], Awaitable[None]]], None]]:
    """Runs something with a new world, in an event loop of its own."""
    loop = asyncio.new_event_loop()

    async def connect() -> Mongo:
        return Mongo(infra.mongo_url.get_secret_value(), app_name="test")

    mongo = loop.run_until_complete(connect())
    database = mongo.database(f"{infra.database_prefix}upload")
    transactor = Transactor(mongo, database, "upload", infra.topic_prefix)

    def runs(work: Callable[[World], Awaitable[None]]) -> None:
        async def bounded() -> None:
            await work(World(database, transactor))

        loop.run_until_complete(asyncio.wait_for(bounded(), timedelta(minutes=1).total_seconds()))

    yield runs
    mongo.close()
    loop.close()


def test_no_block_is_archived_that_a_used_file_needs(run: Callable[[Callable[[World], Awaitable[None]]], None]) -> None:
    """Files share blocks, come, go, are read and forgotten, while a worker moves blocks and is interrupted."""

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(STEPS, max_size=25))
    @example([(act, 0, frozenset([0])) for act in RETRIEVED_AND_NEVER_READ])
    def all_orders(steps: list[Step]) -> None:
        run(lambda world: world.run(steps))

    all_orders()
