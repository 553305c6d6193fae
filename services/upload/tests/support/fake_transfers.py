"""Upload sessions and packs in memory."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from docstore_platform.clock import Clock
from docstore_platform.errors import DomainError
from docstore_platform.ids import new_id
from docstore_platform.mongodb.session import Session
from docstore_upload.lifecycle.ports import Claim, Completion, Fields, NotCommitting, Recheck
from docstore_upload.lifecycle.rules import COMMITTING, OPEN, State, Transfer
from docstore_upload.packs.rules import Pack
from docstore_upload.sessions.rules import Upload, Verified

T = TypeVar("T", bound=Transfer)


class FakeTransfers(Generic[T]):
    """Transfers in a dict; each method is one conditional write, as in the database."""

    def __init__(self, clock: Clock, lease_seconds: float) -> None:
        self._clock = clock
        self._lease = timedelta(seconds=lease_seconds)
        self.stored: dict[str, T] = {}
        self.purged: set[str] = set()

    def change(self, key: str, start: Sequence[State], **changes: Any) -> bool:
        current = self.stored.get(key)
        if current is None or current.state not in start:
            return False
        self.stored[key] = replace(current, **changes)
        return True

    def _plan(self, key: str, start: Sequence[State], at: datetime | None, **changes: Any) -> bool:
        return self.change(key, start, next_check_at=at, lease_owner=None, **changes)

    async def insert(self, transfers: Sequence[T]) -> None:
        self.stored.update((transfer.id, transfer) for transfer in transfers)

    async def of_account(self, account_id: str, ids: Sequence[str]) -> dict[str, T]:
        return {key: each for key, each in (await self.by_ids(ids)).items() if each.account_id == account_id}

    async def recent_or_stored(self, account_id: str, ids: Sequence[str]) -> dict[str, T]:
        return await self.of_account(account_id, ids)

    async def by_ids(self, ids: Sequence[str], session: Session = None) -> dict[str, T]:
        return {key: self.stored[key] for key in ids if key in self.stored}

    async def claim(self, claims: Sequence[Claim], retry_at: datetime, session: Session = None) -> bool:
        claimed = [
            self._plan(claim.id, OPEN, retry_at, state="committing", completed_by=claim.by, **claim.found)
            for claim in claims
        ]
        return all(claimed)

    async def complete(
        self, completions: Sequence[Completion], now: datetime, check_at: datetime, session: Session
    ) -> None:
        for done in completions:
            stored = self.stored[done.id]
            initiated = stored.initiated_event["_id"] if stored.initiated_event else None
            if stored.state != "committing" or initiated != done.initiated_id:
                raise NotCommitting
        for done in completions:
            changes = {"completed_event_id": done.event_id, "completed_at": now, "attempts": 0, **done.fields}
            changes["initiated_event"] = None
            changes["revision"] = self.stored[done.id].revision + 1
            assert self._plan(done.id, COMMITTING, check_at, state="completed", **changes)

    async def amend(self, transfer_id: str, fields: Fields, session: Session) -> None:
        self.change(transfer_id, ("completed",), **fields)

    async def end(
        self, ids: Sequence[str], state: State, refusal: DomainError | None, now: datetime, session: Session
    ) -> None:
        for key in ids:
            changes = {"state": state, "refusal": refusal, "attempts": 0, "revision": self.stored[key].revision + 1}
            assert self._plan(key, (*OPEN, *COMMITTING), now, initiated_event=None, **changes)

    async def drop_initiated_events(self, ids: Sequence[str], session: Session) -> None:
        for key in ids:
            self.stored[key] = replace(self.stored[key], initiated_event=None)

    async def claim_due(self, limit: int) -> list[T]:
        now, owner = self._clock(), new_id()
        due = [each for each in self.stored.values() if each.next_check_at and each.next_check_at <= now]
        held: dict[str, Any] = {"next_check_at": now + self._lease, "lease_owner": owner}
        claimed = [replace(each, attempts=each.attempts + 1, **held) for each in due[:limit]]
        self.stored.update((each.id, each) for each in claimed)
        return claimed

    async def recheck(self, rechecks: Sequence[Recheck[T]]) -> None:
        for recheck in rechecks:
            seen, changes = recheck.transfer, dict(recheck.changes)
            if not self.is_as_seen(seen):
                continue
            if changes.pop("purge_at", None):
                self.purged.add(seen.id)
            emptied = {"missing": (), "file_event_ids": ()}
            changes = {name: emptied.get(name) if value is None else value for name, value in changes.items()}
            self._plan(seen.id, (self.stored[seen.id].state,), recheck.at, **changes)

    def is_as_seen(self, seen: T) -> bool:
        current = self.stored[seen.id]
        same_state = current.is_open if seen.is_open else current.state == seen.state
        return same_state and current.lease_owner == seen.lease_owner

    async def mark_stalled(self, missing: Mapping[str, Sequence[str]], session: Session) -> None:
        for key, services in missing.items():
            self.change(key, ("completed",), missing=tuple(services), revision=self.stored[key].revision + 1)

    async def count_stalled(self) -> int:
        return sum(bool(each.missing) for each in self.stored.values())


class FakeUploads(FakeTransfers[Upload]):
    """Upload sessions."""

    def __init__(self, clock: Clock, lease_seconds: float) -> None:
        super().__init__(clock, lease_seconds)
        self.signed: Counter[str] = Counter()

    async def page(self, account_id: str, before: str | None, limit: int, state: State | None) -> list[Upload]:
        return sorted(self.stored.values(), key=lambda upload: upload.id, reverse=True)[:limit]

    async def open_in_blocks(self, account_id: str) -> int:
        mine = [upload for upload in self.stored.values() if upload.account_id == account_id and upload.is_open]
        return sum(upload.size for upload in mine if upload.method == "blocks")

    async def given_up_bytes(self, account_id: str, now: datetime) -> int:
        mine = [upload for upload in self.stored.values() if upload.account_id == account_id]
        given_up = [upload for upload in mine if upload.state == "aborted" and upload.expires_at > now]
        return sum(upload.size for upload in given_up if upload.is_copied)

    async def mark_uploading(self, upload_id: str) -> None:
        self.change(upload_id, ("initiated",), state="uploading")

    async def declare(self, upload_id: str, sha256: str | None, modified_at: datetime | None) -> bool:
        declared = self.stored[upload_id].sha256
        if sha256 is not None and declared not in (None, sha256):
            return False
        said = {"sha256": sha256, "client_modified_at": modified_at}
        self.change(upload_id, OPEN, **{name: value for name, value in said.items() if value is not None})
        return True

    async def count_signed(self, upload_id: str, size: int, most: int) -> bool:
        if self.signed[upload_id] + size > most:
            return False
        self.signed[upload_id] += size
        return True

    async def note_found(self, upload_id: str, etag: str, verified: Verified) -> None:
        self.change(upload_id, OPEN, found=(etag, verified))

    async def stalled(self, after: str, limit: int) -> list[Upload]:
        return [upload for upload in self.stored.values() if upload.missing]


class FakePacks(FakeTransfers[Pack]):
    """Packs."""

    async def keys_of(self, pack_ids: Sequence[str]) -> list[str]:
        return [pack.object_key for pack in (await self.by_ids(pack_ids)).values()]

    async def release(self, numbers: Mapping[tuple[str, str], Iterable[int]], now: datetime) -> None:
        for (account_id, pack_id), dropped in numbers.items():
            pack = (await self.of_account(account_id, [pack_id])).get(pack_id)
            if pack is None or set(pack.live).isdisjoint(dropped):
                continue
            live = tuple(number for number in pack.live if number not in set(dropped))
            looks = pack.settled and pack.lease_owner is None
            next_check_at = now if looks else pack.next_check_at
            self.stored[pack_id] = replace(pack, live=live, releases=pack.releases + 1, next_check_at=next_check_at)

    async def recheck(self, rechecks: Sequence[Recheck[Pack]]) -> None:
        await super().recheck(rechecks)
        for seen in (recheck.transfer for recheck in rechecks):
            if self.stored[seen.id].releases > seen.releases:
                self._plan(seen.id, (seen.state,), seen.created_at)

    def is_as_seen(self, seen: Pack) -> bool:
        return super().is_as_seen(seen) and self.stored[seen.id].releases == seen.releases
