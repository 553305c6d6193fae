"""Order in which a plan is carried out, where it decides whether a kill or a failure loses content."""

import asyncio
import random
from contextlib import suppress
from datetime import date

import pytest
from sync_worlds import FILE, ROOT, Book, Disk, Killed, Server, Steps, no_flush

from docstore_sync.execution.apply import Applier
from docstore_sync.execution.ledger import DurableLedger
from docstore_sync.execution.outcome import Outcome
from docstore_sync.model import LocalEntry, SyncedEntry
from docstore_sync.names import Rules
from docstore_sync.planning.planner import plan
from docstore_sync.steps import StepFailed, Upload, Uploaded

RULES = Rules("laptop", date(2026, 1, 2))
pytestmark = pytest.mark.parametrize("seed", range(5))


class Watched(Steps):
    """Records uploads; fails those in `refused`, and simulates a kill after `last`."""

    uploaded: list[str]
    refused: str
    last: str

    def _upload(self, upload: Upload) -> Uploaded:
        if upload.path in self.refused:
            raise StepFailed("no room")
        if self.last in self.uploaded:
            raise Killed
        sent = super()._upload(upload)
        self.uploaded.append(upload.path)
        if upload.path == self.last:
            raise Killed
        return sent


class World:
    """A device in sync with files of these contents by name."""

    def __init__(self, seed: int, **files: str) -> None:
        self.disk, self.server, self.book = Disk(), Server(), Book()
        self.hands = Watched(self.disk, self.server, random.Random(seed))
        self.ids: dict[str, str] = {}
        for name, content in files.items():
            there = self.server.add(ROOT, name, FILE, content)
            self.book.record(SyncedEntry(there.id, ROOT, name, FILE, content, self.disk.add(name, FILE, content)))
            self.ids[name] = there.id

    def write(self, name: str, content: str) -> None:
        self.disk.entries[name] = LocalEntry(FILE, content, self.disk.entries[name].identity)

    def sync(self, *, refused: str = "", last: str = "") -> Outcome:
        self.hands.uploaded, self.hands.refused, self.hands.last = [], refused, last
        todo = plan(
            dict(self.disk.entries), self.server.nodes.values(), self.book.rows.values(), root_id=ROOT, rules=RULES
        )

        async def apply() -> Outcome:
            ledger = DurableLedger(self.book, no_flush)
            outcome = await Applier(todo, self.hands, ledger, RULES).run()
            await ledger.commit()
            return outcome

        return asyncio.run(apply())

    def there(self) -> dict[str, str]:
        return {path: content for path, (_, content) in self.server.tree().items()}


def test_content_with_a_local_copy_is_uploaded_before_it_is_replaced(seed: int) -> None:
    """Otherwise a kill in between would leave the copy matched as the file itself, and overwrite it."""
    world = World(seed, a="old")
    world.write("a", "new")
    world.disk.add("b", FILE, "old")
    world.sync()
    assert world.hands.uploaded == ["b", "a"]


def test_content_moved_between_files_is_uploaded_before_it_is_replaced(seed: int) -> None:
    """Three files: each has got the content of the next one."""
    world = World(seed, a="1", b="2", c="3")
    for name, content in ("a", "2"), ("b", "3"), ("c", "new"):
        world.write(name, content)
    world.sync()
    assert world.hands.uploaded == ["a", "b", "c"]


def test_an_edit_does_not_wait_for_a_copy_that_is_refused(seed: int) -> None:
    """The copy may be refused permanently, as in a read-only folder; the edit must not stay on this device only."""
    world = World(seed, a="old")
    world.write("a", "new")
    world.disk.add("b", FILE, "old")
    assert world.sync(refused="b").failures == ["upload b: no room"]
    assert world.there() == {"a": "new"}
    world.sync()
    assert world.there() == {"a": "new", "b": "old"}


def test_refused_swapped_contents_cause_no_conflict(seed: int) -> None:
    """The records of the files are unchanged."""
    world = World(seed, a="1", b="2")
    world.write("a", "2")
    world.write("b", "1")
    before = dict(world.book.rows)
    world.sync(refused="ab")
    assert world.book.rows == before
    world.sync()
    assert world.there() == {"a": "2", "b": "1"}


@pytest.mark.parametrize("last", ["a", "b"])
def test_swapped_contents_survive_a_kill(seed: int, last: str) -> None:
    """One content then exists on the server only as an old version; a renamed file matches neither of the two."""
    world = World(seed, a="1", b="2")
    world.write("a", "2")
    world.write("b", "1")
    with suppress(Killed):
        world.sync(last=last)
    world.disk.move("a", "y")
    world.disk.move("b", "z")
    for _ in range(3):
        world.sync()
    assert world.disk.tree() == world.server.tree()
    assert {"1", "2"} <= set(world.there().values())


def test_a_file_takes_the_place_of_its_own_old_copy(seed: int) -> None:
    """The old copy is deleted first, though its content is only local until the other is uploaded."""
    world = World(seed, a="1", b="2")
    world.server.remove(world.ids["b"])
    world.server.move(world.ids["a"], ROOT, "b")
    del world.disk.entries["a"]
    world.write("b", "1")
    world.sync()
    assert not world.sync().failures
    assert world.disk.tree() == world.server.tree()
