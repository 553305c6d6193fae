"""Syncing shares: placement, no forbidden calls, no lost content."""

import asyncio
import os
import random
from datetime import date

import pytest
from sync_worlds import FILE, FOLDER, ROOT, Book, Disk, Server, Steps, no_flush

from docstore_sync.execution.apply import Applier
from docstore_sync.execution.ledger import DurableLedger
from docstore_sync.model import ActionType, LocalEntry, RemoteEntry, SyncedEntry
from docstore_sync.names import Rules
from docstore_sync.planning.planner import plan
from docstore_sync.planning.shares import SHARED_ID, SHARED_NAME, place_shares, restrict
from docstore_sync.steps import StepFailed

THEIRS = "theirs"
RUNS = int(os.environ.get("SYNC_SIMULATIONS", "500"))
FIRST_SEED = int(os.environ.get("SYNC_SEED", "1"))
RULES = Rules("device", date(2026, 1, 1))


def test_shares_appear_in_one_folder_with_unique_names() -> None:
    """Also if the account has a folder of that name, and if two shares have one name; the older keeps it."""
    own = RemoteEntry("own", ROOT, SHARED_NAME, FOLDER)
    roots = [RemoteEntry(f"s{number}", "", "list.txt", FILE, "x", 1) for number in (2, 1)]
    placed = {entry.id: entry for entry in place_shares([own, *roots], ROOT)}
    assert placed["own"] == own
    assert (placed[SHARED_ID].parent_id, placed[SHARED_ID].name) == (ROOT, f"{SHARED_NAME} (2)")
    assert [(placed[each].parent_id, placed[each].name) for each in ("s1", "s2")] == [
        (SHARED_ID, "list.txt"),
        (SHARED_ID, "list (2).txt"),
    ]


def test_without_shares_nothing_is_changed() -> None:
    """The trees are returned unchanged."""
    local = {"a": LocalEntry(FILE, "x", "i")}
    remote = [RemoteEntry("1", ROOT, "a", FILE, "x", 1)]
    assert place_shares(remote, ROOT) == remote
    assert restrict(local, remote, [], {}).local is local


def test_an_own_folder_takes_the_name_and_the_shares_move() -> None:
    """Made on another device: local shares are still under the old name, and all of them match."""
    remote = place_shares(
        [RemoteEntry("own", ROOT, SHARED_NAME, FOLDER), RemoteEntry("s", "", "a", FILE, "x", 1)], ROOT
    )
    synced = [
        SyncedEntry(SHARED_ID, ROOT, SHARED_NAME, FOLDER, "", "i1"),
        SyncedEntry("s", SHARED_ID, "a", FILE, "x", "i2"),
    ]
    local = {SHARED_NAME: LocalEntry(FOLDER, "", "i1"), f"{SHARED_NAME}/a": LocalEntry(FILE, "x", "i2")}
    may_be = restrict(local, remote, synced, {"s": "viewer"})
    todo = may_be.check(plan(may_be.local, remote, may_be.synced, root_id=ROOT, rules=RULES, apart=may_be.area))
    assert [(action.do, action.name) for action in todo.actions] == [
        (ActionType.MOVE_LOCAL, f"{SHARED_NAME} (2)"),
        (ActionType.MAKE_LOCAL, SHARED_NAME),
    ]


class OwnersServer(Server):
    """Two trees: the account's own, and another account's with a folder `s` shared as `role`."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self.role = role
        self.inserted: set[str] = set()
        """Ids of what the recipient inserted."""
        self.nodes = {THEIRS: RemoteEntry(THEIRS, "", "", FOLDER), "s": RemoteEntry("s", THEIRS, "s", FOLDER)}

    def above(self, node_id: str) -> list[str]:
        found = []
        while node_id and node_id != ROOT:
            found.append(node_id)
            node_id = self.nodes[node_id].parent_id
        return found

    def is_shared(self, node_id: str) -> bool:
        return "s" in self.above(node_id)

    def deletable(self) -> set[str]:
        return self.inserted if self.role == "editor" else set()

    def seen(self) -> list[RemoteEntry]:
        """The tree as the recipient sees it."""
        found = []
        for entry in self.nodes.values():
            if entry.id == "s":
                found.append(RemoteEntry("s", "", "s", FOLDER))
            elif entry.id != THEIRS:
                found.append(entry)
        return found


class Forbidden(AssertionError):
    """A forbidden call was made."""


class MemberSteps(Steps):
    """Raises on calls that the server would refuse for this account."""

    def may_write(self, node_id: str) -> None:
        assert isinstance(self.server, OwnersServer)
        if node_id == SHARED_ID or (self.server.is_shared(node_id) and self.server.role != "editor"):
            raise Forbidden(f"write to {node_id}")

    async def move_remote(self, node_id: str, parent_id: str, name: str) -> None:
        assert isinstance(self.server, OwnersServer)
        self.may_write(node_id)
        self.may_write(parent_id)
        if node_id == "s" or self.server.is_shared(node_id) != self.server.is_shared(parent_id):
            raise Forbidden(f"move {node_id} to {parent_id}")
        await super().move_remote(node_id, parent_id, name)

    async def make_folder_remote(self, parent_id: str, name: str) -> str:
        self.may_write(parent_id)
        made = await super().make_folder_remote(parent_id, name)
        self.inserted.add(made)
        return made

    @property
    def inserted(self) -> set[str]:
        assert isinstance(self.server, OwnersServer)
        return self.server.inserted

    async def delete_remote(self, node_id: str, versions: object) -> None:
        assert isinstance(self.server, OwnersServer)
        inside = {each for each in self.server.nodes if node_id in self.server.above(each)}
        if node_id == SHARED_ID or (self.server.is_shared(node_id) and not inside <= self.server.deletable()):
            raise Forbidden(f"delete {node_id}")
        await super().delete_remote(node_id, versions)  # type: ignore[arg-type]

    def _upload(self, upload: object) -> object:  # type: ignore[override]
        self.may_write(upload.file_id or upload.parent_id)  # type: ignore[attr-defined]
        known = set(self.server.nodes)
        try:
            return super()._upload(upload)  # type: ignore[arg-type]
        finally:
            self.inserted.update(self.server.nodes.keys() - known)


class World:
    """A device of an account with which a folder is shared."""

    def __init__(self, seed: int, role: str, loop: asyncio.AbstractEventLoop) -> None:
        self.chance = random.Random(seed)
        self.loop = loop
        self.server = OwnersServer(role)
        self.disk, self.book = Disk(), Book()
        self.written: set[str] = set()
        self.contents = 0
        self.aside: set[str] = set()

    def content(self) -> str:
        self.contents += 1
        self.written.add(f"c{self.contents}")
        return f"c{self.contents}"

    def change_disk(self) -> None:
        folders = ["", *(path + "/" for path, each in self.disk.entries.items() if each.kind is FOLDER)]
        target = self.chance.choice(folders) + self.chance.choice("abcd")
        do = self.chance.choice(("file", "folder", "edit", "edit", "move", "move", "delete"))
        if do in ("file", "folder"):
            self.disk.add(target, FILE if do == "file" else FOLDER, self.content() if do == "file" else "")
        elif self.disk.entries:
            path = self.chance.choice(list(self.disk.entries))
            entry = self.disk.entries[path]
            if do == "edit" and entry.kind is FILE:
                self.written.discard(entry.sha256)
                self.disk.entries[path] = LocalEntry(FILE, self.content(), entry.identity)
            elif do == "move":
                self.disk.move(path, target)
            elif do == "delete":
                for each in [path, *self.disk.below(path)]:
                    self.written.discard(self.disk.entries.pop(each).sha256)

    def change_server(self) -> None:
        """The owner changes the shared folder."""
        inside = [each for each in self.server.nodes.values() if each.id not in (THEIRS, "s")]
        inside = [each for each in inside if self.server.is_shared(each.id)]
        folders = ["s", *(each.id for each in inside if each.kind is FOLDER)]
        do = self.chance.choice(("file", "folder", "edit", "move", "delete"))
        parent, name = self.chance.choice(folders), self.chance.choice("abcd")
        if do == "file":
            self.server.add(parent, name, FILE, self.content())
        elif do == "folder":
            self.server.add(parent, name, FOLDER)
        elif inside:
            entry = self.chance.choice(inside)
            if do == "edit" and entry.kind is FILE:
                self.written.discard(entry.sha256)
                self.server.write(entry.id, self.content())
            elif do == "move":
                self.server.move(entry.id, parent, name)
            elif do == "delete":
                self.written -= {gone.sha256 for gone in self.server.remove(entry.id)}

    def change(self) -> None:
        before = set(self.written)
        try:
            (self.change_disk if self.chance.random() < 0.6 else self.change_server)()
        except StepFailed:
            self.written = before

    def sync(self) -> int:
        """Number of actions."""
        remote = place_shares(self.server.seen(), ROOT)
        roles = {each.id: self.server.role for each in self.server.seen() if self.server.is_shared(each.id)}
        may_be = restrict(dict(self.disk.entries), remote, self.book.rows.values(), roles, self.server.deletable())
        for path in may_be.displaced:
            taken = {each for each in self.disk.entries if "/" not in each}
            self.disk.move(path, RULES.conflict_name(path.rpartition("/")[2], taken))
        if may_be.displaced:
            return len(may_be.displaced)
        todo = may_be.check(plan(may_be.local, remote, may_be.synced, root_id=ROOT, rules=RULES, apart=may_be.area))
        self.aside = {each.path for each in todo.skipped}
        steps = MemberSteps(self.disk, self.server, self.chance)
        ledger = DurableLedger(self.book, no_flush)
        self.loop.run_until_complete(Applier(todo, steps, ledger, RULES).run())
        self.loop.run_until_complete(ledger.commit())
        return len(todo.actions)

    def run(self) -> None:
        for _ in range(self.chance.randrange(1, 5)):
            for _ in range(self.chance.randrange(8)):
                self.change()
            self.sync()
        for _ in range(25):
            if not self.sync():
                break
        else:
            raise AssertionError("it does not end")
        kept = {each.sha256 for each in (*self.disk.entries.values(), *self.server.nodes.values())}
        assert self.written <= kept, f"lost {self.written - kept}"
        own = {path for path in self.disk.entries if not (path + "/").startswith(f"{SHARED_NAME}/")}
        shared, mine = set(), set()
        for entry in self.server.nodes.values():
            if self.server.is_shared(entry.id):
                shared.add(f"{SHARED_NAME}/{self.server.path(entry).removeprefix('/')}")
            elif entry.id != THEIRS:
                mine.add(self.server.path(entry))
        assert own == mine
        missing = shared - self.disk.entries.keys()
        assert all(any(path.startswith(f"{aside}/") for aside in self.aside) for path in missing), missing


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_random_changes_in_shares_converge_without_forbidden_calls(role: str) -> None:
    """Finally the own trees are equal, the owner's tree is on the disk except for skipped paths, and no content is
    lost."""
    loop = asyncio.new_event_loop()
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        try:
            World(seed, role, loop).run()
        except Exception as error:  # whatever the error, the failure message names the seed
            raise AssertionError(f"SYNC_SEED={seed} SYNC_SIMULATIONS=1: {error!r}") from error
    loop.close()
