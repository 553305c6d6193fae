"""The audit log's database and object store in memory."""

import copy
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from analytics_events import AT

from docstore_analytics.audit_anchors import Anchors
from docstore_analytics.audit_chain import NO_HEAD, Chain, Chained, Entry, Head
from docstore_analytics.audit_log import AuditLog, Verified
from docstore_analytics.audit_seals import Seal
from docstore_contents.s3.transport import ObjectNotFound, ObjectStoreUnavailable

KEY = Chain(b"key")


@dataclass
class Database:
    """All that whoever can write to the database can change."""

    entries: dict[int, Chained] = field(default_factory=dict)
    head: Head = NO_HEAD
    seals: dict[int, Seal] = field(default_factory=dict)
    anchor_seq: int = 0


class Objects:
    """An object store that can be `away`."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.away = False

    def _reach(self) -> None:
        if self.away:
            raise ObjectStoreUnavailable("ServiceUnavailable", "no answer")

    async def put(self, key: str, data: bytes, *, content_type: str) -> object:
        self._reach()
        self.kept[key] = data
        return None

    async def get(self, key: str) -> bytes:
        self._reach()
        if key not in self.kept:
            raise ObjectNotFound("NoSuchKey", key)
        return self.kept[key]


class World:
    """An audit log over both, as store, seals, notes and lease at once."""

    def __init__(self, *, segment_entries: int = 4) -> None:
        self.database = Database()
        self.objects = Objects()
        self.segment_entries = segment_entries
        self.happened = 0
        self.restart()

    def restart(self) -> None:
        """A new instance of the service: it remembers nothing."""
        any_self: Any = self
        self.log = AuditLog(
            any_self,
            _Seals(self),  # type: ignore[arg-type]
            self.objects,
            KEY,
            any_self,
            Anchors(self.objects, any_self, KEY, "r"),
            region="r",
            segment_seconds=1e9,
            segment_entries=self.segment_entries,
            clock=lambda: AT,
        )

    def append(self, count: int) -> None:
        """Entries as the service writes them: onto whatever head there is."""
        head = self.database.head
        chained = KEY.append([entry(self.happened + number) for number in range(1, count + 1)], head)
        self.happened += count
        self.database.entries |= {each.number: each for each in chained}
        self.database.head = KEY.head(chained[-1])

    def snapshot(self) -> Database:
        return copy.deepcopy(self.database)

    async def verify(self, limit: int = 3) -> Verified:
        """Page after page."""
        after = 0
        while True:
            found = await self.log.verify(after, limit)
            if found.broken or found.after is None:
                return found
            after = found.after

    # --- store, lease, notes ---------------------------------------------------------------------------

    async def entry(self, number: int) -> Chained | None:
        return self.database.entries.get(number)

    async def entries_after(self, number: int, limit: int) -> AsyncIterator[Chained]:
        for each in sorted(each for each in self.database.entries if each > number)[:limit]:
            yield self.database.entries[each]

    async def hold(self) -> bool:
        return True

    async def last_seq(self) -> int:
        return self.database.anchor_seq

    async def note(self, seq: int) -> None:
        self.database.anchor_seq = seq

    async def head(self) -> Head:
        return self.database.head


class _Seals:
    def __init__(self, world: World) -> None:
        self._world = world

    async def add(self, seal: Seal) -> bool:
        return self._world.database.seals.setdefault(seal.first, seal) is seal

    async def last(self) -> Seal | None:
        seals = self._world.database.seals
        return seals[max(seals)] if seals else None

    async def between(self, first: int, last: int) -> list[Seal]:
        return [seal for seal in self._world.database.seals.values() if seal.last >= first and seal.first <= last]


def entry(number: int) -> Entry:
    return Entry(
        at=AT + timedelta(milliseconds=number),
        kind="change",
        action="file-moved",
        actor_id="ann",
        object_id=f"file-{number}",
        status=0,
        client="",
        session_id="",
        source_id=f"event-{number}",
        detail="/a",
    )
