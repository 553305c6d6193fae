"""The use cases of packs wired over fakes, as unit tests of packs need them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson

from docstore_contents.packs import MAX_INDEX_BYTES, index_bytes, read_index
from docstore_platform.clock import Clock
from docstore_platform.ids import new_id
from docstore_upload.lifecycle.clients import ServiceClients
from docstore_upload.lifecycle.final_check import FinalCheck
from docstore_upload.lifecycle.rules import OPEN, Refusal, State
from docstore_upload.packs.complete import PackCompleter
from docstore_upload.packs.final_check import CheckedPacks
from docstore_upload.packs.initiate import PackInitiator
from docstore_upload.packs.ports import PackCompletion
from docstore_upload.packs.rules import Pack
from docstore_upload.packs.service import PackService
from docstore_upload.packs.validation import read_file
from docstore_upload.packs.worker import PackWorker
from docstore_upload.unreferenced.service import SliceRelease

FILES = {"/a/1.txt": b"one", "/a/2.txt": b"", "/a/b/3.txt": b"three"}


class FakePacks:
    """Packs in memory; each method is one conditional write, as in the database."""

    def __init__(self, clock: Clock, lease_seconds: float) -> None:
        self._clock = clock
        self._lease = timedelta(seconds=lease_seconds)
        self.packs: dict[str, Pack] = {}
        self.purged: set[str] = set()

    def change(self, pack_id: str, start: Sequence[State], **changes: Any) -> Pack | None:
        current = self.packs.get(pack_id)
        if current is None or current.state not in start:
            return None
        self.packs[pack_id] = replace(current, **changes)
        return self.packs[pack_id]

    async def insert(self, pack: Pack, session: Any) -> None:
        self.packs[pack.id] = pack

    async def get(self, pack_id: str, account_id: str | None = None, session: Any = None) -> Pack | None:
        pack = self.packs.get(pack_id)
        return pack if pack is None or account_id in (None, pack.account_id) else None

    async def claim(self, pack_id: str, wrong: Any, live: Any, by: Any, retry_at: datetime) -> Pack | None:
        claimed = {"wrong": tuple(wrong), "live": tuple(live), "completed_by": by, "next_check_at": retry_at}
        claimed["lease_owner"] = None
        return self.change(pack_id, OPEN, state="committing", **claimed)

    async def complete(
        self, pack_id: str, done: PackCompletion, now: datetime, check_at: datetime, session: Any
    ) -> None:
        assert self.change(
            pack_id,
            ("committing",),
            state="completed",
            answers=done.answers,
            refused=tuple(done.refused),
            file_event_ids=tuple(done.file_event_ids),
            completed_event_id=done.completed_event_id,
            completed_at=now,
            next_check_at=check_at,
            lease_owner=None,
            attempts=0,
            revision=self.packs[pack_id].revision + 1,
        )

    async def amend(self, pack_id: str, answers: bytes, refused: Any, more_event_ids: Any, session: Any) -> None:
        events = (*self.packs[pack_id].file_event_ids, *more_event_ids)
        self.change(pack_id, ("completed",), answers=answers, refused=tuple(refused), file_event_ids=events)

    async def end(self, pack_id: str, state: State, refusal: Refusal | None, now: datetime, session: Any) -> None:
        revision = self.packs[pack_id].revision + 1
        changes: dict[str, Any] = {"state": state, "next_check_at": now, "attempts": 0, "revision": revision}
        changes["lease_owner"] = None
        assert self.change(pack_id, OPEN, refusal=refusal, **changes)

    async def release(self, numbers: Mapping[tuple[str, str], Any], now: datetime) -> None:
        for (account_id, pack_id), dropped in numbers.items():
            pack = await self.get(pack_id, account_id)
            if pack is None or set(pack.live).isdisjoint(dropped):
                continue
            live = tuple(number for number in pack.live if number not in dropped)
            looks = pack.settled and pack.lease_owner is None
            next_check_at = now if looks else pack.next_check_at
            self.packs[pack_id] = replace(pack, live=live, releases=pack.releases + 1, next_check_at=next_check_at)

    async def claim_due(self, limit: int) -> list[Pack]:
        now, owner = self._clock(), new_id()
        due = [pack for pack in self.packs.values() if pack.next_check_at and pack.next_check_at <= now][:limit]
        for pack in due:
            held = {"next_check_at": now + self._lease, "lease_owner": owner}
            self.packs[pack.id] = replace(pack, attempts=pack.attempts + 1, **held)
        return [self.packs[pack.id] for pack in due]

    def _as_seen(self, pack: Pack) -> bool:
        current = self.packs[pack.id]
        same_state = current.is_open if pack.is_open else current.state == pack.state
        return same_state and current.releases == pack.releases and current.lease_owner == pack.lease_owner

    async def plan(self, pack: Pack, at: datetime | None, **changes: Any) -> None:
        if self._as_seen(pack):
            if changes.pop("purge_at", None):
                self.purged.add(pack.id)
            self.packs[pack.id] = replace(self.packs[pack.id], next_check_at=at, lease_owner=None, **changes)
        elif self.packs[pack.id].state == pack.state and self.packs[pack.id].releases > pack.releases:
            self.change(pack.id, (pack.state,), next_check_at=pack.created_at, lease_owner=None)

    async def settle(self, pack: Pack, now: datetime) -> None:
        current = self.packs[pack.id]
        live = tuple(number for number in current.live if number not in current.refused)
        changes: dict[str, Any] = {"settled": True, "next_check_at": now, "attempts": 0, "missing": ()}
        changes["lease_owner"] = None
        self.change(pack.id, ("completed",), live=live, file_event_ids=(), **changes)

    async def forget(self, pack: Pack) -> None:
        if self._as_seen(pack):
            self.change(pack.id, ("completed",), declared=None, answers=None, next_check_at=None, lease_owner=None)

    async def mark_stalled(self, pack_id: str, missing: Sequence[str], session: Any) -> None:
        self.change(pack_id, ("completed",), missing=tuple(missing), revision=self.packs[pack_id].revision + 1)

    async def count_stalled(self) -> int:
        return sum(bool(pack.missing) for pack in self.packs.values())


class PackWorld:
    """The use cases of packs beside those of uploads, wired as in the app."""

    def __init__(self, world: Any) -> None:
        self.world, self.store, self.services = world, world.store, world.services
        self.packs = FakePacks(world.clock, world.settings.lease_seconds)
        clients = ServiceClients(self.services.metadata, self.services.quota, vars(self.services))
        shared = (self.packs, world.transactor, clients, world.store, world.settings, world.clock)
        self.completer = PackCompleter(*shared)
        self.service = PackService(self.packs, PackInitiator(*shared), self.completer, world.store, world.clock)
        checked = CheckedPacks(self.packs, world.clock)
        checking = world.transactor, clients, world.republish, world.settings, world.clock
        final_check = FinalCheck(checked, *checking)
        self.workflow = PackWorker(
            self.packs, self.completer, final_check, world.store, world.is_held, world.settings, world.clock
        )
        self.releaser = SliceRelease(self.packs, world.clock)

    async def initiate(self, contents: Mapping[str, bytes], **extra: Any) -> Any:
        files = [wish(path, content) | extra for path, content in contents.items()]
        return await self.service.initiate(self.world.person, [read_file(file) for file in files])

    async def send(self, pack: Any, contents: Sequence[bytes]) -> str:
        """Answers the key of the pack."""
        stored = self.packs.packs[pack["id"]]
        accepted = [contents[place["number"]] for place in pack["files"] if "number" in place]
        self.store.objects[stored.object_key] = b"".join(accepted) + index_bytes(stored.slices())
        return stored.object_key

    async def complete(self, pack: Any) -> list[Any]:
        answer: list[Any] = orjson.loads(await self.service.complete(self.world.person, pack["id"]))
        return answer

    async def finished(self, contents: Mapping[str, bytes]) -> Pack:
        """A pack that is sent, completed and settled."""
        pack = await self.initiate(contents)
        await self.send(pack, list(contents.values()))
        await self.complete(pack)
        self.world.pass_time(60)
        await self.workflow.run_once()
        await self.workflow.run_once()
        return self.packs.packs[pack["id"]]

    def said(self, pack_id: str) -> list[str]:
        types: list[str] = self.world.said(pack_id)
        return types


def wish(path: str, content: bytes) -> dict[str, Any]:
    return {"path": path, "size": len(content), "sha256": sha256(content).hexdigest()}


def slice_of(content: bytes, number: int) -> bytes:
    found = read_index(content[-MAX_INDEX_BYTES:], len(content))[number]
    return content[found.offset : found.offset + found.size]
