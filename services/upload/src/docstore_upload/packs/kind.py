"""Packs as a kind of transfer.

A slice that is not as declared fails its own file only.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import orjson
import structlog

from docstore_contents.deletion_hold import IsHeld
from docstore_contents.packs import MAX_INDEX_BYTES, MAX_PACK_BYTES
from docstore_contents.s3.store import ObjectArchived, ObjectNotFound, ObjectStore, ObjectStoreError
from docstore_contracts.metadata import CommitItem, CommitResult
from docstore_events.catalogue.event import Event
from docstore_events.catalogue.uploads import (
    PackAborted,
    PackCompleted,
    PackExpired,
    PackInitiated,
    PackStalled,
    slice_upload_id,
)
from docstore_platform.clock import Clock
from docstore_platform.errors import DomainError
from docstore_upload import metrics
from docstore_upload.lifecycle.clients import Json
from docstore_upload.lifecycle.ports import Claim, Commit, Fields, Kind, Recheck
from docstore_upload.lifecycle.rules import ENDED, HASHED_AT_ONCE_BYTES, Actor, Incomplete, Mismatch, State
from docstore_upload.lifecycle.tombstones import put_tombstones
from docstore_upload.lifecycle.use_cases.complete import commit_refusal
from docstore_upload.packs.ports import Packs
from docstore_upload.packs.rules import Pack, compacted, wrong_slices
from docstore_upload.packs.views import CONTENT_TYPE, refused_json
from docstore_upload.settings import UploadSettings

log = structlog.get_logger(__name__)


class PackKind(Kind[Pack]):
    """Many small files, sent as one object."""

    noun = "pack"
    batch = 20
    at_once = 1
    """Each may take 16 MiB of memory while it is verified or rewritten."""
    completed_event = PackCompleted

    def __init__(
        self, packs: Packs, store: ObjectStore, is_held: IsHeld, settings: UploadSettings, clock: Clock
    ) -> None:
        self._packs = packs
        self._store = store
        self._is_held = is_held
        self._settings = settings
        self._clock = clock

    async def put(self, transfer: Pack, content: bytes) -> None:
        await self._store.put(transfer.object_key, content, content_type=CONTENT_TYPE)

    async def verify(self, transfer: Pack, manifest: object, by: Actor) -> Claim:
        content = manifest if isinstance(manifest, bytes) else await self._stored(transfer)
        if len(content) <= HASHED_AT_ONCE_BYTES:
            wrong = wrong_slices(transfer, content)
        else:
            wrong = await asyncio.to_thread(wrong_slices, transfer, content)
        live = tuple(number for number in transfer.numbers if number not in set(wrong))
        return Claim(transfer.id, by, {"wrong": tuple(wrong), "live": live})

    async def _stored(self, pack: Pack) -> bytes:
        try:
            return await self._store.get(pack.object_key)
        except ObjectNotFound:
            raise Incomplete from None

    def commit_items(self, transfer: Pack, uploaded_at: datetime) -> list[CommitItem]:
        return [
            {
                **file,
                "lock_tokens": [],
                "client_modified_at": datetime.fromisoformat(modified_at) if modified_at else None,
                "upload_id": slice_upload_id(transfer.id, number),
                "account_id": transfer.account_id,
                "folder_id": transfer.folder_id,
                "device": transfer.device,
                "link_id": "",
                "object_key": transfer.key_of(number),
                "uploaded_at": uploaded_at,
            }
            for number, file in transfer.files().items()
            for modified_at in [file.get("client_modified_at")]
            if number not in transfer.wrong
        ]

    def commit(self, transfer: Pack, results: Sequence[CommitResult]) -> Commit[Pack]:
        sent = [number for number in transfer.numbers if number not in transfer.wrong]
        committed = dict(zip(sent, results, strict=True))
        answers: list[Json] = []
        event_ids: list[str] = []
        for number in transfer.numbers:
            result = committed.get(number)
            if result is None or "problem" in result:
                wrong = Mismatch("The SHA-256 of what was sent is not the one declared.")
                answers.append({"number": number, **refused_json(commit_refusal(result) if result else wrong)})
            else:
                shown = {"file": result["file"], "version": result["version"], "conflicted": result["conflicted"]}
                answers.append({"number": number, **shown})
                event_ids.append(result["event_id"])
        fields = {
            "answers": orjson.dumps(answers),
            "refused": tuple(answer["number"] for answer in answers if "problem" in answer),
            "file_event_ids": tuple(event_ids),
        }
        return Commit(fields, partial(_completed, answers=answers))

    def amendment(self, transfer: Pack, commit: Commit[Pack]) -> Fields:
        """If one caller's commit of a file succeeded and another's was refused, the commit counts."""
        answers = {answer["number"]: answer for answer in orjson.loads(commit.fields["answers"])}
        event_ids = dict(
            zip(
                [number for number in answers if "file" in answers[number]],
                commit.fields["file_event_ids"],
                strict=True,
            )
        )
        gained = [number for number in transfer.refused if number in event_ids]
        if not gained or transfer.answers is None:
            return {}
        known = {answer["number"]: answer for answer in orjson.loads(transfer.answers)}
        return {
            "answers": orjson.dumps(list((known | {number: answers[number] for number in gained}).values())),
            "refused": tuple(number for number in transfer.refused if number not in gained),
            "file_event_ids": (*transfer.file_event_ids, *(event_ids[number] for number in gained)),
        }

    def initiated(self, transfer: Pack) -> Event:
        return PackInitiated(**_about(transfer), expires_at=transfer.expires_at)

    def ended(self, transfer: Pack, state: State, refusal: DomainError | None) -> Event:
        if state == "expired":
            return PackExpired(**_about(transfer), numbers=transfer.numbers)
        reason = refusal.code if refusal else "given_up"
        return PackAborted(**_about(transfer), numbers=transfer.numbers, reason=reason)

    def stalled(self, transfer: Pack, missing: tuple[str, ...]) -> Event:
        return PackStalled(**_about(transfer), missing=missing)

    def settled(self, transfer: Pack) -> Recheck[Pack]:
        """Slices of refused files are not live; the rest is due at once."""
        live = tuple(number for number in transfer.live if number not in transfer.refused)
        dropped = {"missing": None, "file_event_ids": None}
        return Recheck(transfer, self._clock(), {"settled": True, "attempts": 0, "live": live, **dropped})

    async def sweep(self, transfers: Sequence[Pack]) -> None:
        for pack in transfers:
            try:
                planned = await self._step(pack)
            except ObjectStoreError as error:
                log.warning("pack_store_unavailable", pack_id=pack.id, error=str(error))
            else:
                await self._packs.recheck([planned] if planned else [])

    async def _step(self, pack: Pack) -> Recheck[Pack] | None:
        """Run the next step; return when to check again.

        None: a backup is being taken, so the pack stays as it is and is due again when its lease ends.
        """
        if pack.state in ENDED or not pack.live:
            return None if await self._is_held() else await self._clear(pack)
        if pack.needs_rewrite():
            return None if await self._is_held() else await self._compact(pack)
        return self._rest(pack)

    async def _clear(self, pack: Pack) -> Recheck[Pack]:
        """Delete the object of an ended or empty pack, behind a tombstone, and again once no URL works."""
        now, late = self._clock(), self._settings.sweep_delay_seconds
        if now < pack.expires_at:
            await put_tombstones(self._store, [pack.object_key])
        else:
            await self._store.delete(pack.object_key)
        if now >= pack.expires_at + timedelta(seconds=late):
            return Recheck(pack, None, {"purge_at": now + timedelta(days=self._settings.kept_days)})
        return Recheck(pack, pack.last_sweep_at(now, late))

    async def _compact(self, pack: Pack) -> Recheck[Pack]:
        """Rewrite it under its key with its live slices only. Readers hold the ETag, and reload when it changes.

        A late one of several workers finds another ETag: slices it saw as live may be dead, or the object deleted.
        """
        try:
            before = await self._store.get_tail(pack.object_key, MAX_PACK_BYTES + MAX_INDEX_BYTES)
            content = before.data
            kept = await asyncio.to_thread(compacted, content, pack.live)
        except ObjectArchived:  # only unused slices are left: their space is cheap
            return self._rest(pack)
        except (ObjectNotFound, ValueError) as error:
            log.error("pack_damaged", pack_id=pack.id, error=str(error))
            return Recheck(pack, None)
        if len(kept) < len(content):
            await self._store.put(pack.object_key, kept, content_type=CONTENT_TYPE, etag=before.etag)
            metrics.compacted_bytes_total.inc(len(content) - len(kept))
        return Recheck(pack, self._forget_at(pack), {"attempts": 0, "object_bytes": len(kept)})

    def _rest(self, pack: Pack) -> Recheck[Pack]:
        """Forget declarations and answers when their time is over; the live slices remain."""
        forget_at = self._forget_at(pack)
        if forget_at is not None and forget_at <= self._clock():
            return Recheck(pack, None, {"declared": None, "answers": None})
        return Recheck(pack, forget_at, {"attempts": 0})

    def _forget_at(self, pack: Pack) -> datetime | None:
        if pack.answers is None or pack.completed_at is None:
            return None
        return pack.completed_at + timedelta(days=self._settings.kept_days)


def _about(pack: Pack) -> Json:
    """Common fields of the pack's next event."""
    return {
        "revision": pack.revision + 1,
        "pack_id": pack.id,
        "account_id": pack.account_id,
        "path": pack.path,
        "files": len(pack.numbers),
        "size": pack.size,
    }


def _completed(pack: Pack, answers: Sequence[Json]) -> PackCompleted:
    sizes = dict(zip(pack.numbers, pack.sizes, strict=True))
    refused = tuple(answer["number"] for answer in answers if "problem" in answer)
    return PackCompleted(
        **_about(pack),
        refused=refused,
        refused_size=sum(sizes[number] for number in refused),
        conflicted=sum(answer.get("conflicted", False) for answer in answers),
        completed_by=pack.completed_by or "client",
        notify_uploader=pack.notify,
    )
