"""One event as a row of the archive."""

import orjson

from docstore_events.envelope import Envelope
from docstore_events.event import Event
from docstore_platform.clock import rfc3339


def archive_row(envelope: Envelope[Event]) -> bytes:
    """A line of JSON with every column."""
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
