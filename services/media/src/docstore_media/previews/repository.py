"""Renditions, one for each content, and the versions that use them.

A rendition that no version uses is deleted. If its content is uploaded again, it gets a new rendition under a new id,
so that late work on the old one does not affect it.
"""

from collections import Counter
from collections.abc import Collection as Several
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal, Protocol

from docstore_media.kinds import Kind
from docstore_media.previews.documents import due_now, rendition_document, source_of, version_document
from docstore_media.previews.outcomes import Outcome
from docstore_media.rules import CONTENT_REASONS, NO_FACTS, Facts, Rendition, Source
from docstore_platform.mongodb.client import (
    ASCENDING,
    BulkWriteError,
    Collection,
    Database,
    Document,
    IndexModel,
    Session,
    UpdateOne,
    conflict,
    server_time,
)
from docstore_work.lease_queue import Lease, LeaseLost, LeaseQueue

State = Literal["pending", "ready", "failed", "removing"]
TOMBSTONE_SECONDS = 30 * 24 * 3600
"""Deleted items are kept while late events of them may still arrive."""
_OUTCOMES: tuple[State, State] = ("ready", "failed")
_RETRIABLE = {"state": "failed", "reason": {"$nin": sorted(CONTENT_REASONS)}}


@dataclass(frozen=True, slots=True)
class Ready:
    """The owner and rendition of a version's pictures, and kind and size of its content."""

    owner_id: str
    rendition_id: str
    kind: Kind
    size: int


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a version's content; `state` None: it has no preview by its type, or is not known yet."""

    state: State | None = None
    reason: str = ""
    kind: Kind | None = None
    facts: Facts = NO_FACTS


class Previews(Protocol):
    """Renditions as a work queue, and the versions that use them."""

    async def add(self, sources: Sequence[Source], session: Session) -> list[tuple[Source, Outcome]]:
        """Add new versions; return those whose contents were rendered before, with the outcome."""

    async def forget(self, file_ids: Several[str], version_keys: Several[str], session: Session) -> None:
        """Delete files and versions. Unused renditions are removed now, or when the work on them ends."""

    async def claim(self, state: Literal["pending", "removing"]) -> Rendition | None:
        """Lease due work; accounts take turns."""

    async def object_keys(self, rendition_id: str) -> list[str]:
        """Return the keys of the content: several, if it was uploaded several times."""

    async def conclude(self, rendition: Rendition, outcome: Outcome, session: Session) -> list[Source] | None:
        """Store the outcome of rendering; return the versions to publish it for; None if the lease was lost."""

    async def postpone(self, rendition: Rendition, seconds: float, *, faultless: bool) -> None:
        """Retry later; `faultless`: the attempt does not count. A rendition to be removed is due at once."""

    async def remove(self, rendition: Rendition) -> None:
        """Delete a rendition whose pictures are deleted."""

    async def due(self) -> list[str]:
        """Return the states with due work."""

    async def ready(self, key: str) -> Ready | None:
        """Return the pictures of a version; None if there are none (yet)."""

    async def ready_of(self, keys: Sequence[str]) -> dict[str, Ready]:
        """Return the pictures of many versions, by version, without those that have none (yet)."""

    async def about(self, key: str) -> About:
        """Return what is known of a version's content."""


class MongoPreviews:
    def __init__(self, database: Database, *, lease_seconds: float) -> None:
        self._database = database
        self._renditions: Collection = database["renditions"]
        self._queue = LeaseQueue(
            self._renditions,
            "renditions",
            lease_seconds=lease_seconds,
            account_field="owner_id",
            legacy_owner="lease",
            legacy_null=True,
        )
        self._versions: Collection = database["versions"]
        self._gone: Collection = database["gone"]

    async def create_indexes(self) -> None:
        live, queued = {"live": True}, {"due_at": {"$exists": True}}
        due = [("state", ASCENDING), ("due_at", ASCENDING)]
        turns = [("state", ASCENDING), ("owner_id", ASCENDING), ("due_at", ASCENDING)]
        await self._renditions.create_indexes(
            [
                IndexModel("content", name="live_content", unique=True, partialFilterExpression=live),
                IndexModel(due, name="due", partialFilterExpression=queued),
                IndexModel(turns, name="turns", partialFilterExpression=queued),
            ]
        )
        await self._versions.create_indexes([IndexModel("file_id"), IndexModel("rendition")])
        await self._gone.create_index("at", expireAfterSeconds=TOMBSTONE_SECONDS)

    # --- events ------------------------------------------------------------------------------------------

    async def add(self, sources: Sequence[Source], session: Session) -> list[tuple[Source, Outcome]]:
        fresh = await self._fresh(sources, session)
        if not fresh:
            return []
        now = await server_time(self._database)  # which decides what is due
        await self._retry_failed(fresh, now, session)
        renditions = await self._renditions_of(fresh, now, session)
        rows_of = [(source, renditions[source.content]) for source in fresh]
        done = [(source, _outcome(row)) for source, row in rows_of if row["state"] in _OUTCOMES]
        uses = Counter(row["_id"] for _, row in rows_of)
        more = [UpdateOne({"_id": key}, {"$inc": {"uses": count}}) for key, count in uses.items()]
        await self._renditions.bulk_write(more, session=session)
        published = {source.key for source, _ in done}
        rows = [version_document(source, row["_id"], published=source.key in published) for source, row in rows_of]
        await self._versions.insert_many(rows, session=session)
        return done

    async def _fresh(self, sources: Sequence[Source], session: Session) -> list[Source]:
        """Return those that are neither known nor deleted."""
        keys = [source.key for source in sources]
        known = {row["_id"] async for row in self._versions.find({"_id": {"$in": keys}}, {"_id": 1}, session=session)}
        ids = [*keys, *{source.file_id for source in sources}]
        gone = {row["_id"] async for row in self._gone.find({"_id": {"$in": ids}}, {"_id": 1}, session=session)}
        return [source for source in sources if source.key not in known and not gone & {source.key, source.file_id}]

    async def _renditions_of(self, sources: Sequence[Source], now: datetime, session: Session) -> dict[str, Document]:
        """Return the renditions by content; create missing ones."""
        wanted = {source.content: source for source in sources}
        condition = {"content": {"$in": list(wanted)}, "live": True}
        found = {row["content"]: row async for row in self._renditions.find(condition, session=session)}
        made = [rendition_document(source, now) for content, source in wanted.items() if content not in found]
        if made:
            try:
                await self._renditions.insert_many(made, session=session)
            except BulkWriteError as error:
                raise conflict("another instance has just made the rendition") from error
        return found | {row["content"]: row for row in made}

    async def _retry_failed(self, sources: Sequence[Source], now: datetime, session: Session) -> None:
        """Retry renditions that failed for a passing reason, now that the content is stored elsewhere, too."""
        failed = {"content": {"$in": [source.content for source in sources]}, "live": True, **_RETRIABLE}
        async for row in self._renditions.find(failed, {"content": 1}, session=session):
            keys = {source.object_key for source in sources if source.content == row["content"]}
            same = {"rendition": row["_id"], "object_key": {"$in": list(keys)}}
            tried = {
                version["object_key"] async for version in self._versions.find(same, {"object_key": 1}, session=session)
            }
            if keys - tried:
                await self._renditions.update_one({"_id": row["_id"]}, {"$set": due_now(now)}, session=session)

    async def forget(self, file_ids: Several[str], version_keys: Several[str], session: Session) -> None:
        chosen = {"$or": [{"file_id": {"$in": list(file_ids)}}, {"_id": {"$in": list(version_keys)}}]}
        rows = [row async for row in self._versions.find(chosen, {"rendition": 1}, session=session)]
        now = await server_time(self._database)
        remember = [
            UpdateOne({"_id": key}, {"$setOnInsert": {"at": now}}, upsert=True) for key in (*file_ids, *version_keys)
        ]
        await self._gone.bulk_write(remember, ordered=False, session=session)
        if not rows:
            return
        await self._versions.delete_many({"_id": {"$in": [row["_id"] for row in rows]}}, session=session)
        uses = Counter(row["rendition"] for row in rows)
        fewer = [UpdateOne({"_id": key}, {"$inc": {"uses": -count}}) for key, count in uses.items()]
        await self._renditions.bulk_write(fewer, session=session)
        is_free = {"$eq": [{"$ifNull": ["$lease_owner", "$lease", None]}, None]}
        due_at = {"$cond": [is_free, now, "$due_at"]}
        removal = {"state": "removing", "live": False, "attempts": 0, "due_at": due_at}
        unused = {"_id": {"$in": list(uses)}, "uses": {"$lte": 0}, "live": True}
        await self._renditions.update_many(unused, [{"$set": removal}], session=session)

    # --- work --------------------------------------------------------------------------------------------

    async def claim(self, state: Literal["pending", "removing"]) -> Rendition | None:
        lease = await self._queue.claim({"state": state})
        if lease is None:
            return None
        row = lease.document
        return Rendition(
            id=lease.id,
            owner_id=row["owner_id"],
            kind=Kind(row["kind"]),
            size=row["size"],
            attempts=lease.attempts,
            waits=row.get("waits", 0),
            lease_owner=lease.owner,
            traceparent=row["traceparent"],
        )

    async def object_keys(self, rendition_id: str) -> list[str]:
        keys = await self._versions.distinct("object_key", {"rendition": rendition_id})
        return [str(key) for key in keys]

    async def conclude(self, rendition: Rendition, outcome: Outcome, session: Session) -> list[Source] | None:
        facts = {name: value for name, value in asdict(outcome.facts).items() if value is not None}
        change: Document = {
            "state": "failed" if outcome.reason else "ready",
            "reason": outcome.reason,
            "facts": facts,
        }
        lease = _lease(rendition)
        before = await self._renditions.find_one({**self._queue.held(lease), "state": "pending"}, session=session)
        if before is None:
            return None
        await self._queue.complete(lease, change, session=session)
        unpublished: Document = {"rendition": rendition.id}
        if before["reason"] == outcome.reason:  # a different outcome of a retry is published
            unpublished["told"] = False
        sources = [source_of(row, rendition) async for row in self._versions.find(unpublished, session=session)]
        await self._versions.update_many(unpublished, {"$set": {"told": True}}, session=session)
        return sources

    async def postpone(self, rendition: Rendition, seconds: float, *, faultless: bool) -> None:
        changes = {"waits": rendition.waits + 1} if faultless else {}
        with suppress(LeaseLost):
            await self._queue.postpone(_lease(rendition), seconds, changes, counted=not faultless)

    async def remove(self, rendition: Rendition) -> None:
        with suppress(LeaseLost):
            await self._queue.complete(_lease(rendition))

    async def release_all(self) -> None:
        """Release all leases at the start of the only instance."""
        await self._queue.release_all()

    async def due(self) -> list[str]:
        return [state for state in ("pending", "removing") if await self._queue.due_in({"state": state}) == 0]

    async def count_pending(self) -> int:
        return int(await self._renditions.count_documents({"state": "pending", "due_at": {"$exists": True}}))

    async def render_again(self, now: datetime, ids: Sequence[str] | None = None) -> None:
        """Queue pictures, of all renditions or of these, that a bucket has lost; also those that failed for a passing
        reason.

        An outcome is published only if it differs from the one before.
        """
        chosen: Document = {"live": True, "$or": [{"state": "ready"}, _RETRIABLE]}
        if ids is not None:
            chosen["_id"] = {"$in": list(ids)}
        await self._renditions.update_many(chosen, {"$set": due_now(now)})

    # --- queries -----------------------------------------------------------------------------------------

    async def ready(self, key: str) -> Ready | None:
        return (await self.ready_of([key])).get(key)

    async def ready_of(self, keys: Sequence[str]) -> dict[str, Ready]:
        versions = self._versions.find({"_id": {"$in": list(keys)}}, {"rendition": 1})
        renditions = {row["_id"]: row["rendition"] async for row in versions}
        chosen = {"_id": {"$in": list(set(renditions.values()))}, "state": "ready"}
        ready = {
            row["_id"]: Ready(row["owner_id"], row["_id"], Kind(row["kind"]), row["size"])
            async for row in self._renditions.find(chosen, {"owner_id": 1, "kind": 1, "size": 1})
        }
        return {key: ready[rendition] for key, rendition in renditions.items() if rendition in ready}

    async def about(self, key: str) -> About:
        version = await self._versions.find_one({"_id": key}, {"rendition": 1})
        row = await self._renditions.find_one({"_id": version["rendition"]}) if version else None
        if row is None:
            return About()
        return About(row["state"], row["reason"], Kind(row["kind"]), Facts.of(row.get("facts")))


def _lease(rendition: Rendition) -> Lease:
    return Lease(rendition.id, rendition.lease_owner, rendition.attempts, {})


def _outcome(row: Document) -> Outcome:
    return Outcome(row["reason"], Facts.of(row.get("facts")))
