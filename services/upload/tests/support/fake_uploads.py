"""Upload sessions in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from docstore_platform.clock import Clock
from docstore_platform.ids import new_id
from docstore_upload.lifecycle.rules import COMMITTING, OPEN, Refusal, State
from docstore_upload.sessions.ports import Claim, Completion, Recheck
from docstore_upload.sessions.rules import Upload, Verified


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
