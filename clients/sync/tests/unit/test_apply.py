"""In what order a plan is carried out, where that decides whether a kill or a failure loses something."""

import asyncio
import random
from contextlib import suppress
from datetime import date

import pytest
from sync_worlds import FILE, ROOT, Book, Disk, Killed, Server, Steps, settled

from docstore_sync.apply import Applier
from docstore_sync.ledger import LastingLedger
from docstore_sync.model import LocalEntry, SyncedEntry
from docstore_sync.names import Rules
from docstore_sync.outcome import Outcome
from docstore_sync.planner import plan
from docstore_sync.steps import Sent, StepFailed, Upload

RULES = Rules("laptop", date(2026, 1, 2))
pytestmark = pytest.mark.parametrize("seed", range(5))


class Watched(Steps):
    """Notes what is uploaded; what is `refused` is not, and the process is gone after `last`."""

    uploaded: list[str]
    refused: str
    last: str

    def _upload(self, upload: Upload) -> Sent:
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
    """A device that is in sync with files of these contents by name."""

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
            ledger = LastingLedger(self.book, settled)
            outcome = await Applier(todo, self.hands, ledger, RULES).run()
            await ledger.keep()
            return outcome

        return asyncio.run(apply())

    def there(self) -> dict[str, str]:
        return {path: content for path, (_, content) in self.server.tree().items()}


def test_what_is_here_under_another_name_is_sent_before_it_is_replaced_at_the_server(seed: int) -> None:
    """Else, cut off in between, its copy would be taken for the file itself and written over."""
    world = World(seed, a="old")
    world.write("a", "new")
    world.disk.add("b", FILE, "old")
    world.sync()
    assert world.hands.uploaded == ["b", "a"]


def test_what_is_another_files_new_version_now_is_sent_before_it_is_replaced(seed: int) -> None:
    """Here by way of three files: each has got what the next one had."""
    world = World(seed, a="1", b="2", c="3")
    for name, content in ("a", "2"), ("b", "3"), ("c", "new"):
        world.write(name, content)
    world.sync()
    assert world.hands.uploaded == ["a", "b", "c"]


def test_an_edit_does_not_wait_for_a_copy_that_is_refused(seed: int) -> None:
    """It may be refused for ever, as where nothing may be added; the edit would be on this device only."""
    world = World(seed, a="old")
    world.write("a", "new")
    world.disk.add("b", FILE, "old")
    assert world.sync(refused="b").failures == ["upload b: no room"]
    assert world.there() == {"a": "new"}
    world.sync()
    assert world.there() == {"a": "new", "b": "old"}


def test_exchanged_contents_that_are_refused_are_no_conflict_later(seed: int) -> None:
    """What was recorded of the files is as before."""
    world = World(seed, a="1", b="2")
    world.write("a", "2")
    world.write("b", "1")
    before = dict(world.book.rows)
    world.sync(refused="ab")
    assert world.book.rows == before
    world.sync()
    assert world.there() == {"a": "2", "b": "1"}


@pytest.mark.parametrize("last", ["a", "b"])
def test_contents_that_were_exchanged_survive_a_kill_and_what_is_done_then(seed: int, last: str) -> None:
    """One of them is at the server only as an old version then; what is renamed is taken for none of the two."""
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


def test_what_waits_for_the_place_of_its_own_old_copy_gets_it(seed: int) -> None:
    """That is deleted first, though its content is only here until the other is sent."""
    world = World(seed, a="1", b="2")
    world.server.remove(world.ids["b"])
    world.server.move(world.ids["a"], ROOT, "b")
    del world.disk.entries["a"]
    world.write("b", "1")
    world.sync()
    assert not world.sync().failures
    assert world.disk.tree() == world.server.tree()
