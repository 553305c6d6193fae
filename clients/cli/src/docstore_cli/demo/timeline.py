"""Follows events across services: publisher, consumers, milliseconds between them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer
from rich.table import Table

from docstore_events.catalogue.event import TOPICS, Event
from docstore_events.catalogue.files import FileEvent, FileIndexed, FileIndexFailed
from docstore_events.catalogue.notifications import NotificationEvent
from docstore_events.catalogue.uploads import UploadCompleted, UploadEvent
from docstore_events.catalogue.usage import UsageChanged
from docstore_events.consuming.fetch_wait import SHORTEST_MS, Fetches
from docstore_events.envelope import Envelope, open_envelope

Seen = Envelope[Event]


@dataclass
class Timeline:
    """Events of one account, in the order of their times."""

    account_id: str
    events: list[Seen] = field(default_factory=list)
    _received: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, envelope: Seen) -> None:
        if _account(envelope.event) == self.account_id:
            self.events.append(envelope)
            self._received.set()

    async def until(self, happened: Callable[[list[Seen]], bool], *, seconds: float = 60.0) -> None:
        """Return once `happened`; TimeoutError after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while not happened(self.events):
                    self._received.clear()
                    await self._received.wait()
        except TimeoutError:
            raise TimeoutError(f"The services did not finish within {seconds:.0f} s; see their logs.") from None

    def table(self) -> Table:
        """Each event with its cause and the time since."""
        table = Table(title="Events", title_justify="left", expand=False)
        for name, justify in (("at ms", "right"), ("service", "left"), ("publishes", "left"), ("about", "left")):
            table.add_column(name, justify=justify)  # type: ignore[arg-type]
        table.add_column("ms after", justify="right", style="green")
        table.add_column("its cause", style="dim")
        events = sorted(self.events, key=lambda envelope: envelope.time)
        for envelope in events:
            cause = _cause(envelope, events)
            after = f"{_ms(cause, envelope)}" if cause else ""
            table.add_row(
                str(_ms(events[0], envelope)),
                envelope.source,
                envelope.event.type,
                _subject(envelope.event, events),
                after,
                cause.event.type if cause else "",
            )
        return table


def _ms(start: Seen, end: Seen) -> int:
    return max(round((end.time - start.time).total_seconds() * 1000), 0)


def _account(event: Event) -> str:
    if isinstance(event, FileEvent):
        return event.file.owner_id
    if isinstance(event, FileIndexed | FileIndexFailed):
        return event.owner_id
    return str(getattr(event, "account_id", ""))


def _subject(event: Event, events: list[Seen]) -> str:
    """Description of an event's subject."""
    if isinstance(event, FileEvent | UploadEvent):
        return event.path
    if isinstance(event, FileIndexed):
        how = " by OCR" if event.ocr else ""
        return f"{_path_of(event.file_id, events)} ({event.characters} characters{how})"
    if isinstance(event, UsageChanged):
        what = "document" if event.documents == 1 else "documents"
        return f"{event.used:,} bytes used, {event.documents} {what}"
    if isinstance(event, NotificationEvent):
        return f"{event.kind} by {event.channel}"
    return ""


def _path_of(file_id: str, events: list[Seen]) -> str:
    paths = (seen.event.path for seen in events if isinstance(seen.event, FileEvent) and seen.event.key() == file_id)
    return next(paths, file_id)


def _cause(envelope: Seen, events: list[Seen]) -> Seen | None:
    """The event that caused `envelope`."""
    event = envelope.event
    is_cause: Callable[[Seen], bool]
    if isinstance(event, UsageChanged):
        uploads = set(event.upload_ids)
        is_cause = lambda seen: isinstance(seen.event, FileEvent) and _upload_id(seen.event) in uploads  # noqa: E731
    elif isinstance(event, FileIndexed | FileIndexFailed):
        is_cause = lambda seen: isinstance(seen.event, FileEvent) and seen.event.key() == event.file_id  # noqa: E731
    elif isinstance(event, NotificationEvent):
        is_cause = lambda seen: seen.id in event.cause_ids  # noqa: E731
    elif isinstance(event, UploadCompleted):
        is_cause = lambda seen: seen.event.type == "upload-initiated" and seen.event.key() == event.key()  # noqa: E731
    else:
        return None
    causes = [seen for seen in events if is_cause(seen)]
    return causes[-1] if causes else None


def _upload_id(event: FileEvent) -> str | None:
    return getattr(event, "upload_id", None)


@asynccontextmanager
async def following(bootstrap: str, account_id: str) -> AsyncIterator[Timeline]:
    """Open a timeline of events published from now on."""
    timeline = Timeline(account_id)
    consumer = AIOKafkaConsumer(*TOPICS, bootstrap_servers=bootstrap, fetch_max_wait_ms=SHORTEST_MS)
    await consumer.start()
    Fetches(consumer)
    await consumer.seek_to_end()
    for partition in consumer.assignment():
        await consumer.position(partition)

    async def follow() -> None:
        record: Any
        async for record in consumer:
            envelope = open_envelope(record.headers, record.value)
            if envelope is not None:
                timeline.note(envelope)

    following_task = asyncio.create_task(follow())
    try:
        yield timeline
    finally:
        following_task.cancel()
        await consumer.stop()
