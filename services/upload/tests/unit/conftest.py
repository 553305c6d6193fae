"""The service's use cases over fakes: sessions in a dict, objects in a dict, a clock that is set by hand."""

import itertools
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from memory_store import FakeStore
from pack_world import PackWorld

from docstore_contents.block_list import block_key
from docstore_events.event import Event
from docstore_platform.clock import Clock
from docstore_platform.ids import new_id
from docstore_platform.settings import InfraSettings
from docstore_platform.tokens import Principal
from docstore_upload.blocks.ports import Awaited, BlocksGone, Discarded
from docstore_upload.blocks.proof import BlockProver
from docstore_upload.blocks.rules import MAX_FRAME_BYTES, KnownBlock, References, stored_bytes_of
from docstore_upload.blocks.service import BlockService
from docstore_upload.blocks.unclaimed import UnclaimedBlocks
from docstore_upload.blocks.worker import DiscardedBlocksWorker
from docstore_upload.lifecycle.clients import ServiceClients
from docstore_upload.lifecycle.final_check import FinalCheck
from docstore_upload.lifecycle.rules import COMMITTING, OPEN, Refusal, State
from docstore_upload.sessions.complete import Completer
from docstore_upload.sessions.final_check import CheckedUploads
from docstore_upload.sessions.initiate import Initiator
from docstore_upload.sessions.instructions import RedirectTokens, UploadInstructions
from docstore_upload.sessions.ports import Claim, Completion, Recheck
from docstore_upload.sessions.rules import Upload, Verified
from docstore_upload.sessions.service import UploadService
from docstore_upload.sessions.termination import Termination
from docstore_upload.sessions.verify import Verifier
from docstore_upload.sessions.worker import SessionWorker
from docstore_upload.settings import UploadSettings


class FakeUploads:
    """Sessions in memory; each method is one conditional write, as in the database."""

    def __init__(self, clock: Clock, lease_seconds: float) -> None:
        self._clock = clock
        self._lease = timedelta(seconds=lease_seconds)
        self.sessions: dict[str, Upload] = {}
        self.purged: set[str] = set()

    def change(self, upload_id: str, start: Sequence[State], **changes: Any) -> bool:
        current = self.sessions.get(upload_id)
        if current is None or current.state not in start:
            return False
        self.sessions[upload_id] = replace(current, **changes)
        return True

    async def insert(self, uploads: Sequence[Upload], session: Any) -> None:
        self.sessions.update((upload.id, upload) for upload in uploads)

    async def of_account(self, account_id: str, ids: Sequence[str]) -> dict[str, Upload]:
        return {key: upload for key, upload in (await self.by_ids(ids)).items() if upload.account_id == account_id}

    async def by_ids(self, ids: Sequence[str], session: Any = None) -> dict[str, Upload]:
        return {key: self.sessions[key] for key in ids if key in self.sessions}

    async def page(self, account_id: str, before: str | None, limit: int, state: State | None) -> list[Upload]:
        return sorted(self.sessions.values(), key=lambda upload: upload.id, reverse=True)[:limit]

    async def open_in_blocks(self, account_id: str) -> int:
        mine = [upload for upload in self.sessions.values() if upload.account_id == account_id and upload.is_open]
        return sum(upload.size for upload in mine if upload.method == "blocks")

    async def given_up_bytes(self, account_id: str, now: datetime) -> int:
        mine = [upload for upload in self.sessions.values() if upload.account_id == account_id]
        given_up = [upload for upload in mine if upload.state == "aborted" and upload.expires_at > now]
        return sum(upload.size for upload in given_up if upload.is_copied)

    async def mark_uploading(self, upload_id: str) -> None:
        self.change(upload_id, ("initiated",), state="uploading")

    async def note_found(self, upload_id: str, etag: str, verified: Verified) -> None:
        self.change(upload_id, OPEN, found=(etag, verified))

    async def claim(self, claims: Sequence[Claim], retry_at: datetime, session: Any = None) -> bool:
        claimed = 0
        for claim in claims:
            found: dict[str, Any] = {"sha256": claim.verified.sha256, "object_name": claim.verified.object_name}
            found |= {"completed_by": claim.completed_by, "size": claim.verified.size}
            claimed += self.change(
                claim.id, OPEN, state="committing", next_check_at=retry_at, lease_owner=None, **found
            )
        return claimed == len(claims)

    async def complete(
        self, completions: Sequence[Completion], now: datetime, check_at: datetime, session: Any
    ) -> None:
        for done in completions:
            assert self.change(
                done.id,
                COMMITTING,
                state="completed",
                file=done.file,
                file_event_id=done.file_event_id,
                completed_event_id=done.completed_event_id,
                next_check_at=check_at,
                lease_owner=None,
                attempts=0,
                revision=self.sessions[done.id].revision + 1,
            )

    async def end(self, ids: Sequence[str], state: State, refusal: Refusal | None, now: datetime, session: Any) -> None:
        for key in ids:
            revision = self.sessions[key].revision + 1
            changes: dict[str, Any] = {"state": state, "next_check_at": now, "attempts": 0, "revision": revision}
            changes["lease_owner"] = None
            assert self.change(key, (*OPEN, *COMMITTING), refusal=refusal, **changes)

    async def claim_due(self, limit: int) -> list[Upload]:
        now, owner = self._clock(), new_id()
        due = [upload for upload in self.sessions.values() if upload.next_check_at and upload.next_check_at <= now]
        held = {"next_check_at": now + self._lease, "lease_owner": owner}
        claimed = [replace(upload, attempts=upload.attempts + 1, **held) for upload in due[:limit]]
        self.sessions.update((upload.id, upload) for upload in claimed)
        return claimed

    async def recheck(self, rechecks: Sequence[Recheck], purge_at: datetime) -> None:
        for recheck in rechecks:
            current = self.sessions[recheck.upload.id]
            if current.lease_owner != recheck.upload.lease_owner:
                continue
            changed = self.change(
                recheck.upload.id,
                OPEN if recheck.upload.is_open else (recheck.upload.state,),
                attempts=current.attempts if recheck.attempts is None else recheck.attempts,
                next_check_at=recheck.at,
                lease_owner=None,
            )
            if changed and recheck.at is None:
                self.purged.add(recheck.upload.id)

    async def mark_stalled(self, missing: dict[str, tuple[str, ...]], session: Any) -> None:
        for key, services in missing.items():
            revision = self.sessions[key].revision + 1
            self.change(key, ("completed",), missing=services, revision=revision)

    async def settle(self, ids: Sequence[str]) -> None:
        for key in ids:
            self.change(key, ("completed",), settled=True, missing=())

    async def stalled(self, after: str, limit: int) -> list[Upload]:
        return [upload for upload in self.sessions.values() if upload.missing]

    async def count_stalled(self) -> int:
        return len(await self.stalled("", 0))


class FakeBlocks:
    """Blocks in memory: `rows` by account and hash, with the number of lists that refer to each."""

    def __init__(self, clock: Clock, lease_seconds: float) -> None:
        self._clock = clock
        self._lease = timedelta(seconds=lease_seconds)
        self.rows: dict[tuple[str, str], KnownBlock] = {}
        self.refs: dict[tuple[str, str], int] = {}
        self.touched: dict[tuple[str, str], datetime] = {}
        self.lists: dict[str, str] = {}
        self.discarded: dict[str, tuple[datetime, datetime | None]] = {}
        """When each is due, and until when somebody may write there."""
        self.unlooked: dict[tuple[str, str], datetime] = {}
        self.too_much: dict[str, datetime] = {}

    async def touch(self, account_id: str, hashes: Iterable[str], now: datetime) -> dict[str, KnownBlock]:
        known = {name: self.rows[account_id, name] for name in hashes if (account_id, name) in self.rows}
        self.touched.update({(account_id, name): now for name in known})
        return known

    async def add(self, account_id: str, stored_bytes: Mapping[str, int], now: datetime) -> dict[str, KnownBlock]:
        for name, size in stored_bytes.items():
            fresh = KnownBlock(name, block_key(account_id, name, new_id()), "pending", stored_bytes=size)
            self.rows.setdefault((account_id, name), fresh)
        return await self.touch(account_id, stored_bytes, now)

    async def expect(self, account_id: str, stored_bytes: Mapping[str, int]) -> None:
        for name, size in stored_bytes.items():
            row = self.rows.get((account_id, name))
            if row is not None and row.state == "pending":
                self.rows[account_id, name] = replace(row, stored_bytes=max(size, row.stored_bytes or 0))

    async def look_again(self, account_id: str, hashes: Iterable[str], at: datetime | None) -> None:
        for name in hashes:
            if at is None:
                self.unlooked.pop((account_id, name), None)
            else:
                self.unlooked[account_id, name] = at

    async def take_unlooked(self, limit: int) -> list[Awaited]:
        now = self._clock()
        due = [row for row, at in self.unlooked.items() if at <= now and row in self.rows][:limit]
        self.unlooked.update(dict.fromkeys(due, now + self._lease))
        return [Awaited(row[0], self.rows[row], self.touched[row]) for row in due]

    async def mark_stored(self, account_id: str, arrived: Sequence[KnownBlock]) -> None:
        for block in arrived:
            row = self.rows.get((account_id, block.hash))
            if row is not None and (row.key, row.state) == (block.key, "pending"):
                self.rows[account_id, block.hash] = block
                self.unlooked.pop((account_id, block.hash), None)

    async def replace(
        self, account_id: str, wrong: KnownBlock, now: datetime, writable_until: datetime, found_bytes: int = 0
    ) -> None:
        row = account_id, wrong.hash
        current = self.rows.get(row)
        if current is not None and (current.key, current.state) == (wrong.key, "pending"):
            self.rows[row] = replace(wrong, key=block_key(account_id, wrong.hash, new_id()))
            self.touched[row] = now
            self.unlooked.pop(row, None)
            self._discard(wrong.key, now, writable_until)
            if found_bytes > MAX_FRAME_BYTES:
                self.too_much[account_id] = writable_until

    async def has_sent_too_much(self, account_id: str, now: datetime) -> bool:
        return account_id in self.too_much and self.too_much[account_id] > now

    async def unclaimed_bytes(self, account_id: str) -> int:
        return (await self.unclaimed_by_account()).get(account_id, 0)

    async def unclaimed_by_account(self) -> dict[str, int]:
        held: dict[str, int] = {}
        for row, block in self.rows.items():
            if not self.refs.get(row):
                held[row[0]] = held.get(row[0], 0) + stored_bytes_of(block)
        return held

    async def withdraw(self, account_id: str, hashes: Iterable[str], now: datetime, writable_until: datetime) -> int:
        rows = [(account_id, name) for name in hashes]
        unneeded = [row for row in rows if row in self.rows and not self.refs.get(row)]
        for row in unneeded:
            self._discard(self.rows.pop(row).key, now, writable_until)
        return len(unneeded)

    async def longest_untouched(self, account_id: str, before: datetime, limit: int) -> list[KnownBlock]:
        unneeded = [row for row in self.rows if row[0] == account_id and not self.refs.get(row)]
        old = sorted((self.touched[row], row) for row in unneeded if self.touched[row] < before)
        return [self.rows[row] for _, row in old[:limit]]

    def _discard(self, key: str, now: datetime, writable_until: datetime | None = None) -> None:
        late = writable_until is not None and writable_until > now
        self.discarded[key] = now, writable_until if late else None

    async def refer(self, references: References, now: datetime, session: Any) -> None:
        for name, key in references.keys.items():
            row = references.account_id, name
            found = self.rows.get(row)
            if found is None or (found.key, found.state) != (key, "stored"):
                raise BlocksGone
            self.refs[row] = self.refs.get(row, 0) + 1
            self.touched[row] = now
        self.lists[references.list_key] = references.account_id

    async def owner_of(self, list_key: str) -> str | None:
        return self.lists.get(list_key)

    async def release(self, list_key: str, account_id: str, hashes: Iterable[str], now: datetime) -> bool:
        if self.lists.pop(list_key, None) is None:
            return False
        for name in hashes:
            self.refs[account_id, name] -= 1
        self._discard(list_key, now)
        return True

    async def give_up(self, before: datetime, now: datetime, put_life: timedelta, limit: int) -> int:
        unneeded = [row for row in self.rows if not self.refs.get(row) and self.touched[row] < before][:limit]
        for row in unneeded:
            self._discard(self.rows.pop(row).key, now, self.touched[row] + put_life)
        return len(unneeded)

    async def take_discarded(self, limit: int) -> list[Discarded]:
        now = self._clock()
        due = {key: until for key, (at, until) in self.discarded.items() if at <= now}
        taken = dict(list(due.items())[:limit])
        self.discarded.update({key: (now + self._lease, until) for key, until in taken.items()})
        return [Discarded(key, until) for key, until in taken.items()]

    async def delete_again(self, discarded: Sequence[Discarded]) -> None:
        for each in discarded:
            if each.key in self.discarded and each.writable_until is not None:
                self.discarded[each.key] = each.writable_until, each.writable_until

    async def forget_discarded(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.discarded.pop(key, None)


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
def world_class() -> type[World]:
    return World


@pytest.fixture
def make_packs(make_world: Callable[..., World]) -> Callable[..., PackWorld]:
    """`make_packs(setting=...)`: the use cases of packs with these settings."""
    return lambda **settings: PackWorld(make_world(**settings))
