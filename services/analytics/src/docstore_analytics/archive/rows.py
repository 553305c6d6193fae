"""Events as rows of the archive, in chunks."""

from collections.abc import Iterable
from datetime import UTC, datetime

import orjson

from docstore_analytics.archive.rules import Chunk
from docstore_events.catalogue.event import Event
from docstore_events.envelope import Envelope
from docstore_platform.clock import rfc3339
from docstore_platform.ids import new_id

CHUNK_BYTES = 4 * 2**20
"""Well below MongoDB's limit of 16 MB a document."""


def archive_row(envelope: Envelope[Event]) -> bytes:
    """Return a line of JSON with every column."""
    event = envelope.event
    about = getattr(event, "file", event)
    owner = getattr(event, "account_id", None) or getattr(about, "owner_id", None)
    actor = getattr(event, "actor_id", None) or getattr(event, "uploaded_by", None)
    return orjson.dumps(
        {
            "id": envelope.id,
            "type": event.type,
            "source": envelope.source,
            "time": rfc3339(envelope.time),
            "subject": event.key(),
            "revision": event.revision,
            "account_id": owner,
            "actor_id": actor,
            "file_id": getattr(about, "file_id", None),
            "bytes": getattr(about, "size", None),
            "data": event.model_dump_json(),
        }
    )


def chunks_of(rows: Iterable[tuple[datetime, bytes]]) -> list[Chunk]:
    """Return the rows by day, in chunks that fit into a document each."""
    open_chunks: dict[str, Chunk] = {}
    chunks: list[Chunk] = []
    for at, line in rows:
        day = at.astimezone(UTC).date().isoformat()
        chunk = open_chunks.get(day)
        if chunk is None or chunk.size + len(line) > CHUNK_BYTES:
            chunk = open_chunks[day] = Chunk(new_id(), day)
            chunks.append(chunk)
        chunk.lines.append(line)
        chunk.size += len(line)
    return chunks
