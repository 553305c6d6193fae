"""The use cases of upload, wired as in the app, on fakes."""

import itertools
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Protocol

from fake_blocks import FakeBlocks
from fake_services import FakeServices
from fake_transfers import FakePacks, FakeUploads
from memory_store import FakeStore

from docstore_events.catalogue.event import Event
from docstore_platform.security.tokens import Principal
from docstore_platform.settings import InfraSettings
from docstore_upload.blocks.proof import BlockProver
from docstore_upload.blocks.service import BlockService
from docstore_upload.blocks.unclaimed import UnclaimedBlocks
from docstore_upload.blocks.worker import DiscardedBlocksWorker
from docstore_upload.lifecycle.clients import ServiceClients
from docstore_upload.lifecycle.lifecycle import Lifecycle
from docstore_upload.packs.kind import PackKind
from docstore_upload.packs.service import PackService
from docstore_upload.sessions.instructions import RedirectTokens, UploadInstructions
from docstore_upload.sessions.kind import SingleUploads
from docstore_upload.sessions.schemas import BatchCompleteItem, InitiateRequest
from docstore_upload.sessions.service import UploadService
from docstore_upload.sessions.verify import Verifier
from docstore_upload.settings import UploadSettings
from docstore_upload.unreferenced.service import UnreferencedContents


class FakeTransactor:
    """Keeps what was published; undoes what was written by work that fails."""

    def __init__(self, *written: Any) -> None:
        self.events: list[Event] = []
        self.down = False
        self._written = written
        self._ids = itertools.count(1)

    def prepare(self, event: Event) -> dict[str, Any]:
        return {"_id": f"event-{next(self._ids)}", "event": event}

    async def run(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        if self.down:
            raise RuntimeError("the database is down")
        published: list[Event] = []

        def publish(event: Event) -> str:
            published.append(event)
            return f"event-{next(self._ids)}"

        before = [{name: copy(value) for name, value in vars(fake).items()} for fake in self._written]
        try:
            prepared = lambda row: published.append(row["event"])  # noqa: E731
            result = await work(SimpleNamespace(session="transaction", publish=publish, publish_prepared=prepared))
        except BaseException:
            for fake, values in zip(self._written, before, strict=True):
                vars(fake).update(values)
            raise
        self.events += published
        return result


class NothingUnused:
    """Every content is in use, so there is nothing to forget."""

    async def forget(self, keys: Sequence[str]) -> None: ...


class World:
    """Uploads, blocks and packs, wired as in the app."""

    def __init__(self, services: FakeServices, **settings: float) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)
        self.services = services
        self.settings = UploadSettings(infra=InfraSettings(), **settings)  # type: ignore[arg-type]
        leases = self.clock, self.settings.lease_seconds
        self.uploads, self.packs, self.stored_blocks = FakeUploads(*leases), FakePacks(*leases), FakeBlocks(*leases)
        self.store = FakeStore(self.clock)
        self.deletions_held = False
        self.transactor = FakeTransactor(self.uploads, self.packs, self.stored_blocks)
        self.republished: list[str] = []
        self.person = Principal("a1", "s1", "user", "laptop")
        store: Any = self.store
        transactor: Any = self.transactor
        ends = self.settings, self.clock
        clients = ServiceClients(services.metadata, services.quota, vars(services))
        shared = transactor, clients, self.republish, *ends

        self.prover = BlockProver(self.stored_blocks, store, *ends)
        self.unclaimed = UnclaimedBlocks(self.stored_blocks, self.uploads, clients, *ends)
        self.blocks = BlockService(
            self.stored_blocks, transactor, self.prover, self.unclaimed, store, self.is_held, *ends
        )
        self.sweeper = DiscardedBlocksWorker(self.stored_blocks, store, self.is_held, *ends)

        self.verifier = Verifier(store, self.uploads, self.settings)
        kind = SingleUploads(self.uploads, self.verifier, self.blocks, store, *ends)
        single = Lifecycle(kind, self.uploads, *shared)
        tokens = RedirectTokens(["secret"])
        instructions = UploadInstructions(store, self.settings, tokens, self.clock)
        self.service = UploadService(self.uploads, single, instructions, tokens, *ends)
        self.completer, self.worker = single.completer, single.worker

        pack_kind = PackKind(self.packs, store, self.is_held, *ends)
        packed = Lifecycle(pack_kind, self.packs, *shared)
        self.pack_service = PackService(self.packs, packed, store, *ends)
        self.pack_completer, self.pack_worker = packed.completer, packed.worker
        unused: Any = NothingUnused()
        self.unreferenced = UnreferencedContents(
            self.blocks, self.stored_blocks, self.packs, self.uploads, unused, *ends
        )

    def clock(self) -> datetime:
        return self.now

    async def is_held(self) -> bool:
        return self.deletions_held

    async def drain(self) -> None:
        """Wait for what was answered but is not finished yet."""
        for completer in (self.completer, self.pack_completer):
            await completer.finisher.drain()

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def republish(self, event_ids: Sequence[str]) -> None:
        self.republished += event_ids

    def published(self, upload_id: str) -> list[str]:
        """Types of the events about a transfer, whose revisions have no gap."""
        events = [event for event in self.transactor.events if event.key() == upload_id]
        assert [event.revision for event in events] == list(range(1, len(events) + 1))
        return [event.type for event in events]


class MakeWorld(Protocol):
    def __call__(self, **settings: float) -> World: ...


async def initiate(world: World, size: int = 5, method: str = "put", path: str = "/a.txt") -> Any:
    """Begin an upload by the use case of the API."""
    request = InitiateRequest(path=path, size=size, method=method)
    return (await world.service.initiate(world.person, [request]))[0]


async def complete(world: World, upload_id: str) -> Any:
    """Complete one by the use case of the API, and have it finished."""
    outcome = (await world.service.complete(world.person, [BatchCompleteItem(id=upload_id)]))[0]
    await world.drain()
    return outcome
