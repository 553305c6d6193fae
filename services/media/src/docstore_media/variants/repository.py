"""Variants of contents: a work queue, and a cache with a record of the last uses."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, Literal, Protocol

from docstore_media.kinds import Kind
from docstore_media.rules import Spec, Variant, VideoPart
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongodb.client import ASCENDING, Collection, Database, Document, IndexModel
from docstore_work.lease_queue import Lease, LeaseLost, LeaseQueue

State = Literal["pending", "storing", "ready", "failed", "removing"]
"""`storing`: by whom holds the lease; if that process dies, the object is removed, since it may be incomplete."""
Work = Literal["picture", "video", "removal"]
_WORK: dict[Work, Document] = {
    "picture": {"state": "pending", "spec.is_video": {"$ne": True}},
    "video": {"state": "pending", "spec.is_video": True},
    "removal": {"state": {"$in": ["removing", "storing"]}},
}
NOTED_EVERY = timedelta(hours=1)
"""A use is recorded if the last recorded one is older: most reads write nothing."""
RETRIED_AFTER = timedelta(hours=1)
"""A variant that can't be rendered is tried again if it is requested after this long."""
LEAST_BYTES = 4096
"""What the smallest variant counts, since its record takes room, too."""
_REMOVED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Made:
    """State of a variant; `reason`: why it can't be rendered."""

    state: State
    reason: str = ""
    progress: float = 0.0
    """Share of a video that is converted."""


class Variants(Protocol):
    """Variants by id."""

    async def find(self, variant_id: str) -> Made | None:
        """Return its state, and record the use of one that is ready. None: it was never requested."""

    async def request(self, variant: Variant) -> None:
        """Queue it, unless it was requested before."""

    async def reserve(self, variant: Variant) -> Variant | None:
        """Record, under a lease, one that is about to be stored; None if it is recorded already."""

    async def claim(self, work: Work) -> Variant | None:
        """Lease due work; accounts take turns."""

    async def renew(self, variant: Variant, progress: float) -> bool:
        """Renew the lease and store the progress. False if it is to be removed, or the lease was lost."""

    async def record_parts(self, variant: Variant, parts: Sequence[VideoPart]) -> None:
        """Record the parts of a video; once the last is stored, earlier attempts do not count. Raises LeaseLost."""

    async def parts_of(self, variant_id: str) -> list[VideoPart]:
        """Return the recorded parts of a video."""

    async def conclude(self, variant: Variant, reason: str, size: int) -> bool:
        """Store that it is ready, or why not. False if it is to be removed, or the lease was lost."""

    async def postpone(self, variant: Variant, seconds: float, *, faultless: bool) -> None:
        """Retry later; `faultless`: the attempt does not count. One to be removed is due at once."""

    async def remove(self, variant: Variant) -> None:
        """Delete the record of a variant whose object is deleted."""

    async def due(self) -> list[Work]:
        """Return what work is due."""

    async def stored_bytes(self) -> dict[str, int]:
        """Return the bytes of variants by account."""

    async def evict(self, owner_id: str | None, excess: int) -> None:
        """Remove the least recently used ones, of one account or all, until `excess` bytes are free."""

    async def forget_failures(self) -> None:
        """Remove those that failed long ago."""


class MongoVariants:
    def __init__(self, database: Database, *, lease_seconds: float, clock: Clock = utc_now) -> None:
        self._variants: Collection = database["variants"]
        self._queue = LeaseQueue(self._variants, "variants", lease_seconds=lease_seconds, account_field="owner_id")
        self._clock = clock

    async def create_indexes(self) -> None:
        queued = {"due_at": {"$exists": True}}
        due = [("state", ASCENDING), ("due_at", ASCENDING)]
        turns = [("state", ASCENDING), ("owner_id", ASCENDING), ("due_at", ASCENDING)]
        oldest = [("state", ASCENDING), ("used_at", ASCENDING)]
        of_account = [("state", ASCENDING), ("owner_id", ASCENDING), ("used_at", ASCENDING), ("bytes", ASCENDING)]
        await self._variants.create_indexes(
            [
                IndexModel("rendition"),
                IndexModel(due, name="due", partialFilterExpression=queued),
                IndexModel(turns, name="turns", partialFilterExpression=queued),
                IndexModel(oldest, name="oldest"),
                IndexModel(of_account, name="oldest_of_account"),
            ]
        )

    # --- readers -----------------------------------------------------------------------------------------

    async def find(self, variant_id: str) -> Made | None:
        row = await self._variants.find_one({"_id": variant_id}, {"state": 1, "reason": 1, "used_at": 1, "progress": 1})
        if row is None:
            return None
        now = self._clock()
        if row["state"] == "ready" and row["used_at"] < now - NOTED_EVERY:
            await self._variants.update_one({"_id": variant_id, "state": "ready"}, {"$set": {"used_at": now}})
        return Made(row["state"], row["reason"], row.get("progress", 0.0))

    async def request(self, variant: Variant) -> None:
        await self._queue.add_once(variant.id, _variant_document(variant, "pending"))

    # --- work --------------------------------------------------------------------------------------------

    async def reserve(self, variant: Variant) -> Variant | None:
        lease = await self._queue.add_held(variant.id, _variant_document(variant, "storing"))
        return None if lease is None else replace(variant, attempts=lease.attempts, lease_owner=lease.owner)

    async def claim(self, work: Work) -> Variant | None:
        lease = await self._queue.claim(_WORK[work])
        return None if lease is None else _variant(lease)

    async def renew(self, variant: Variant, progress: float) -> bool:
        lease = _lease(variant)
        mine = {**self._queue.held(lease), "state": "pending"}
        outcome = await self._variants.update_one(mine, {"$set": {"progress": progress}})
        if not outcome.matched_count:
            return False
        with suppress(LeaseLost):
            await self._queue.renew(lease)
            return True
        return False

    async def record_parts(self, variant: Variant, parts: Sequence[VideoPart]) -> None:
        change: Document = {"parts": [asdict(part) for part in parts]}
        if parts[-1].is_stored:
            change["attempts"] = 0
        outcome = await self._variants.update_one(self._queue.held(_lease(variant)), {"$set": change})
        if not outcome.matched_count:
            raise LeaseLost

    async def parts_of(self, variant_id: str) -> list[VideoPart]:
        return _parts(await self._variants.find_one({"_id": variant_id}, {"parts": 1}) or {})

    async def conclude(self, variant: Variant, reason: str, size: int) -> bool:
        change: Document = {
            "state": "failed" if reason else "ready",
            "reason": reason,
            "bytes": max(size, LEAST_BYTES),
            "used_at": self._clock(),
        }
        mine = {**self._queue.held(_lease(variant)), "state": {"$in": ["pending", "storing"]}}
        outcome = await self._variants.update_one(mine, {"$set": change, **self._queue.due(None)})
        self._queue.count_completed(outcome.matched_count)
        return bool(outcome.matched_count)

    async def postpone(self, variant: Variant, seconds: float, *, faultless: bool) -> None:
        changes = {"waits": variant.waits + 1} if faultless else {}
        with suppress(LeaseLost):
            await self._queue.postpone(_lease(variant), seconds, changes, counted=not faultless)

    async def remove(self, variant: Variant) -> None:
        with suppress(LeaseLost):
            await self._queue.complete(_lease(variant))

    async def release_all(self) -> None:
        """Release all leases at the start of the only instance."""
        await self._queue.release_all()

    async def due(self) -> list[Work]:
        return [work for work, chosen in _WORK.items() if await self._queue.due_in(chosen) == 0]

    # --- space -------------------------------------------------------------------------------------------

    async def stored_bytes(self) -> dict[str, int]:
        stored = {"$match": {"state": "ready"}}
        by_account = {"$group": {"_id": "$owner_id", "bytes": {"$sum": "$bytes"}}}
        return {row["_id"]: row["bytes"] async for row in self._variants.aggregate([stored, by_account])}

    async def evict(self, owner_id: str | None, excess: int) -> None:
        chosen: Document = {"state": "ready"} if owner_id is None else {"state": "ready", "owner_id": owner_id}
        ids: list[str] = []
        async for row in self._variants.find(chosen, {"bytes": 1}).sort("used_at", ASCENDING):
            if excess <= 0 or len(ids) == _REMOVED_AT_ONCE:
                break
            excess -= row["bytes"]
            ids.append(row["_id"])
        await self._discard({"_id": {"$in": ids}})

    async def forget_failures(self) -> None:
        await self._discard({"state": "failed", "used_at": {"$lt": self._clock() - RETRIED_AFTER}})

    async def discard(self, rendition_id: str | None = None) -> None:
        """Remove the variants of a rendition, or all. One under work is removed once its lease is over."""
        await self._discard({} if rendition_id is None else {"rendition": rendition_id})

    async def _discard(self, chosen: Document) -> None:
        is_free = {"$eq": [{"$ifNull": ["$lease_owner", None]}, None]}
        due_at = {"$cond": [is_free, "$$NOW", "$due_at"]}
        removal = {"state": "removing", "attempts": 0, "due_at": due_at}
        await self._variants.update_many({"state": {"$ne": "removing"}, **chosen}, [{"$set": removal}])


def _variant_document(variant: Variant, state: State) -> Document:
    return {
        "rendition": variant.rendition_id,
        "owner_id": variant.owner_id,
        "kind": variant.kind.value,
        "size": variant.size,
        "spec": _spec_document(variant.spec),
        "state": state,
        "reason": "",
        "waits": 0,
    }


def _spec_document(spec: Spec) -> Document:
    """Without what instances of the release before do not know, where it is not needed."""
    return {name: value for name, value in asdict(spec).items() if name not in ("watermark", "is_pdf") or value}


def _variant(lease: Lease) -> Variant:
    row: Mapping[str, Any] = lease.document
    return Variant(
        rendition_id=row["rendition"],
        owner_id=row["owner_id"],
        kind=Kind(row["kind"]),
        size=row["size"],
        spec=Spec(**row["spec"]),
        attempts=lease.attempts,
        waits=row["waits"],
        lease_owner=lease.owner,
        parts=tuple(_parts(row)),
    )


def _parts(row: Mapping[str, Any]) -> list[VideoPart]:
    return [VideoPart(**part) for part in row.get("parts", ())]


def _lease(variant: Variant) -> Lease:
    return Lease(variant.id, variant.lease_owner, variant.attempts, {})
