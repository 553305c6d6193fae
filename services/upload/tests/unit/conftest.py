"""The service's use cases over fakes: sessions in a dict, objects in a dict, a clock that is set by hand."""

import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest

from docstore_events.event import Event
from docstore_platform.presigned import Presigner, S3Config
from docstore_platform.s3 import ObjectInfo, ObjectNotFound, ObjectStoreUnavailable, Part, UploadNotFound
from docstore_platform.settings import InfraSettings
from docstore_platform.tokens import Principal
from docstore_upload.complete import Completer
from docstore_upload.domain import COMMITTING, OPEN, Refusal, State, Upload, Verified
from docstore_upload.ending import Ending
from docstore_upload.final_check import FinalCheck
from docstore_upload.initiate import Initiator
from docstore_upload.means import Means, RedirectTokens
from docstore_upload.peers import Peers
from docstore_upload.service import UploadService
from docstore_upload.settings import UploadSettings
from docstore_upload.storage import Claim, Completion, Recheck
from docstore_upload.verify import Verifier
from docstore_upload.workflow import Workflow


class FakeUploads:
    """Sessions in memory; each method is one conditional write, as in the database."""

    def __init__(self) -> None:
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

    async def mark_uploading(self, upload_id: str) -> None:
        self.change(upload_id, ("initiated",), state="uploading")

    async def note_found(self, upload_id: str, etag: str, verified: Verified) -> None:
        self.change(upload_id, OPEN, found=(etag, verified))

    async def claim(self, claims: Sequence[Claim], retry_at: datetime) -> bool:
        claimed = 0
        for claim in claims:
            found = {"sha256": claim.verified.sha256, "object_name": claim.verified.object_name}
            found["completed_by"] = claim.completed_by
            claimed += self.change(claim.id, OPEN, state="committing", next_check_at=retry_at, **found)
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
                attempts=0,
                revision=self.sessions[done.id].revision + 1,
            )

    async def end(self, ids: Sequence[str], state: State, refusal: Refusal | None, now: datetime, session: Any) -> None:
        for key in ids:
            revision = self.sessions[key].revision + 1
            changes: dict[str, Any] = {"state": state, "next_check_at": now, "attempts": 0, "revision": revision}
            assert self.change(key, (*OPEN, *COMMITTING), refusal=refusal, **changes)

    async def claim_due(self, now: datetime, limit: int, lease_until: datetime) -> list[Upload]:
        due = [upload for upload in self.sessions.values() if upload.next_check_at and upload.next_check_at <= now]
        for upload in due[:limit]:
            self.sessions[upload.id] = replace(upload, next_check_at=lease_until)
        return due[:limit]

    async def recheck(self, rechecks: Sequence[Recheck], purge_at: datetime) -> None:
        for recheck in rechecks:
            changed = self.change(
                recheck.upload.id,
                OPEN if recheck.upload.is_open else (recheck.upload.state,),
                attempts=recheck.attempts,
                next_check_at=recheck.at,
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


class FakeStore(Presigner):
    """Objects and multipart uploads in memory; `down` refuses every call."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__(S3Config("http://s3", "", "r", "id", "secret", "bucket"), clock)
        self.objects: dict[str, bytes] = {}
        self.multiparts: dict[str, dict[int, bytes]] = {}
        self.reads = 0
        self.down = False
        self._numbers = itertools.count(1)

    def _up(self) -> None:
        if self.down:
            raise ObjectStoreUnavailable("503", "down")

    async def head(self, key: str) -> ObjectInfo | None:
        self._up()
        content = self.objects.get(key)
        if content is None:
            return None
        return ObjectInfo(key, len(content), sha256(content).hexdigest()[:32], None, "text/plain", {})

    async def get(self, key: str) -> bytes:
        self._up()
        self.reads += 1
        if key not in self.objects:
            raise ObjectNotFound("NoSuchKey", key)
        return self.objects[key]

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        self._up()
        self.objects[key] = data

    async def copy(self, key: str, to: str) -> None:
        self.objects[to] = await self.get(key)

    async def clear(self, prefix: str, keep: frozenset[str]) -> None:
        self._up()
        for key in [key for key in self.objects if key.startswith(prefix) and key not in keep]:
            del self.objects[key]

    async def sha256_of(self, key: str) -> tuple[int, str]:
        content = await self.get(key)
        return len(content), sha256(content).hexdigest()

    async def delete(self, key: str) -> None:
        self._up()
        self.objects.pop(key, None)

    async def create_multipart(self, key: str, *, content_type: str) -> str:
        self._up()
        multipart_id = f"m{next(self._numbers)}"
        self.multiparts[multipart_id] = {}
        return multipart_id

    async def list_parts(self, key: str, multipart_id: str) -> list[Part]:
        self._up()
        if multipart_id not in self.multiparts:
            raise UploadNotFound("NoSuchUpload", "gone")
        return [Part(number, f"e{number}", len(content)) for number, content in self.multiparts[multipart_id].items()]

    async def complete_multipart(self, key: str, multipart_id: str, parts: Sequence[Part]) -> ObjectInfo | None:
        pieces = self.multiparts.pop(multipart_id)
        self.objects[key] = b"".join(pieces[part.number] for part in parts)
        return await self.head(key)

    async def abort_multipart(self, key: str, multipart_id: str) -> None:
        self._up()
        self.multiparts.pop(multipart_id, None)


class FakeTransactor:
    """Keeps what was said; `run` is atomic since the fakes never fail in the middle."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._ids = itertools.count(1)

    async def run(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        said: list[Event] = []

        def publish(event: Event) -> str:
            said.append(event)
            return f"event-{next(self._ids)}"

        result = await work(SimpleNamespace(session=None, publish=publish))
        self.events += said
        return result


class World:
    """Everything wired as in the app."""

    def __init__(self, peers: SimpleNamespace, **settings: float) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)
        self.peers = peers
        infra = InfraSettings(internal_secret="secret")  # type: ignore[arg-type]
        self.settings = UploadSettings(infra=infra, **settings)  # type: ignore[arg-type]
        self.uploads, self.transactor, self.store = FakeUploads(), FakeTransactor(), FakeStore(self.clock)
        store: Any = self.store
        transactor: Any = self.transactor
        asked = Peers(peers.metadata, peers.quota, peers.indexer, peers.notify)
        self.tokens = RedirectTokens("secret")
        self.means = Means(store, self.settings, self.tokens, self.clock)
        self.verifier = Verifier(store, self.uploads, self.settings)
        self.ending = Ending(self.uploads, transactor, store, self.clock)
        self.completer = Completer(
            self.uploads, transactor, asked, self.verifier, self.ending, self.settings, self.clock
        )
        initiator = Initiator(self.uploads, transactor, asked, self.means, self.settings, self.clock)
        self.republished: list[str] = []
        final_check = FinalCheck(self.uploads, transactor, asked, self.republish, self.settings, self.clock)
        self.workflow = Workflow(self.uploads, self.completer, self.ending, final_check, self.settings, self.clock)
        self.service = UploadService(self.uploads, initiator, self.completer, self.ending, self.means, self.tokens)
        self.person = Principal("a1", "s1", "user", "laptop")

    def clock(self) -> datetime:
        return self.now

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
def make_world(peers: SimpleNamespace) -> Callable[..., World]:
    """`make_world(setting=...)`: the use cases with these settings."""
    return lambda **settings: World(peers, **settings)


@pytest.fixture
def world_class() -> type[World]:
    return World
