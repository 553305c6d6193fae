"""The audit log beyond its writing: sealing and anchoring in the object store, verifying."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import orjson
import structlog

from docstore_analytics.audit_anchors import Anchor, AnchorChanged, AnchorMissing, Anchors, Objects
from docstore_analytics.audit_chain import BEGINNING, Break, Chain, Chained, Head, moment_text, row_of
from docstore_analytics.audit_seals import AuditSeals, Seal
from docstore_analytics.metrics import audit_contradicted, audit_entries, audit_unsealed_entries
from docstore_analytics.storage import MongoStore
from docstore_contents.s3.transport import ObjectNotFound, ObjectStoreError
from docstore_platform.clock import Clock, utc_now

log = structlog.get_logger(__name__)

GZIP = "application/gzip"


class Lease(Protocol):
    async def hold(self) -> bool:
        """Whether this instance is the one that seals and anchors."""
        ...


@dataclass(frozen=True, slots=True)
class Verified:
    """What one page of verifying has found: `after` is where the next page begins, None at the end.

    `number` and `signature` are of the last entry that is as it was written. `not_compared` says why the entries could
    not be compared with what is in the object store; empty: they were.
    """

    number: int
    signature: str
    checked: int
    head: Head
    broken: Break | None
    after: int | None
    anchor: Anchor | None
    not_compared: str


class AuditLog:
    def __init__(
        self,
        store: MongoStore,
        seals: AuditSeals,
        objects: Objects,
        chain: Chain,
        lease: Lease,
        anchors: Anchors,
        *,
        region: str,
        segment_seconds: float,
        segment_entries: int,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._seals = seals
        self._objects = objects
        self._chain = chain
        self._lease = lease
        self._anchors = anchors
        self._anchored: tuple[Head, int] | None = None
        self._reported: Break | None = None
        self._region = region
        self._wait = timedelta(seconds=segment_seconds)
        self._entries = segment_entries
        self._clock = clock

    # --- sealing -----------------------------------------------------------------------------------------

    async def seal_due(self) -> int:
        """Put what is due into objects of its own, which are never changed; answers how many.

        An object is written before it is noted. Of a writer that dies in between an object stays that nobody looks
        for; its entries are sealed again, in another.
        """
        head = await self._store.head()
        last = await self._seals.last()
        sealed_to = last.last if last else 0
        audit_entries.set(head.number)
        audit_unsealed_entries.set(head.number - sealed_to)
        sealed = 0
        while head.number > sealed_to and await self._lease.hold():
            entries = [entry async for entry in self._store.entries_after(sealed_to, self._entries)]
            if not entries or not self._is_due(entries) or await self._contradiction():
                break
            seal = Seal(entries[0].number, entries[-1].number, self._key(entries[0].number, entries[-1].number))
            await self._objects.put(seal.key, _packed(entries), content_type=GZIP)
            if not await self._seals.add(seal):
                break
            log.info("audit log sealed", key=seal.key)
            sealed_to, sealed = seal.last, sealed + 1
        return sealed

    def _is_due(self, entries: list[Chained]) -> bool:
        return len(entries) >= self._entries or entries[0].entry.at <= self._clock() - self._wait

    def _key(self, first: int, last: int) -> str:
        return f"archive/audit/{self._region}/{first:012}-{last:012}.jsonl.gz"

    # --- anchoring ---------------------------------------------------------------------------------------

    async def anchor_due(self) -> bool:
        """Note in the object store and the service's log where the audit log ends now, if it has grown.

        A log that contradicts the last anchor gets no other: whoever verifies it finds the last true one.
        """
        state = (await self._store.head(), await self._sealed_to())
        if state == self._anchored or not await self._lease.hold():
            return False
        broken = await self._contradiction()
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

    async def _contradiction(self) -> Break | None:
        """What of the log is not as the last anchor says. ObjectStoreError."""
        try:
            anchor = await self._anchors.last()
        except (AnchorMissing, AnchorChanged) as error:
            return _anchor_break(error)
        return await self._check_anchor(anchor)

    async def _check_anchor(self, anchor: Anchor | None) -> Break | None:
        if anchor is None:
            return None
        head = await self._store.head()
        if head.number < anchor.number:
            detail = f"anchor {anchor.seq} in the object store knows {anchor.number} entries"
            return Break(head.number + 1, "cut_off", detail)
        entry = await self._store.entry(anchor.number)
        if entry is None or entry.signature != anchor.signature:
            detail = f"anchor {anchor.seq} in the object store has another signature"
            return Break(anchor.number, "differs_from_anchor", detail)
        sealed_to = await self._sealed_to()
        if sealed_to < anchor.sealed_to:
            return Break(sealed_to + 1, "seal_missing", f"entries up to {anchor.sealed_to} had been sealed")
        return None

    async def _sealed_to(self) -> int:
        last = await self._seals.last()
        return last.last if last else 0

    # --- verifying ---------------------------------------------------------------------------------------

    async def verify(self, after: int, limit: int) -> Verified:
        """Check up to `limit` entries that follow number `after`, those in the object store too, and the end."""
        head = await self._store.head()
        number, signature = after, BEGINNING
        anchor, not_compared = None, ""

        def found(broken: Break | None, *, more: bool = False) -> Verified:
            next_after = number if more else None
            return Verified(number, signature, number - after, head, broken, next_after, anchor, not_compared)

        if head.key and head.key not in self._chain.fingerprints:
            return found(Break(head.number, "other_key", "the end was signed with another key"))
        try:
            anchor = await self._anchors.last()
        except (AnchorMissing, AnchorChanged) as error:
            return found(_anchor_break(error))
        except ObjectStoreError as error:
            not_compared = f"the object store does not answer: {error}"
        if after:
            before = await self._store.entry(after)
            if before is None:
                return found(Break(after, "missing", "there is no such entry"))
            signature = before.signature
        sealed_to = max(anchor.sealed_to if anchor else 0, await self._sealed_to())
        seals = await self._seals.between(after + 1, after + limit)
        sealed = _SealedEntries(self._objects, seals, sealed_to, self._key)
        async for chained in self._store.entries_after(after, limit):
            broken = self._chain.check(chained, number + 1, signature)
            if not broken and not not_compared:
                try:
                    broken = await sealed.check(chained)
                except ObjectStoreError as error:
                    not_compared = f"the object store does not answer: {error}"
            if broken:
                return found(broken)
            number, signature = chained.number, chained.signature
        if number - after == limit:
            return found(None, more=True)
        if number >= head.number:  # entries have come meanwhile, or none: the end is what the head says now
            head = await self._store.head()
            if number < head.number:
                return found(None, more=True)
        broken = self._chain.check_head(head, number, signature) or await self._check_last_seal(number)
        return found(broken or await self._check_anchor(anchor))

    async def _check_last_seal(self, number: int) -> Break | None:
        last = await self._seals.last()
        if last is not None and last.last > number:
            return Break(number + 1, "cut_off", f"entries up to {last.last} are sealed in {last.key}")
        return None


def _anchor_break(error: AnchorMissing | AnchorChanged) -> Break:
    return Break(0, "anchor_missing" if isinstance(error, AnchorMissing) else "anchor_changed", str(error))


class _SealedEntries:
    """The sealed copies of the entries that are being looked at."""

    def __init__(self, objects: Objects, seals: list[Seal], sealed_to: int, key: Callable[[int, int], str]) -> None:
        self._objects = objects
        self._seals = seals
        self._sealed_to = sealed_to
        self._key = key
        self._rows: dict[int, Mapping[str, Any]] = {}
        self._loaded: Seal | None = None

    async def check(self, chained: Chained) -> Break | None:
        """Whether the entry is what was sealed; one that is not sealed yet is. ObjectStoreError."""
        seal = next((each for each in self._seals if each.first <= chained.number <= each.last), None)
        if seal is None:
            if chained.number > self._sealed_to:
                return None
            return Break(chained.number, "seal_missing", f"entries up to {self._sealed_to} had been sealed")
        if seal.key != self._key(seal.first, seal.last):
            return Break(chained.number, "differs_from_sealed", f"{seal.key} is no object of the audit log")
        if seal != self._loaded:
            try:
                self._rows = _unpacked(await self._objects.get(seal.key))
            except ObjectNotFound:
                return Break(chained.number, "differs_from_sealed", f"{seal.key} is gone")
            except (OSError, EOFError, ValueError, KeyError, TypeError):
                return Break(chained.number, "differs_from_sealed", f"{seal.key} can't be read")
            self._loaded = seal
        if self._rows.get(chained.number) != orjson.loads(_line(chained)):
            return Break(chained.number, "differs_from_sealed", f"{seal.key} has something else")
        return None


def _line(chained: Chained) -> bytes:
    row = row_of(chained)
    row["number"] = row.pop("_id")
    moment: datetime = row["at"]
    return orjson.dumps(row | {"at": moment_text(moment)}, default=repr)


def _packed(entries: list[Chained]) -> bytes:
    return gzip.compress(b"\n".join(map(_line, entries)) + b"\n", mtime=0)


def _unpacked(data: bytes) -> dict[int, Mapping[str, Any]]:
    rows = (orjson.loads(line) for line in gzip.decompress(data).splitlines())
    return {row["number"]: row for row in rows}
