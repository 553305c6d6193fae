"""The audit log beyond its writing: sealing in the object store, searching, verifying."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import orjson
import structlog

from docstore_analytics.audit_chain import BEGINNING, Break, Chain, Chained, Head, moment_text, row_of
from docstore_analytics.audit_seals import AuditSeals, Seal
from docstore_analytics.metrics import audit_entries, audit_unsealed_entries
from docstore_analytics.storage import MongoStore
from docstore_platform.clock import Clock, utc_now
from docstore_platform.s3_transport import ObjectNotFound

log = structlog.get_logger(__name__)

GZIP = "application/gzip"
LEASE = "audit"


class Lease(Protocol):
    async def hold_lease(self, name: str) -> bool: ...


class Objects(Protocol):
    async def put(self, key: str, data: bytes, *, content_type: str) -> object: ...

    async def get(self, key: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Verified:
    """What one page of verifying has found: `after` is where the next page begins, None at the end.

    `number` and `signature` are of the last entry that is as it was written.
    """

    number: int
    signature: str
    checked: int
    head: Head
    broken: Break | None
    after: int | None


class AuditLog:
    def __init__(
        self,
        store: MongoStore,
        seals: AuditSeals,
        objects: Objects,
        chain: Chain,
        lease: Lease,
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
        while head.number > sealed_to and await self._lease.hold_lease(LEASE):
            entries = [entry async for entry in self._store.entries_after(sealed_to, self._entries)]
            if not entries or not self._is_due(entries):
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

    # --- verifying ---------------------------------------------------------------------------------------

    async def verify(self, after: int, limit: int) -> Verified:
        """Check up to `limit` entries that follow number `after`, those in the object store too, and the end."""
        head = await self._store.head()
        number, signature = after, BEGINNING

        def found(broken: Break | None, *, more: bool = False) -> Verified:
            return Verified(number, signature, number - after, head, broken, number if more else None)

        if head.key and head.key not in self._chain.fingerprints:
            return found(Break(head.number, "other_key", "the end was signed with another key"))
        if after:
            before = await self._store.entry(after)
            if before is None:
                return found(Break(after, "missing", "there is no such entry"))
            signature = before.signature
        sealed = _SealedEntries(self._objects, await self._seals.between(after + 1, after + limit))
        async for chained in self._store.entries_after(after, limit):
            broken = self._chain.check(chained, number + 1, signature) or await sealed.check(chained)
            if broken:
                return found(broken)
            number, signature = chained.number, chained.signature
        if number - after == limit:
            return found(None, more=True)
        if number >= head.number:  # entries have come meanwhile, or none: the end is what the head says now
            head = await self._store.head()
            if number < head.number:
                return found(None, more=True)
        return found(self._chain.check_head(head, number, signature) or await self._check_last_seal(number))

    async def _check_last_seal(self, number: int) -> Break | None:
        last = await self._seals.last()
        if last is not None and last.last > number:
            return Break(number + 1, "cut_off", f"entries up to {last.last} are sealed in {last.key}")
        return None


class _SealedEntries:
    """The sealed copies of the entries that are being looked at."""

    def __init__(self, objects: Objects, seals: list[Seal]) -> None:
        self._objects = objects
        self._seals = seals
        self._rows: dict[int, Mapping[str, Any]] = {}
        self._loaded: Seal | None = None

    async def check(self, chained: Chained) -> Break | None:
        """Whether the entry is what was sealed; one that is not sealed yet is."""
        seal = next((each for each in self._seals if each.first <= chained.number <= each.last), None)
        if seal is None:
            return None
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
