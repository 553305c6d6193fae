"""From upload-completed to counted, searchable and mailed, as the events themselves say it."""

import asyncio
from datetime import datetime

from aiokafka import AIOKafkaConsumer

from bench.accounts import new_account
from bench.load import percentile
from bench.stack import Stack
from docstore_events.catalogue.event import TOPICS, Event
from docstore_events.catalogue.files import FileIndexed
from docstore_events.catalogue.notifications import NotificationSent
from docstore_events.catalogue.uploads import UploadCompleted
from docstore_events.catalogue.usage import UsageChanged
from docstore_events.consuming.fetch_wait import SHORTEST_MS, Fetches
from docstore_events.envelope import Envelope, open_envelope
from docstore_platform.testing import eventually

UPLOADS = 40
PAUSE_SECONDS = 0.5
WORDS = ("harbour lantern quarterly ledger meadow signal copper voyage " * 80).encode()
STEPS = ("counted", "searchable", "mailed")


class Timeline:
    """Times of what happened to each upload, collected from the topics."""

    def __init__(self) -> None:
        self.completed: dict[str, tuple[datetime, str, str]] = {}
        self.steps: dict[str, dict[str, datetime]] = {step: {} for step in STEPS}

    def note(self, envelope: Envelope[Event]) -> None:
        event = envelope.event
        if isinstance(event, UploadCompleted):
            self.completed[event.upload_id] = (envelope.time, event.file_id, envelope.id)
        elif isinstance(event, UsageChanged):
            for upload_id in event.upload_ids:
                self.steps["counted"].setdefault(upload_id, envelope.time)
        elif isinstance(event, FileIndexed):
            self.steps["searchable"].setdefault(event.file_id, envelope.time)
        elif isinstance(event, NotificationSent) and event.channel == "email":
            for cause in event.cause_ids:
                self.steps["mailed"].setdefault(cause, envelope.time)

    def seconds(self, step: str) -> list[float]:
        """From completion to `step`, sorted; a step told before the completion took no time."""
        found = []
        for upload_id, (completed, file_id, event_id) in self.completed.items():
            key = {"counted": upload_id, "searchable": file_id, "mailed": event_id}[step]
            if key in self.steps[step]:
                found.append(max((self.steps[step][key] - completed).total_seconds(), 0.0))
        return sorted(found)

    async def is_whole(self) -> bool:
        return all(len(self.seconds(step)) >= UPLOADS for step in STEPS)


async def measure_latency(stack: Stack) -> list[tuple[str, str]]:
    """p50, p95 and p99 of each step for single uploads of a 5 KB text, one premium account each."""
    timeline = Timeline()
    consumer = AIOKafkaConsumer(
        *TOPICS, bootstrap_servers=stack.kafka_bootstrap, auto_offset_reset="latest", fetch_max_wait_ms=SHORTEST_MS
    )
    await consumer.start()
    Fetches(consumer)
    await consumer.seek_to_end()

    async def collect() -> None:
        async for record in consumer:
            envelope = open_envelope(record.headers, record.value)
            if envelope is not None:
                timeline.note(envelope)

    collecting = asyncio.create_task(collect())
    try:
        for _ in range(UPLOADS):
            await _one_upload(stack.gateway)
            await asyncio.sleep(PAUSE_SECONDS)
        await eventually(timeline.is_whole, seconds=60)
    finally:
        collecting.cancel()
        await consumer.stop()
    return [(f"upload-completed to {step}, p50 / p95 / p99", _figures(timeline.seconds(step))) for step in STEPS]


def _figures(seconds: list[float]) -> str:
    return " / ".join(f"{percentile(seconds, percent) * 1000:.0f}" for percent in (50, 95, 99)) + " ms"


async def _one_upload(gateway: str) -> None:
    async with new_account(gateway) as api:
        await api.call("PUT", "/v1/me/plan", {"plan": "premium"})
        await api.upload("/note.txt", WORDS, content_type="text/plain")
