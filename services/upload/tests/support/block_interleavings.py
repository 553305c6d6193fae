"""Any life of blocks: clients, releases, sweeps and crashes, interleaved at each call that leaves the process."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import zstandard
from fake_blocks import FakeBlocks
from fake_services import FakeServices
from gated_jobs import Gated, GatedJobs
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from memory_store import FakeStore
from upload_world import FakeTransactor

from docstore_contents.block_list import parse
from docstore_events.transaction import Transactor
from docstore_platform.errors import DomainError
from docstore_upload.blocks.ports import Blocks
from docstore_upload.blocks.proof import BlockProver
from docstore_upload.blocks.rules import Piece
from docstore_upload.blocks.service import BlockService
from docstore_upload.blocks.unclaimed import UnclaimedBlocks
from docstore_upload.blocks.worker import DiscardedBlocksWorker
from docstore_upload.lifecycle.clients import ServiceClients
from docstore_upload.lifecycle.lifecycle import Lifecycle
from docstore_upload.lifecycle.rules import OPEN
from docstore_upload.sessions.kind import ClientManifest, SingleUploads
from docstore_upload.sessions.ports import Uploads
from docstore_upload.sessions.rules import Upload
from docstore_upload.sessions.verify import Verifier
from docstore_upload.settings import UploadSettings

CONTENTS = [bytes([number]) * (number + 1) for number in range(3)]
HASHES = [sha256(content).hexdigest() for content in CONTENTS]
NO_BLOCK = b"this is no zstd frame"
EXPIRY = 200.0
SETTINGS: dict[str, float] = {
    "block_url_lifetime_seconds": 20,
    "sweep_delay_seconds": 30,
    "block_grace_seconds": 30,
    "lifetime_seconds": EXPIRY,
    "multipart_lifetime_seconds": EXPIRY,
    "check_first_delay_seconds": 10,
    "lease_seconds": 5,
}
PUT_LIFE = 50.0


async def nothing_held() -> bool:
    return False


ACCOUNTS = ("ada", "ada", "ada", "bob")


@dataclass
class Parts:
    """What the use cases are put together from: fakes, or the real thing."""

    uploads: Uploads
    blocks: FakeBlocks | Blocks
    transactor: FakeTransactor | Transactor
    services: FakeServices
    settings: UploadSettings
    time: Any
    """Has the moment `now` that all of them go by."""
    lists: Callable[[], Awaitable[list[str]]]
    """Keys of the block lists that refer to blocks."""
    refs: Callable[[], Awaitable[dict[tuple[str, str], int]]]
    """By account and hash, how many lists refer to each block that any refers to."""
    left: Callable[[], Awaitable[list[Any]]]
    """All rows of blocks, lists and discarded keys."""


class BlockInterleavings(GatedJobs):
    """Each rule begins a job, lets one make its next call, kills one, or lets time pass."""

    def __init__(self, loop: asyncio.AbstractEventLoop, parts: Parts) -> None:
        super().__init__(loop)
        self.given_back: set[str] = set()
        self.begun: list[tuple[Upload, list[int]]] = []
        self.uploads, self.blocks, self.parts = parts.uploads, parts.blocks, parts
        self.metadata = parts.services.metadata
        self.metadata.refusals["/refused"] = {"status": 409, "code": "read_only", "detail": "Not any more."}
        store = FakeStore(lambda: self.now)
        self.objects, self.put_at, self.store = store.objects, store.put_at, Gated(store)
        self._wire(parts)

    @property
    def now(self) -> datetime:
        now: datetime = self.parts.time.now
        return now

    @now.setter
    def now(self, moment: datetime) -> None:
        self.parts.time.now = moment

    def _wire(self, parts: Parts) -> None:
        uploads, blocks, store = Gated(parts.uploads), Gated(parts.blocks), self.store
        transactor, settings, clock = Gated(parts.transactor), parts.settings, lambda: self.now
        gated = {name: Gated(fake) for name, fake in vars(parts.services).items()}
        clients = ServiceClients(gated["metadata"], gated["quota"], gated)
        any_store: Any = store
        any_transactor: Any = transactor
        prover = BlockProver(blocks, any_store, settings, clock)
        unclaimed = UnclaimedBlocks(blocks, uploads, clients, settings, clock)
        self.use_cases = BlockService(
            blocks, any_transactor, prover, unclaimed, any_store, nothing_held, settings, clock
        )
        verifier = Verifier(any_store, uploads, settings)
        kind = SingleUploads(uploads, verifier, self.use_cases, any_store, settings, clock)
        # Each job is a process of its own, which does not share its batches of writes with others.
        self.instance = partial(Lifecycle, kind, uploads, any_transactor, clients, self._republish, settings, clock)
        self.sweeper = DiscardedBlocksWorker(blocks, any_store, nothing_held, settings, clock)

    async def _republish(self, event_ids: Sequence[str]) -> None:
        return None

    async def client(self, account_id: str, numbers: list[int], path: str, stops: str, garbles: bool) -> None:
        """Sends what is missing and completes; again when blocks have gone meanwhile."""
        upload = _upload(account_id, path, numbers, self.now)
        self.begun.append((upload, numbers))
        await Gated(self.uploads).insert([upload])
        await self.send_and_complete(upload, numbers, stops, garbles)

    async def send_and_complete(
        self, upload: Upload, numbers: list[int], stops: str = "", garbles: bool = False
    ) -> None:
        account_id = upload.account_id
        pieces = [Piece(HASHES[number], len(CONTENTS[number])) for number in numbers]
        for _ in range(3):
            if not await self._send(account_id, numbers, garbles) or stops == "sent":
                return
            latest = await Gated(self.uploads).by_ids([upload.id])
            if not latest:
                return  # its client was killed before it was kept
            completer = self.instance().completer
            manifests = {upload.id: ClientManifest(blocks=pieces)}
            outcomes = await completer.complete(list(latest.values()), "client", manifests)
            await completer.finisher.drain()
            outcome = outcomes[upload.id]
            if not isinstance(outcome, DomainError) or outcome.code != "blocks_missing":
                return
            garbles = False

    async def _send(self, account_id: str, numbers: list[int], garbles: bool) -> bool:
        contents = {HASHES[number]: CONTENTS[number] for number in numbers}
        given_at = self.now
        for item in await self.use_cases.missing(account_id, contents):
            assert item["headers"]["if-none-match"] == "*"
            frame = NO_BLOCK if garbles else zstandard.compress(contents[item["hash"]])
            await Gated(self).put(item["url"].partition("?")[0].partition("bucket/")[2], frame, given_at)
        return True

    async def put(self, key: str, frame: bytes, given_at: datetime) -> None:
        """The store takes it while the URL lasts, and a little longer if it was begun in time; never over another."""
        if self.now - given_at < timedelta(seconds=PUT_LIFE):
            self.objects.setdefault(key, frame)

    async def release(self, key: str) -> None:
        await self.use_cases.release([key])

    # --- rules

    @precondition(lambda self: len(self.jobs) < 5)
    @rule(
        account_id=st.sampled_from(ACCOUNTS),
        numbers=st.lists(st.integers(0, len(CONTENTS) - 1), min_size=1, max_size=3),
        path=st.sampled_from(["/a", "/b", "/refused"]),
        stops=st.sampled_from(["", "", "", "sent"]),
        garbles=st.sampled_from([False, False, False, True]),
    )
    def client_begins(self, account_id: str, numbers: list[int], path: str, stops: str, garbles: bool) -> None:
        self.begin("client", self.client(account_id, numbers, path, stops, garbles))

    @precondition(lambda self: len(self.jobs) < 5 and self.begun)
    @rule(which=st.integers(0, 9))
    def client_tries_again(self, which: int) -> None:
        """Perhaps while its first call still goes on."""
        upload, numbers = self.begun[which % len(self.begun)]
        self.begin("repeat", self.send_and_complete(upload, numbers))

    @precondition(lambda self: len(self.jobs) < 5)
    @rule()
    def sweep_begins(self) -> None:
        self.begin("sweep", self.sweeper.run_once())

    @precondition(lambda self: len(self.jobs) < 5)
    @rule()
    def workflow_begins(self) -> None:
        self.begin("workflow", self.instance().worker.run_once())

    @precondition(lambda self: len(self.jobs) < 5 and self.metadata.committed)
    @rule(number=st.integers(0, 9))
    def file_is_purged(self, number: int) -> None:
        """Perhaps one whose release was begun before: metadata asks until it is answered."""
        keys = sorted(commit["item"]["object_key"] for commit in self.metadata.committed.values())
        key = keys[number % len(keys)]
        self.given_back.add(key)
        self.begin("release", self.release(key))

    @rule(seconds=st.sampled_from([1, 6, 31, 61, 201]))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    # --- what always holds

    @invariant()
    def what_is_referred_to_is_there(self) -> None:
        lists = self.loop.run_until_complete(self.parts.lists())
        counted: Counter[tuple[str, str]] = Counter()
        for list_key in lists:
            blocks = parse(self.objects[list_key])
            counted.update({(block.key.split("/")[1], block.hash) for block in blocks})
            for block in blocks:
                content = zstandard.decompress(self.objects[block.key])
                assert (len(content), sha256(content).hexdigest()) == (block.size, block.hash)
        assert self.loop.run_until_complete(self.parts.refs()) == counted
        kept = {commit["item"]["object_key"] for commit in self.metadata.committed.values()} - self.given_back
        assert kept <= set(lists)

    def teardown(self) -> None:
        """Once all that was begun has ended, there is what committed files need, and at last nothing."""
        while self.jobs:
            self.job_ends(0)
        self.settle_down()
        kept = {commit["item"]["object_key"] for commit in self.metadata.committed.values()} - self.given_back
        needed = {block.key for list_key in kept for block in parse(self.objects[list_key])}
        interrupted = set(self.loop.run_until_complete(self.parts.lists())) - kept
        assert interrupted <= self.given_back
        self.loop.run_until_complete(self.use_cases.release(sorted(interrupted)))
        self.settle_down()
        if self.killed["sweep"]:
            # A sweep that outlives its lease and is killed then may leave a tombstone: a stray without bytes.
            for key in [key for key, content in self.objects.items() if not content]:
                del self.objects[key]
        self._delete_late_lists(kept)
        assert set(self.objects) == kept | needed
        self.given_back |= kept
        self.loop.run_until_complete(self.use_cases.release(sorted(kept)))
        self.settle_down()
        assert not self.objects
        assert not self.loop.run_until_complete(self.parts.left())

    def _delete_late_lists(self, kept: set[str]) -> None:
        """Delete unused lists put after the last sweep of their uploads, by requests that were paused until then.

        The sweep of strays, which is not modelled here, deletes them.
        """
        for upload, _ in self.begun:
            last_sweep = upload.last_sweep_at(upload.created_at, SETTINGS["sweep_delay_seconds"])
            for key in [key for key in self.objects.keys() - kept if key.startswith(upload.prefix)]:
                if key in self.put_at and self.put_at[key] > last_sweep:
                    del self.objects[key]

    def settle_down(self) -> None:
        for seconds in (PUT_LIFE, 61.0, EXPIRY, 61.0, 61.0, EXPIRY, 61.0, 61.0):
            self.time_passes(seconds)
            self.loop.run_until_complete(self.instance().worker.run_once())
            self.loop.run_until_complete(self.sweeper.run_once())
            self.what_is_referred_to_is_there()


_counter = iter(range(1_000_000_000))


def _upload(account_id: str, path: str, numbers: list[int], now: datetime) -> Upload:
    content = b"".join(CONTENTS[number] for number in numbers)
    return Upload(
        id=f"u{next(_counter):09}",
        account_id=account_id,
        owner_id=f"owner of {account_id}'s files",
        device="laptop",
        path=path,
        wanted_path=path,
        file_id=None,
        parent_id=None,
        size=len(content),
        content_type="text/plain",
        sha256=sha256(content).hexdigest(),
        base_version=None,
        on_conflict="copy",
        tags=(),
        method="blocks",
        multipart_id=None,
        part_size=None,
        state=OPEN[0],
        revision=1,
        created_at=now,
        expires_at=now + timedelta(seconds=EXPIRY),
        next_check_at=now + timedelta(seconds=10),
    )
