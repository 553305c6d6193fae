"""CloudEvents 1.0 in Kafka's binary mode: attributes are headers, the event's JSON is the value."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from docstore_events.catalogue import EVENT_TYPES
from docstore_events.catalogue.event import Event
from docstore_platform.clock import rfc3339, utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Document

TYPE_PREFIX = "org.docstore."
"""Reverse-DNS prefix of types that the next release publishes. Services of the release before ignore events whose type
they do not know, so this one reads both forms and publishes the short one."""
SEQUENCE_DIGITS = 20
"""Digits of `ce_sequence`, which consumers compare as text (CloudEvents sequence extension)."""
EVENTS_KEPT = 2048
"""Latest events that a process keeps for its other consumers, about 4 KB each. Two of the largest batches fit."""
LARGE_BYTES = 4096
"""Larger events, such as those of a folder with hundreds of readers, are not kept: that bounds the memory."""

Headers = list[tuple[str, bytes]]
E_co = TypeVar("E_co", bound=Event, covariant=True)


class UnreadableMessage(Exception):
    """A message that no retry can make readable."""


@dataclass(frozen=True, slots=True)
class Envelope(Generic[E_co]):
    """An event with its CloudEvents attributes."""

    id: str
    source: str
    """The service that published it."""
    time: datetime
    traceparent: str | None
    event: E_co

    def headers(self) -> Headers:
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": self.id,
            "ce_type": self.event.type,
            "ce_source": f"/docstore/{self.source}",
            "ce_time": rfc3339(self.time),
            "ce_subject": self.event.key(),
            "ce_sequence": f"{self.event.revision:0{SEQUENCE_DIGITS}}",
            "ce_dataschema": self.event.schema_uri(),
            "content-type": "application/json",
        }
        if self.traceparent:
            attributes["traceparent"] = self.traceparent
        return [(name, value.encode()) for name, value in attributes.items()]


def seal(event: Event, *, source: str, traceparent: str | None) -> Envelope[Event]:
    """Wrap an event in an envelope with a new id and the current time."""
    return Envelope(new_id(), source, utc_now(), traceparent, event)


def outbox_row(envelope: Envelope[Event], topic_prefix: str) -> Document:
    """Return the outbox document of an event to publish."""
    return {
        "_id": envelope.id,
        "topic": topic_prefix + envelope.event.topic,
        "key": envelope.event.key(),
        "sequence": envelope.event.revision,
        "headers": [[name, value] for name, value in envelope.headers()],
        "value": envelope.event.model_dump_json().encode(),
        "state": "pending",
        "created_at": envelope.time,
    }


def header_map(headers: Any) -> dict[str, str]:
    """Return record headers as text; UnreadableMessage if one is not text."""
    try:
        return {name: value.decode() for name, value in headers}
    except (UnicodeDecodeError, AttributeError) as error:
        raise UnreadableMessage(f"a header is not text: {error}") from error


@lru_cache(maxsize=EVENTS_KEPT)
def _read(event_type: type[Event], headers: tuple[tuple[str, bytes], ...], value: bytes) -> Envelope[Event]:
    """Read a record; once for all consumers of a process, since neither envelope nor event can be changed."""
    attributes = dict(headers)
    traceparent = attributes.get("traceparent")
    return Envelope(
        id=attributes["ce_id"].decode(),
        source=attributes["ce_source"].decode().removeprefix("/docstore/"),
        time=datetime.fromisoformat(attributes["ce_time"].decode()).astimezone(UTC),
        traceparent=None if traceparent is None else traceparent.decode(),
        event=event_type.model_validate_json(value),
    )


def open_envelope(
    headers: Any, value: bytes | None, wanted: Container[type[Event]] | None = None
) -> Envelope[Event] | None:
    """Return the event of a record; None if its type is unknown or not in `wanted`, without reading its value.

    UnreadableMessage if it can't be read.
    """
    try:
        attributes: dict[str, bytes] = dict(headers)
        event_type = EVENT_TYPES.get(attributes["ce_type"].decode().removeprefix(TYPE_PREFIX))
        if event_type is None or (wanted is not None and event_type not in wanted):
            return None
        read = _read if len(value or b"") <= LARGE_BYTES else _read.__wrapped__
        return read(event_type, tuple(headers), value or b"")
    except KeyError as error:
        raise UnreadableMessage(f"header {error} is missing") from error
    except (UnicodeDecodeError, AttributeError) as error:
        raise UnreadableMessage(f"a header is not text: {error}") from error
    except (ValidationError, ValueError) as error:
        raise UnreadableMessage(f"the value is invalid: {error}") from error
