"""A client that changes files during faults, and a ledger of what the API acknowledged."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from busy_client import UPLOADED, WORD, BusyClient, Notices, StartOver, Steps, notified_exactly
from deployments import Mailbox
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

Operations = Mapping[str, Counter[str]]
"""How often each file was changed, by the type of the change."""


@dataclass
class Entry:
    """A file as the acknowledged operations left it. Sizes in bytes."""

    id: str
    path: str
    versions: list[bytes]
    is_trashed: bool = False
    operations: Counter[str] = field(default_factory=Counter)
    """Acknowledged operations by the type of the change that they make."""
    notices: Notices = field(default_factory=Counter)
    """What its owner is notified of, once they follow the folder."""

    def record(self, change: str) -> None:
        """Count an acknowledged operation, once the path is the one after it."""
        self.operations[change] += 1
        self.notices[self.path, change] += 1
        if change in ("created", "modified"):
            self.notices[self.path, UPLOADED] += 1


class Ledger:
    """Creates, replaces, moves, trashes and restores files of one person, one operation after the other."""

    def __init__(self, client: BusyClient, rng: random.Random) -> None:
        self._client = client
        self._rng = rng
        self.entries: dict[str, Entry] = {}

    @property
    def person(self) -> Person:
        return self._client.person

    async def follow(self) -> None:
        """Ask for a mail about each change, before any: otherwise mails are about uploads only."""
        folder = await self.person.call("POST", "/v1/folders", {"path": FOLDER})
        await self.person.call("POST", "/v1/subscriptions", {"file_id": folder["id"], "channel": "email"})

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
        entry = self.entries[file["id"]] = Entry(file["id"], file["path"], [steps.content])
        entry.record("created")

    async def _replace(self, entry: Entry) -> None:
        content = f"{entry.path} {new_id()}".encode()
        body = {"file_id": entry.id, "size": len(content), "method": "put", "base_version": len(entry.versions)}
        while not await self._uploaded(body, content):
            pass
        entry.versions.append(content)
        entry.record("modified")

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
        entry.record("moved")

    async def _trash(self, entry: Entry) -> None:
        await self._changing("DELETE", f"/v1/files/{entry.id}", done_if="not_found")
        entry.is_trashed = True
        entry.record("deleted")

    async def _restore(self, entry: Entry) -> None:
        file = await self._changing("POST", f"/v1/files/{entry.id}/restore", done_if="not_found")
        entry.path = file["path"] if file else entry.path
        entry.is_trashed = False
        entry.record("restored")

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
    operations = {entry.id: entry.operations for entry in entries.values()}
    await _journal_is_exact(person, operations)
    await person.counted(sum(len(content) for entry in entries.values() for content in entry.versions))
    await person.found(WORD, *(entry.path for entry in live.values()), limit=100)
    await _audit_is_exact(admin, person, operations)


async def ledger_is_notified(ledger: Ledger, mailbox: Mailbox) -> None:
    """Every acknowledged operation of a ledger that follows its folder is in exactly one mail, an upload in two."""
    notices: Notices = Counter()
    for entry in ledger.entries.values():
        notices.update(entry.notices)
    await notified_exactly(mailbox, ledger.person, notices)


async def uploads_are_recorded(person: Person, admin: Person) -> None:
    """Every file of an uploader is created exactly once in journal and audit log, and modified by each version after.

    The listing counts, once it was compared with the completed uploads: one whose response was lost may be among them.
    """
    listed = await person.every("/v1/files", path=FOLDER, limit=500)
    operations = {file["id"]: Counter(created=1, modified=file["version"] - 1) for file in listed}
    await _journal_is_exact(person, operations)
    await _audit_is_exact(admin, person, operations)


async def _journal_is_exact(person: Person, expected: Operations) -> None:
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    cursor, numbers, more = "", [], True
    while more:
        page = await person.call("GET", f"/v1/changes?limit=1000&cursor={cursor}")
        for change in page["changes"]:
            numbers.append(change["seq"])
            if change["file"]["kind"] == "file":
                found[change["file"]["id"]][change["type"]] += 1
        cursor, more = page["cursor"], page["has_more"]
    assert numbers == list(range(1, len(numbers) + 1))
    wrong = _differences(found, expected)
    assert not wrong, f"in the journal: {wrong}"


async def _audit_is_exact(admin: Person, person: Person, expected: Operations) -> None:
    wrong: list[str] = []

    async def as_it_should_be() -> bool:
        nonlocal wrong
        wrong = _differences(await _audited(admin, person), expected)
        return not wrong

    try:
        await eventually(as_it_should_be, every=0.3)
    except AssertionError:
        raise AssertionError(f"in the audit log: {wrong}") from None


async def _audited(admin: Person, person: Person) -> Operations:
    """What the audit log has of all files of a person in the folder."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for change, action in AUDITED.items():
        for entry in await admin.every("/v1/admin/audit", account_id=person.id, action=action, limit=500):
            if entry["detail"].startswith(f"{FOLDER}/"):  # else it is the folder itself
                found[entry["object_id"]][change] += 1
    return found


def _differences(found: Operations, expected: Operations) -> list[str]:
    none: Counter[str] = Counter()
    pairs = [(file_id, found.get(file_id, none), expected.get(file_id, none)) for file_id in {**found, **expected}]
    return [f"{file_id} is {was} instead of {wanted}" for file_id, was, wanted in pairs if was != wanted]
