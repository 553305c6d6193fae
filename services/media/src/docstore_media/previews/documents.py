"""Renditions and versions as MongoDB documents."""

from datetime import datetime

from docstore_media.rules import Rendition, Source
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Document


def due_now(now: datetime) -> Document:
    """Make it due with its attempts reset; its `reason` stays, since it was published."""
    return {"state": "pending", "attempts": 0, "waits": 0, "due_at": now, "lease_owner": None, "lease": None}


def rendition_document(source: Source, now: datetime) -> Document:
    return {
        "_id": new_id(),
        "content": source.content,
        "live": True,
        **due_now(now),
        "uses": 0,
        "owner_id": source.owner_id,
        "kind": source.kind.value,
        "size": source.size,
        "reason": "",
        "traceparent": source.traceparent,
    }


def version_document(source: Source, rendition_id: str, *, published: bool) -> Document:
    return {
        "_id": source.key,
        "file_id": source.file_id,
        "version": source.version,
        "revision": source.revision,
        "sha256": source.sha256,
        "object_key": source.object_key,
        "rendition": rendition_id,
        "told": published,
    }


def source_of(row: Document, rendition: Rendition) -> Source:
    return Source(
        file_id=row["file_id"],
        version=row["version"],
        revision=row["revision"],
        owner_id=rendition.owner_id,
        kind=rendition.kind,
        sha256=row["sha256"],
        size=rendition.size,
        object_key=row["object_key"],
        traceparent=rendition.traceparent,
    )
