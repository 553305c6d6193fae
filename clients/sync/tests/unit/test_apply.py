"""Order in which a plan is carried out, where it decides whether a kill or a failure loses content."""

import asyncio
import random
from contextlib import suppress
from datetime import date

import pytest
from sync_worlds import FILE, ROOT, Book, Disk, Killed, Server, Steps, no_flush

from docstore_sync.execution.apply import Applier
from docstore_sync.execution.begun_removals import settle_begun_removals
from docstore_sync.execution.begun_uploads import settle_begun_uploads
from docstore_sync.execution.ledger import DurableLedger
from docstore_sync.execution.outcome import Outcome
from docstore_sync.model import Kind, LocalEntry, SyncedEntry
from docstore_sync.names import Rules
from docstore_sync.planning.planner import plan
from docstore_sync.selection import Selection
from docstore_sync.steps import StepFailed, Upload, Uploaded

EVERYTHING = Selection()
RULES = Rules("laptop", date(2026, 1, 2))
pytestmark = pytest.mark.parametrize("seed", range(5))


class Watched(Steps):
    """Records uploads, fails those in `refused`, and is killed after the step `last` or before `killed_before`."""

    uploaded: list[str]
    refused: str
    last: str
    killed_before: str

    async def delete_local(self, path: str, kind: Kind, identity: str, sha256: str) -> None:
        await super().delete_local(path, kind, identity, sha256)
        if path == self.last:
            raise Killed

    def _upload(self, upload: Upload) -> Uploaded:
        if upload.path in self.refused:
            raise StepFailed("no room")
        if self.last in self.uploaded or upload.path == self.killed_before:
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

    def sync(
        self, *, refused: str = "", last: str = "", killed_before: str = "", selection: Selection = EVERYTHING
    ) -> Outcome:
        self.hands.uploaded, self.hands.refused, self.hands.last = [], refused, last
        self.hands.killed_before = killed_before
        settle_begun_uploads(self.book, self.server.nodes.get)
        settle_begun_removals(self.book, self.disk.entries.__contains__)
        trees = dict(self.disk.entries), self.server.nodes.values(), self.book.rows.values()
        todo = plan(*trees, root_id=ROOT, rules=RULES, outside=selection.is_outside)

        async def apply() -> Outcome:
            ledger = DurableLedger(self.book, no_flush)
            outcome = await Applier(todo, self.hands, ledger, RULES).run()
            await ledger.commit()
            return outcome

        return asyncio.run(apply())

    def there(self) -> dict[str, str]:
        return {path: content for path, (_, content) in self.server.tree().items()}


def test_an_edit_that_is_undone_after_a_kill_stays_undone(seed: int) -> None:
    """The upload is recorded before it begins: without a record of its end, the old content would look unchanged."""
    world = World(seed, a="old")
    world.write("a", "new")
    with suppress(Killed):
        world.sync(last="a")
    world.write("a", "old")
    world.sync()
    assert (world.there(), world.disk.tree()) == ({"a": "old"}, world.server.tree())


def test_an_undone_edit_and_a_later_version_are_both_kept(seed: int) -> None:
    """The tree does not show which version the killed upload became."""
    world = World(seed, a="old")
    world.write("a", "new")
    with suppress(Killed):
        world.sync(last="a")
    world.server.write(world.ids["a"], "theirs")
    world.write("a", "old")
    world.sync()
    world.sync()
    assert world.disk.tree() == world.server.tree()
    assert world.there() == {"a": "theirs", "a (conflicted copy 2026-01-02 laptop)": "old"}


def test_a_killed_upload_that_arrives_late_overwrites_nothing(seed: int) -> None:
    """Until then the file is planned with as unchanged; its record goes on waiting for the upload."""
    world = World(seed, a="old", b="other")
    world.write("a", "new")
    with suppress(Killed):
        world.sync(killed_before="a")
    world.write("a", "old")
    world.disk.move("a", "c")
    world.sync()
    world.server.write(world.ids["a"], "new")
    world.sync()
    assert world.disk.tree() == world.server.tree()
    assert world.there() == {"b": "other", "c": "old"}


def test_a_refused_edit_that_is_undone_changes_nothing(seed: int) -> None:
    """An upload that never arrived leaves the record as it was."""
    world = World(seed, a="old")
    world.write("a", "new")
    world.sync(refused="a")
    world.write("a", "old")
    assert not world.sync().done
    assert world.there() == {"a": "old"}


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


def test_a_killed_removal_is_not_the_users_deletion(seed: int) -> None:
    """What left the selection, or the account, comes back when it is selected, or restored, before the next sync."""
    world = World(seed, a="1", b="2")
    with suppress(Killed):
        world.sync(last="a", selection=Selection(("elsewhere",)))
    assert "a" not in world.disk.entries
    restored = world.server.remove(world.ids["b"])
    with suppress(Killed):
        world.sync(last="b")
    world.server.nodes |= {entry.id: entry for entry in restored}
    world.sync()
    assert world.there() == {"a": "1", "b": "2"}
    assert world.disk.tree() == world.server.tree()
