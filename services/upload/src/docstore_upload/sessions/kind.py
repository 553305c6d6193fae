"""Uploads of one file as a kind of transfer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256

import structlog

from docstore_contents.s3.store import ObjectStore, ObjectStoreError, Part
from docstore_contracts.metadata import CommitItem, CommitResult, Committed
from docstore_events.catalogue.event import Event
from docstore_events.catalogue.uploads import (
    UploadAborted,
    UploadCompleted,
    UploadExpired,
    UploadInitiated,
    UploadStalled,
)
from docstore_platform.clock import Clock
from docstore_platform.errors import DomainError
from docstore_upload.blocks.rules import Piece
from docstore_upload.blocks.service import BlockService
from docstore_upload.lifecycle.clients import Json
from docstore_upload.lifecycle.ports import Claim, Commit, Kind, Recheck
from docstore_upload.lifecycle.rules import Actor, Incomplete, State
from docstore_upload.lifecycle.tombstones import put_tombstones
from docstore_upload.lifecycle.use_cases.complete import commit_refusal
from docstore_upload.sessions.instructions import object_metadata
from docstore_upload.sessions.ports import Uploads
from docstore_upload.sessions.rules import Upload, Verified
from docstore_upload.sessions.verify import Verifier
from docstore_upload.settings import UploadSettings


@dataclass(frozen=True, slots=True)
class ClientManifest:
    """What a client declares to have sent: the parts of a multipart upload, or the blocks of its file."""

    parts: Sequence[Part] | None = None
    blocks: Sequence[Piece] | None = None


log = structlog.get_logger(__name__)
EMPTY_MANIFEST = ClientManifest()


class SingleUploads(Kind[Upload]):
    """Uploads of one file, by whichever method its bytes are sent."""

    noun = "upload"
    batch = 500
    at_once = 500
    completed_event = UploadCompleted

    def __init__(
        self,
        uploads: Uploads,
        verifier: Verifier,
        blocks: BlockService,
        store: ObjectStore,
        settings: UploadSettings,
        clock: Clock,
    ) -> None:
        self._uploads = uploads
        self._verifier = verifier
        self._blocks = blocks
        self._store = store
        self._settings = settings
        self._clock = clock

    async def put(self, transfer: Upload, content: bytes) -> None:
        described = object_metadata(transfer)
        await self._store.put(transfer.object_key, content, content_type=transfer.content_type, metadata=described)

    async def verify(self, transfer: Upload, manifest: object, by: Actor) -> Claim:
        if isinstance(manifest, bytes):
            known = Verified(len(manifest), sha256(manifest).hexdigest(), transfer.object_name)
            return Claim(transfer.id, by, {} if transfer.declares(known) else known.facts)
        declared = manifest if isinstance(manifest, ClientManifest) else EMPTY_MANIFEST
        if transfer.method == "blocks":
            return await self._verify_blocks(transfer, declared.blocks, by)
        try:
            found = await self._verifier.verify(transfer, declared.parts)
        except Incomplete:
            if by == "workflow" and self._clock() < transfer.expires_at:
                await self._verifier.refuse_oversent(transfer)
            raise
        return Claim(transfer.id, by, {} if transfer.declares(found) else found.facts)

    async def _verify_blocks(self, upload: Upload, pieces: Sequence[Piece] | None, by: Actor) -> Claim:
        """Verify a file in blocks: its version names the block list, whose references are taken with the claim."""
        references = await self._blocks.assemble(upload, pieces)
        verified = Verified(upload.size, upload.sha256 or "", references.list_key.removeprefix(upload.prefix))
        return Claim(upload.id, by, verified.facts, partial(self._blocks.refer_with, references))

    def commit_items(self, transfer: Upload, uploaded_at: datetime) -> list[CommitItem]:
        return [
            {
                "upload_id": transfer.id,
                "account_id": transfer.account_id,
                "folder_id": transfer.folder_id,
                "device": transfer.device,
                "link_id": transfer.link_id,
                "path": transfer.wanted_path,
                "parent_id": transfer.parent_id,
                "create_folders": transfer.create_folders,
                "file_id": transfer.file_id,
                "size": transfer.size,
                "content_type": transfer.content_type,
                "sha256": transfer.sha256 or "",
                "object_key": transfer.object_key,
                "base_version": transfer.base_version,
                "on_conflict": transfer.on_conflict,
                "lock_tokens": list(transfer.lock_tokens),
                "tags": list(transfer.tags),
                "metadata": None if transfer.metadata is None else dict(transfer.metadata),
                "client_modified_at": transfer.client_modified_at,
                "uploaded_at": uploaded_at,
            }
        ]

    def commit(self, transfer: Upload, results: Sequence[CommitResult]) -> Commit[Upload] | DomainError:
        [result] = results
        if "problem" in result:
            return commit_refusal(result)
        stored = {"file": result["file"], "file_event_id": result["event_id"]}
        return Commit(stored, partial(_completed, result=result))

    def initiated(self, transfer: Upload) -> Event:
        return UploadInitiated(**_about(transfer), expires_at=transfer.expires_at)

    def ended(self, transfer: Upload, state: State, refusal: DomainError | None) -> Event:
        if state == "expired":
            return UploadExpired(**_about(transfer))
        return UploadAborted(**_about(transfer), reason=refusal.code if refusal else "given_up")

    def stalled(self, transfer: Upload, missing: tuple[str, ...]) -> Event:
        assert transfer.file is not None
        fields = _about(transfer) | {"path": transfer.file["path"]}
        return UploadStalled(**fields, file_id=transfer.file["id"], missing=missing)

    def settled(self, transfer: Upload) -> Recheck[Upload]:
        """Schedule a sweep: the client may have sent more than the committed object."""
        planned = self._next_sweep(transfer, is_swept=False)
        changes = {**planned.changes, "settled": True, "missing": None, "attempts": 0}
        return Recheck(transfer, planned.at, changes)

    async def clean(self, transfers: Sequence[Upload]) -> None:
        await self._each(transfers, self._clean)

    async def sweep(self, transfers: Sequence[Upload]) -> None:
        """Delete everything but the committed object, repeatedly while bytes may still arrive."""
        swept = await self._each(transfers, self._sweep)
        await self._uploads.recheck([self._next_sweep(upload, is_swept=True) for upload in swept])

    def _next_sweep(self, upload: Upload, *, is_swept: bool) -> Recheck[Upload]:
        settings, now = self._settings, self._clock()
        first, longest = settings.check_first_delay_seconds, settings.check_longest_delay_seconds
        at = upload.next_sweep_at(now, settings.sweep_delay_seconds, first=first, longest=longest, is_swept=is_swept)
        return Recheck(upload, at, {} if at else {"purge_at": now + timedelta(days=settings.kept_days)})

    async def _each(self, uploads: Sequence[Upload], delete: Callable[[Upload], Awaitable[None]]) -> list[Upload]:
        """Return those for which the store succeeded. Idempotent."""
        outcomes = await asyncio.gather(*(delete(upload) for upload in uploads), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, ObjectStoreError):
                log.warning("upload_cleanup_failed", error=str(outcome))
            elif isinstance(outcome, BaseException):
                raise outcome
        return [upload for upload, outcome in zip(uploads, outcomes, strict=True) if outcome is None]

    async def _clean(self, upload: Upload) -> None:
        if upload.state != "completed":
            await self._delete(upload)
        elif upload.is_copied:
            await self._store.delete(upload.sent_key)

    async def _sweep(self, upload: Upload) -> None:
        """List and delete below its prefix: background only."""
        completed = upload.state == "completed"
        if not completed:
            await self._delete(upload)
        if upload.may_have_strays:
            await self._store.clear(upload.prefix, frozenset({upload.object_key} if completed else ()))

    async def _delete(self, upload: Upload) -> None:
        """Delete its object; a tombstone takes its place while a URL for a first write works."""
        if upload.multipart_id is not None:
            await self._store.abort_multipart(upload.object_key, upload.multipart_id)
        if upload.method == "blocks":  # refused after its claim
            await self._blocks.release([upload.object_key])
        if upload.is_sent_by_put and self._clock() < upload.usable_until:
            await put_tombstones(self._store, [upload.object_key])
            return
        for key in {upload.sent_key, upload.object_key}:
            await self._store.delete(key)


def _about(upload: Upload) -> Json:
    """Common fields of the upload's next event."""
    return {
        "revision": upload.revision + 1,
        "upload_id": upload.id,
        "account_id": upload.owner_id,
        "path": upload.path,
        "size": upload.size,
        "method": upload.method,
    }


def _completed(upload: Upload, result: Committed) -> UploadCompleted:
    file = result["file"]
    return UploadCompleted(
        **_about(upload) | {"path": file["path"]},
        file_id=file["id"],
        version=result["version"],
        sha256=upload.sha256 or file["sha256"],
        conflicted=result["conflicted"],
        completed_by=upload.completed_by or "client",
        uploaded_by=upload.account_id,
        notify_uploader=upload.notify,
    )
