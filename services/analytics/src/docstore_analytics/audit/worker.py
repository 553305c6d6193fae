"""Background work of the audit log: seals entries and anchors the log's end in the object store."""

from datetime import timedelta
from typing import Protocol

import structlog

from docstore_analytics.audit.anchors import Anchor, Anchors, Objects
from docstore_analytics.audit.repository import AuditRepository, Seal, SealRepository
from docstore_analytics.audit.rules import Break, Chained, Head
from docstore_analytics.audit.sealed import packed, sealed_key
from docstore_analytics.audit.service import AuditVerifier
from docstore_analytics.metrics import audit_contradicted, audit_entries, audit_unsealed_entries
from docstore_platform.clock import Clock, utc_now

log = structlog.get_logger(__name__)

GZIP = "application/gzip"


class Lease(Protocol):
    async def hold(self) -> bool:
        """Whether this instance is the one to seal and anchor."""


class AuditSealer:
    def __init__(
        self,
        store: AuditRepository,
        seals: SealRepository,
        objects: Objects,
        lease: Lease,
        anchors: Anchors,
        verifier: AuditVerifier,
        *,
        region: str,
        segment_seconds: float,
        segment_entries: int,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._seals = seals
        self._objects = objects
        self._lease = lease
        self._anchors = anchors
        self._verifier = verifier
        self._anchored: tuple[Head, int] | None = None
        self._reported: Break | None = None
        self._region = region
        self._wait = timedelta(seconds=segment_seconds)
        self._entries = segment_entries
        self._clock = clock

    async def seal_due(self) -> int:
        """Write due entries into immutable objects; return how many objects.

        An object is written before its seal is stored. A writer that dies in between leaves an unused object, and its
        entries are sealed again in another one.
        """
        head = await self._store.head()
        sealed_to = await self._verifier.sealed_to()
        audit_entries.set(head.number)
        audit_unsealed_entries.set(head.number - sealed_to)
        sealed = 0
        while head.number > sealed_to and await self._lease.hold():
            first = [entry async for entry in self._store.entries_after(sealed_to, 1)]
            if not first or not self._is_due(first[0], head.number) or await self._verifier.contradiction():
                break
            entries = [entry async for entry in self._store.entries_after(sealed_to, self._entries)]
            start, end = entries[0].number, entries[-1].number
            seal = Seal(start, end, sealed_key(self._region, start, end))
            await self._objects.put(seal.key, packed(entries), content_type=GZIP)
            if not await self._seals.add(seal):
                break
            log.info("audit_log_sealed", key=seal.key)
            sealed_to, sealed = seal.last, sealed + 1
        return sealed

    def _is_due(self, first: Chained, last: int) -> bool:
        """Whether the entries from `first` to number `last` are many, or old enough."""
        return last - first.number >= self._entries - 1 or first.entry.at <= self._clock() - self._wait

    async def anchor_due(self) -> bool:
        """Write the current end of the audit log to the object store and the service log, if it has grown.

        A log that contradicts its last anchor gets no new one, so that verification finds the last true one.
        """
        state = (await self._store.head(), await self._verifier.sealed_to())
        if state == self._anchored:
            return False
        if not await self._lease.hold():
            audit_contradicted.set(False)  # the instance that anchors shows it
            return False
        broken = await self._verifier.contradiction()
        audit_contradicted.set(broken is not None)
        if broken and broken != self._reported:
            log.error("audit_log_tampered", number=broken.number, reason=broken.reason, detail=broken.detail)
        self._reported = broken
        if broken:
            return False
        last, (head, sealed_to) = await self._anchors.last(), state
        if head.number and (last is None or (last.number, last.sealed_to) != (head.number, sealed_to)):
            await self._anchors.add(Anchor(last.seq + 1 if last else 1, head.number, head.signature, sealed_to))
            log.info("audit_log_anchored", number=head.number, signature=head.signature)
        self._anchored = state
        return True
