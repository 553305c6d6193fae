"""The audit log's database and object store in memory."""

import copy
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from analytics_events import AT

from docstore_analytics.audit.anchors import Anchors
from docstore_analytics.audit.repository import AuditQuery, Seal
from docstore_analytics.audit.rules import NO_HEAD, Chain, Chained, Entry, Head
from docstore_analytics.audit.service import AuditVerifier, Verified
from docstore_analytics.audit.worker import AuditSealer
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
    """An audit log on fakes of both, with its sealer and its verifier."""

    def __init__(self, *, segment_entries: int = 4) -> None:
        self.database = Database()
        self.objects = Objects()
        self.segment_entries = segment_entries
        self.happened = 0
        self.restart()

    def restart(self) -> None:
        """A new instance of the service: it remembers nothing."""
        audit, seals = FakeAudit(self), FakeSeals(self)
        anchors = Anchors(self.objects, FakeNotes(self), KEY, "r")
        self.verifier = AuditVerifier(audit, seals, self.objects, KEY, anchors, region="r")
        self.sealer = AuditSealer(
            audit,
            seals,
            self.objects,
            FakeLease(),
            anchors,
            self.verifier,
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
            found = await self.verifier.verify(after, limit)
            if found.broken or found.after is None:
                return found
            after = found.after


class FakeAudit:
    def __init__(self, world: World) -> None:
        self._world = world

    async def head(self, transaction: object = None) -> Head:
        return self._world.database.head

    async def extend_chain(self, chained: Sequence[Chained], old: Head, new: Head, transaction: object) -> None:
        assert self._world.database.head == old
        self._world.database.entries |= {each.number: each for each in chained}
        self._world.database.head = new

    async def entry(self, number: int) -> Chained | None:
        return self._world.database.entries.get(number)

    async def entries_after(self, number: int, limit: int) -> AsyncIterator[Chained]:
        entries = self._world.database.entries
        for each in sorted(each for each in entries if each > number)[:limit]:
            yield entries[each]

    async def find_entries(self, query: AuditQuery, limit: int) -> list[Chained]:
        return sorted(self._world.database.entries.values(), key=lambda each: each.number, reverse=True)[:limit]


class FakeSeals:
    def __init__(self, world: World) -> None:
        self._world = world

    async def add(self, seal: Seal) -> bool:
        return self._world.database.seals.setdefault(seal.first, seal) is seal

    async def last(self) -> Seal | None:
        seals = self._world.database.seals
        return seals[max(seals)] if seals else None

    async def between(self, first: int, last: int) -> list[Seal]:
        return [seal for seal in self._world.database.seals.values() if seal.last >= first and seal.first <= last]


class FakeNotes:
    def __init__(self, world: World) -> None:
        self._world = world

    async def last_seq(self) -> int:
        return self._world.database.anchor_seq

    async def note(self, seq: int) -> None:
        self._world.database.anchor_seq = seq


class FakeLease:
    async def hold(self) -> bool:
        return True


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
