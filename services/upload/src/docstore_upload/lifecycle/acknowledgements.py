"""Consumers' acknowledgements of the events that follow from a completed upload or pack."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from docstore_upload.lifecycle.clients import CONSUMERS, ServiceClients
from docstore_upload.metrics import republished_total
from docstore_upload.settings import UploadSettings
from docstore_work.backoff import backoff

Republish = Callable[[Sequence[str]], Awaitable[object]]
"""Says events of this service again."""


@dataclass(frozen=True, slots=True)
class ExpectedEvents:
    """Ids of the events that must be handled."""

    file_events: Sequence[str]
    """Of the files: by quota, the indexer and media."""
    own_event: str
    """That of the completion: by notify."""

    def handled_by(self, service: str) -> Sequence[str]:
        return (self.own_event,) if service == "notify" else self.file_events


PendingConsumers = dict[str, dict[str, list[str]]]
"""By what was completed, by service, the events it is not done with; what is settled is not in it."""


async def find_pending_consumers(services: ServiceClients, following: Mapping[str, ExpectedEvents]) -> PendingConsumers:
    file_events = [event for each in following.values() for event in each.file_events]
    done = await services.settled(file_events, [each.own_event for each in following.values()])
    pending: PendingConsumers = {}
    for key, each in following.items():
        late = {name: [event for event in each.handled_by(name) if event not in done[name]] for name in CONSUMERS}
        late = {name: events for name, events in late.items() if events}
        if late:
            pending[key] = late
    return pending


async def republish_pending(
    services: ServiceClients, republish: Republish, pending: Sequence[Mapping[str, Sequence[str]]]
) -> None:
    """Under their old ids: whoever has handled them ignores them."""
    file_events: dict[str, None] = {}
    own_events: list[str] = []
    for late in pending:
        for name, events in late.items():
            republished_total.labels(name).inc()
            if name == "notify":
                own_events += events
            else:
                file_events.update(dict.fromkeys(events))
    if file_events:
        await services.republish_file_events(list(file_events))
    if own_events:
        await republish(own_events)


def next_final_check(attempts: int, now: datetime, settings: UploadSettings) -> datetime:
    """After so many looks; what is stalled is looked at once in a while."""
    first, longest = settings.settle_first_seconds, settings.settle_longest_seconds
    pause = longest if attempts >= settings.settle_attempts else backoff(attempts + 1, first=first, longest=longest)
    return now + timedelta(seconds=pause)
