"""Anchors of the audit log outside the database: immutable signed objects with the log's end at some time.

`archive/audit/<region>/anchors/<seq>.json`; `seq` counts from 1 without a gap. An attacker who can only write to the
database can't truncate, reset or delete the log without contradicting the last anchor.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import orjson

from docstore_analytics.audit.repository import AnchorNotes
from docstore_analytics.audit.rules import Chain
from docstore_contents.s3.transport import ObjectNotFound

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Anchor:
    """The log had `number` entries, the last with `signature`, those up to `sealed_to` in sealed objects."""

    seq: int
    number: int
    signature: str
    sealed_to: int


class AnchorMissing(Exception):
    """A written anchor is missing in the object store."""

    def __init__(self, seq: int) -> None:
        super().__init__(f"anchor {seq} is missing in the object store")


class AnchorChanged(Exception):
    """An anchor in the object store was not signed by this log."""

    def __init__(self, seq: int) -> None:
        super().__init__(f"anchor {seq} in the object store was changed")


class Objects(Protocol):
    async def put(self, key: str, data: bytes, *, content_type: str) -> object: ...

    async def get(self, key: str) -> bytes: ...


class Anchors:
    """Anchors of one region's log."""

    def __init__(self, objects: Objects, notes: AnchorNotes, chain: Chain, region: str) -> None:
        self._objects = objects
        self._notes = notes
        self._chain = chain
        self._region = region

    async def last(self) -> Anchor | None:
        """Return the newest anchor in the object store, regardless of the database.

        AnchorMissing, AnchorChanged, ObjectStoreError.
        """
        low = await self._notes.last_seq()
        if low and not await self._get(low):
            raise AnchorMissing(low)
        step = 1
        while await self._get(low + step):
            low, step = low + step, step * 2
        while step > 1:  # the last one is within (low, low + step)
            step //= 2
            if await self._get(low + step):
                low += step
        return _read(await self._get(low), low) if low else None

    async def add(self, anchor: Anchor) -> None:
        """Write the next anchor."""
        row = asdict(anchor)
        data = orjson.dumps(row | {"region": self._region, "mac": self._chain.sign(self._signed(row))})
        await self._objects.put(anchor_key(self._region, anchor.seq), data, content_type=JSON)
        await self._notes.note(anchor.seq)

    async def _get(self, seq: int) -> Mapping[str, Any] | None:
        """Return an anchor with a valid signature; None if it does not exist."""
        try:
            data = await self._objects.get(anchor_key(self._region, seq))
        except ObjectNotFound:
            return None
        try:
            row = orjson.loads(data)
            mac, region = str(row.pop("mac")), row.pop("region")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AnchorChanged(seq) from error
        if region != self._region or row.get("seq") != seq or not self._chain.has_signed(self._signed(row), mac):
            raise AnchorChanged(seq)
        return dict(row)

    def _signed(self, row: Mapping[str, Any]) -> bytes:
        return b"anchor " + orjson.dumps([self._region, row], option=orjson.OPT_SORT_KEYS)


def anchor_key(region: str, seq: int) -> str:
    return f"archive/audit/{region}/anchors/{seq:012}.json"


def _read(row: Mapping[str, Any] | None, seq: int) -> Anchor:
    if row is None:  # deleted a moment ago
        raise AnchorMissing(seq)
    return Anchor(row["seq"], row["number"], row["signature"], row["sealed_to"])
