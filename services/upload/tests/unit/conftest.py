"""The service's use cases over fakes: sessions in a dict, objects in a dict, a clock that is set by hand."""

import itertools
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from fake_blocks import FakeBlocks
from fake_uploads import FakeUploads
from memory_store import FakeStore
from pack_world import PackWorld

from docstore_events.event import Event
from docstore_platform.settings import InfraSettings
from docstore_platform.tokens import Principal
from docstore_upload.blocks.proof import BlockProver
from docstore_upload.blocks.service import BlockService
from docstore_upload.blocks.unclaimed import UnclaimedBlocks
from docstore_upload.blocks.worker import DiscardedBlocksWorker
from docstore_upload.lifecycle.clients import ServiceClients
from docstore_upload.lifecycle.final_check import FinalCheck
from docstore_upload.sessions.complete import Completer
from docstore_upload.sessions.final_check import CheckedUploads
from docstore_upload.sessions.initiate import Initiator
from docstore_upload.sessions.instructions import RedirectTokens, UploadInstructions
from docstore_upload.sessions.service import UploadService
from docstore_upload.sessions.termination import Termination
from docstore_upload.sessions.verify import Verifier
from docstore_upload.sessions.worker import SessionWorker
from docstore_upload.settings import UploadSettings


class FakeTransactor:
    """Keeps what was said; undoes what was written by work that fails."""

    def __init__(self, *written: Any) -> None:
        self.events: list[Event] = []
        self._written = written
        self._ids = itertools.count(1)

    async def run(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        said: list[Event] = []

        def publish(event: Event) -> str:
            said.append(event)
            return f"event-{next(self._ids)}"

        before = [{name: copy(value) for name, value in vars(fake).items()} for fake in self._written]
        try:
            result = await work(SimpleNamespace(session="transaction", publish=publish))
        except BaseException:
            for fake, values in zip(self._written, before, strict=True):
                vars(fake).update(values)
            raise
        self.events += said
        return result


class World:
    """Everything wired as in the app."""

    def __init__(self, services: SimpleNamespace, **settings: float) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)
        self.services = services
        infra = InfraSettings()
        self.settings = UploadSettings(infra=infra, **settings)  # type: ignore[arg-type]
        leases = self.clock, self.settings.lease_seconds
        self.uploads, self.stored_blocks, self.store = FakeUploads(*leases), FakeBlocks(*leases), FakeStore(self.clock)
        self.deletions_held = False
        self.transactor = FakeTransactor(self.uploads, self.stored_blocks)
        store: Any = self.store
        transactor: Any = self.transactor
        clients = ServiceClients(services.metadata, services.quota, vars(services))
        self.tokens = RedirectTokens(["secret"])
        self.instructions = UploadInstructions(store, self.settings, self.tokens, self.clock)
        self.verifier = Verifier(store, self.uploads, self.settings)
        prover = BlockProver(self.stored_blocks, store, self.settings, self.clock)
        self.prover = prover
        self.unclaimed = UnclaimedBlocks(self.stored_blocks, self.uploads, clients, self.settings, self.clock)
        self.blocks = BlockService(
            self.stored_blocks,
            prover,
            self.unclaimed,
            store,
            self.is_held,
            self.settings,
            self.clock,
        )
        self.sweeper = DiscardedBlocksWorker(self.stored_blocks, store, self.is_held, self.settings, self.clock)
        self.termination = Termination(self.uploads, transactor, self.blocks, store, self.clock)
        self.completer = Completer(
            self.uploads, transactor, clients, self.verifier, self.blocks, self.termination, self.settings, self.clock
        )
        initiator = Initiator(self.uploads, transactor, clients, self.instructions, self.settings, self.clock)
        self.republished: list[str] = []
        checked = CheckedUploads(self.uploads, self.settings, self.clock)
        final_check = FinalCheck(checked, transactor, clients, self.republish, self.settings, self.clock)
        self.workflow = SessionWorker(
            self.uploads, self.completer, self.verifier, self.termination, final_check, self.settings, self.clock
        )
        self.service = UploadService(
            self.uploads, initiator, self.completer, self.termination, self.instructions, self.tokens
        )
        self.person = Principal("a1", "s1", "user", "laptop")

    def clock(self) -> datetime:
        return self.now

    async def is_held(self) -> bool:
        return self.deletions_held

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def republish(self, event_ids: Sequence[str]) -> None:
        self.republished += event_ids

    def said(self, upload_id: str) -> list[str]:
        """Types of the events about an upload, whose revisions have no gap."""
        events = [event for event in self.transactor.events if event.key() == upload_id]
        assert [event.revision for event in events] == list(range(1, len(events) + 1))
        return [event.type for event in events]


@pytest.fixture
def make_world(services: SimpleNamespace) -> Callable[..., World]:
    """`make_world(setting=...)`: the use cases with these settings."""
    return lambda **settings: World(services, **settings)


@pytest.fixture
def make_packs(make_world: Callable[..., World]) -> Callable[..., PackWorld]:
    """`make_packs(setting=...)`: the use cases of packs with these settings."""
    return lambda **settings: PackWorld(make_world(**settings))
