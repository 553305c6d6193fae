"""A client that changes files during faults, and a ledger of what the API acknowledged."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from busy_client import WORD, BusyClient, StartOver, Steps
from people import Json, Person

from docstore_cli.api import ApiError
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

FOLDER = "/busy"
MAX_REPLACEMENTS = 5
"""Fewer than the versions that are kept, so that each acknowledged version still counts."""
AUDITED = {
    "created": "file-created",
    "modified": "file-modified",
    "moved": "file-moved",
    "deleted": "file-deleted",
    "restored": "file-restored",
}


@dataclass
class Entry:
    """A file as the acknowledged operations left it. Sizes in bytes."""

    id: str
    path: str
    versions: list[bytes]
    is_trashed: bool = False
    operations: Counter[str] = field(default_factory=Counter)
    """Acknowledged operations by the type of the change that they make."""


class Ledger:
    """Creates, replaces, moves, trashes and restores files of one person, one operation after the other."""

    def __init__(self, client: BusyClient, rng: random.Random) -> None:
        self._client = client
        self._rng = rng
        self.entries: dict[str, Entry] = {}

    @property
    def person(self) -> Person:
        return self._client.person

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Operations go on until the block ends; the one under way then is finished. A failure ends the block."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._work(stop))
            yield
            stop.set()

    @property
    def operations(self) -> int:
        return sum(entry.operations.total() for entry in self.entries.values())

    async def _work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.operate()

    async def operate(self) -> None:
        """One random operation that the state of a random file allows; returns once it is acknowledged."""
        live = [entry for entry in self.entries.values() if not entry.is_trashed]
        trashed = [entry for entry in self.entries.values() if entry.is_trashed]
        choices: list[tuple[Callable[[Entry], Awaitable[None]], list[Entry]]] = [
            (self._replace, [entry for entry in live if len(entry.versions) <= MAX_REPLACEMENTS]),
            (self._move, live),
            (self._trash, live),
            (self._restore, trashed),
        ]
        possible = [(operation, entries) for operation, entries in choices if entries]
        if not possible or self._rng.random() < 0.3:
            await self._create()
            return
        operation, entries = self._rng.choice(possible)
        await operation(self._rng.choice(entries))

    async def _create(self) -> None:
        steps = Steps(self._client)
        await steps.go_on()
        file = steps.file
        self.entries[file["id"]] = Entry(file["id"], file["path"], [steps.content], operations=Counter(created=1))

    async def _replace(self, entry: Entry) -> None:
        content = f"{entry.path} {new_id()}".encode()
        body = {"file_id": entry.id, "size": len(content), "method": "put", "base_version": len(entry.versions)}
        while not await self._uploaded(body, content):
            pass
        entry.versions.append(content)
        entry.operations["modified"] += 1

    async def _uploaded(self, body: Json, content: bytes) -> bool:
        """Whether the upload came to its end; it may have expired during an outage."""
        upload = await self._changing("POST", "/v1/uploads", body | {"on_conflict": "fail"})
        try:
            await self._client.insist(lambda: self._client.put_once(upload, content))
            await self._client.insist(lambda: self.person.complete(upload))
        except StartOver:
            return False
        return True

    async def _move(self, entry: Entry) -> None:
        name = f"{WORD} {new_id()}.txt"
        file = await self._changing("PATCH", f"/v1/files/{entry.id}", {"name": name})
        entry.path = file["path"]
        entry.operations["moved"] += 1

    async def _trash(self, entry: Entry) -> None:
        await self._changing("DELETE", f"/v1/files/{entry.id}", done_if="not_found")
        entry.is_trashed = True
        entry.operations["deleted"] += 1

    async def _restore(self, entry: Entry) -> None:
        file = await self._changing("POST", f"/v1/files/{entry.id}/restore", done_if="not_found")
        entry.path = file["path"] if file else entry.path
        entry.is_trashed = False
        entry.operations["restored"] += 1

    async def _changing(self, method: str, path: str, body: Any = None, *, done_if: str = "") -> Any:
        """Call until it is acknowledged. `done_if`: the refusal of a repeated call whose first answer was lost."""
        key, tries = {"idempotency-key": new_id()}, 0

        async def attempt() -> Any:
            nonlocal tries
            tries += 1
            try:
                return await self.person.call(method, path, body, key)
            except ApiError as error:
                if tries > 1 and error.code == done_if:
                    return None
                raise

        return await self._client.insist(attempt)


async def ledger_is_kept(ledger: Ledger, admin: Person) -> None:
    """Every acknowledged operation is exactly once in listing, trash, content, journal, usage, search and audit log."""
    person, entries = ledger.person, ledger.entries
    live = {entry.id: entry for entry in entries.values() if not entry.is_trashed}
    listed = {file["id"]: file for file in await person.every("/v1/files", path=FOLDER, limit=500)}
    shown = {file_id: (file["path"], file["version"]) for file_id, file in listed.items()}
    assert shown == {entry.id: (entry.path, len(entry.versions)) for entry in live.values()}
    trashed = {file["id"] for file in await person.every("/v1/trash", limit=500)}
    assert trashed == entries.keys() - live.keys()
    for entry in live.values():
        for number, content in enumerate(entry.versions, 1):
            assert await person.content(entry.id, number) == content
    await _journal_is_exact(person, entries)
    await person.counted(sum(len(content) for entry in entries.values() for content in entry.versions))
    await person.found(WORD, *(entry.path for entry in live.values()), limit=100)
    await _audit_is_exact(admin, entries)


async def _journal_is_exact(person: Person, entries: dict[str, Entry]) -> None:
    seen: dict[str, Counter[str]] = {file_id: Counter() for file_id in entries}
    cursor, numbers, more = "", [], True
    while more:
        page = await person.call("GET", f"/v1/changes?limit=1000&cursor={cursor}")
        for change in page["changes"]:
            numbers.append(change["seq"])
            if change["file"]["kind"] == "file":
                seen[change["file"]["id"]][change["type"]] += 1
        cursor, more = page["cursor"], page["has_more"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert seen == {entry.id: entry.operations for entry in entries.values()}


async def _audit_is_exact(admin: Person, entries: dict[str, Entry]) -> None:
    expected = {
        entry.id: Counter({AUDITED[kind]: count for kind, count in entry.operations.items()})
        for entry in entries.values()
    }

    async def audited(file_id: str) -> Counter[str]:
        log = await admin.every("/v1/admin/audit", object_id=file_id, limit=500)
        return Counter(entry["action"] for entry in log if entry["action"] in AUDITED.values())

    for file_id, operations in expected.items():
        found: Counter[str] = Counter()

        async def as_it_should_be(file_id: str = file_id, operations: Counter[str] = operations) -> bool:
            nonlocal found
            found = await audited(file_id)
            return found == operations

        try:
            await eventually(as_it_should_be, every=0.3)
        except AssertionError:
            raise AssertionError(f"{file_id} is audited as {found} instead of {operations}") from None
