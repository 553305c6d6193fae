"""The final check: has every consumer acknowledged a completed transfer?

Each consumer of an event, by the catalogue of events, is asked whether it has acknowledged it. Pending events are
republished under their old ids, so that a consumer that has handled one ignores it. After the last attempt the transfer
is stalled: an event is published, and the transfer is counted, listed and checked once in a while until all have
acknowledged it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic

import structlog

from docstore_events.catalogue import acknowledged_by
from docstore_events.catalogue.files import FileCreated
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock
from docstore_platform.errors import DomainError
from docstore_upload.lifecycle.clients import ServiceClients
from docstore_upload.lifecycle.ports import Kind, Recheck, T, Transfers
from docstore_upload.metrics import GAUGES, checked_total, republished_total
from docstore_upload.settings import UploadSettings
from docstore_work.backoff import backoff
from docstore_work.wakeup import wake

log = structlog.get_logger(__name__)

Republish = Callable[[Sequence[str]], Awaitable[object]]
"""Republishes events of this service."""
Pending = dict[str, list[str]]
"""Unacknowledged events, by service."""


@dataclass(slots=True)
class FinalCheck(Generic[T]):
    """Checks many completed transfers with one request to each service."""

    kind: Kind[T]
    transfers: Transfers[T]
    transactor: Transactor
    services: ServiceClients
    republish: Republish
    settings: UploadSettings
    clock: Clock

    async def check(self, items: Sequence[T]) -> None:
        """Mark acknowledged transfers, republish pending events, mark transfers as stalled after the last attempt."""
        pending = await self._pending(items)
        settled = [item for item in items if item.id not in pending]
        late = [item for item in items if item.id in pending]
        last, now = self.settings.settle_attempts, self.clock()
        await self.transfers.recheck([self.kind.settled(item) for item in settled])
        checked_total.labels("acknowledged").inc(sum(item.measure.files for item in settled if not item.missing))
        again = [item for item in late if item.attempts < last]
        try:
            await self._publish_again([(item, pending[item.id]) for item in again])
        except DomainError:  # nothing was republished, so this attempt does not count
            soon = now + timedelta(seconds=self.settings.lease_seconds)
            await self.transfers.recheck([Recheck(each, soon, {"attempts": each.attempts - 1}) for each in again])
            raise
        await self._stall([item for item in late if item.attempts >= last and not item.missing], pending)
        plans = [Recheck(item, next_final_check(item.attempts, now, self.settings)) for item in late]
        await self.transfers.recheck(plans)
        if late or any(item.missing for item in settled):
            wake(GAUGES)

    async def _pending(self, items: Sequence[T]) -> dict[str, Pending]:
        """Return the unacknowledged events of each transfer, by id; without the transfers that have none."""
        expected = {item.id: self._expected(item) for item in items}
        asked: Pending = {}
        for events in expected.values():
            for service, ids in events.items():
                asked.setdefault(service, []).extend(ids)
        done = await self.services.settled(asked)
        pending: dict[str, Pending] = {}
        for key, events in expected.items():
            late = {service: [event for event in ids if event not in done[service]] for service, ids in events.items()}
            late = {service: ids for service, ids in late.items() if ids}
            if late:
                pending[key] = late
        return pending

    def _expected(self, item: T) -> Pending:
        expected: Pending = {service: list(item.file_events) for service in acknowledged_by(FileCreated)}
        for service in acknowledged_by(self.kind.completed_event):
            expected.setdefault(service, []).append(item.completed_event_id or "")
        return expected

    async def _publish_again(self, late: Sequence[tuple[T, Pending]]) -> None:
        """Republish file events through metadata, and transfer events from this service's outbox."""
        file_events: dict[str, None] = {}
        own_events: dict[str, None] = {}
        for item, pending in late:
            for service, events in pending.items():
                republished_total.labels(service).inc()
                for event in events:
                    (own_events if event == item.completed_event_id else file_events)[event] = None
        if file_events:
            await self.services.republish_file_events(list(file_events))
        if own_events:
            await self.republish(list(own_events))

    async def _stall(self, stalled: Sequence[T], pending: Mapping[str, Pending]) -> None:
        if not stalled:
            return
        missing = {item.id: pending[item.id] for item in stalled}

        async def work(transaction: Transaction) -> None:
            current = await self.transfers.by_ids(list(missing), transaction.session)
            fresh = {item.id: tuple(missing[item.id]) for item in current.values() if not item.missing}
            await self.transfers.mark_stalled(fresh, transaction.session)
            for key, services in fresh.items():
                transaction.publish(self.kind.stalled(current[key], services))

        await self.transactor.run(work)
        checked_total.labels("stalled").inc(sum(item.measure.files for item in stalled))
        first, services = next(iter(missing.items()))
        event = self.kind.completed_event.type
        log.warning("uploads_stalled", event_type=event, count=len(missing), first=first, missing=list(services))


def next_final_check(attempts: int, now: datetime, settings: UploadSettings) -> datetime:
    """Return the time of the next check after `attempts` checks."""
    first, longest = settings.settle_first_delay_seconds, settings.settle_longest_delay_seconds
    pause = longest if attempts >= settings.settle_attempts else backoff(attempts + 1, first=first, longest=longest)
    return now + timedelta(seconds=pause)
