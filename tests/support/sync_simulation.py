"""Random simulation of devices on one account, with failures, kills and concurrent users."""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import Set
from dataclasses import replace
from datetime import date
from string import ascii_lowercase
from typing import Any

from sync_worlds import FILE, FOLDER, ROOT, Book, Disk, Killed, Server, Steps, no_flush

from docstore_sync.execution.apply import Applier
from docstore_sync.execution.begun_removals import settle_begun_removals
from docstore_sync.execution.begun_uploads import settle_begun_uploads
from docstore_sync.execution.ledger import DurableLedger
from docstore_sync.model import OUTSIDE, Action, Kind, LocalEntry, Node, Plan
from docstore_sync.names import Rules, fold
from docstore_sync.planning.planner import plan, plan_all
from docstore_sync.selection import Filters, Selection
from docstore_sync.steps import StepFailed

ROUNDS = 25
NAMES = "abcd"
NONE: Set[str] = frozenset()
Tree = dict[str, tuple[Kind, str]]
"""Kind and content by path."""


def steps_of(todo: Plan) -> list[tuple[str, ...]]:
    """What a plan does, in words that another plan for the same trees has, too."""

    def place(node: Node | None) -> str:
        return "" if node is None else f"{node.path('local')}|{node.path('remote')}|{node.path('goal')}"

    def deleted_nodes(action: Action) -> str:
        return ",".join(sorted(map(place, action.deleted_nodes)))

    return sorted((a.do, place(a.node), place(a.parent), a.name, deleted_nodes(a)) for a in todo.actions)


def leaves_out(selection: Selection, path: str, is_folder: bool) -> bool:
    """Whether a path, or a folder above it, is not synced."""
    names = path.split("/")
    above = any(selection.filters.leaves_out("/".join(names[:depth]), True) for depth in range(1, len(names)))
    return above or selection.filters.leaves_out(path, is_folder) or selection.is_outside(path, is_folder)


def selected(
    tree: dict[str, tuple[Kind, str]], selection: Selection, taken: Set[str] = NONE
) -> dict[str, tuple[Kind, str]]:
    """What of a tree is synced: not what is left out, nor what is at or below a path that is taken."""
    below = tuple(f"{path}/" for path in taken)
    return {
        path: has
        for path, has in tree.items()
        if not leaves_out(selection, path, has[0] is FOLDER) and not f"{path}/".startswith(below)
    }


class Simulation:
    """Some devices on one account. `written`: contents that someone wrote and no one has taken away."""

    def __init__(
        self,
        seed: int,
        loop: asyncio.AbstractEventLoop,
        *,
        odd: bool = False,
        folding: bool = False,
        roomy: bool = False,
        selecting: bool = False,
    ) -> None:
        """`odd`: some names the server refuses, some files can't be read. `folding`: disks that ignore case.

        `roomy`: so many names that most of what is there has nothing to do with what has changed. `selecting`: devices
        sync some folders or files, and other ones later.
        """
        self.loop = loop
        self.odd = odd
        self.folding = folding
        self.selecting = selecting
        self.names = "ab\n" if odd else "abB" if folding else ascii_lowercase if roomy else NAMES
        self.chance = random.Random(seed)
        self.server = Server()
        self.devices = [(Disk(key=fold if folding else str), Book()) for _ in range(self.chance.choice((1, 1, 2, 3)))]
        self.selections: defaultdict[int, Selection] = defaultdict(Selection)
        self.obstructed: dict[int, bool] = {}
        """By device, whether something that is not synced has the name of something else."""
        self.written: set[str] = set()
        self.contents = 0
        self.edits: list[tuple[Disk, str, str, str]] = []
        """Edits on the disks: disk, path, content before and after."""

    def content(self) -> str:
        if self.chance.random() < 0.1:
            return "common"
        self.contents += 1
        self.written.add(f"c{self.contents}")
        return f"c{self.contents}"

    # --- users ---------------------------------------------------------------------------------------------

    def change_something(self) -> None:
        if self.chance.random() < 0.5:
            self.server.receive_late()
        side = self.chance.randrange(len(self.devices) + 1)
        try:
            if side == len(self.devices):
                self.change_server()
            else:
                self.change_disk(self.devices[side][0])
        except StepFailed:
            pass

    def change_server(self) -> None:
        folders = [ROOT, *(e.id for e in self.server.nodes.values() if e.kind is FOLDER)]
        parent, name = self.chance.choice(folders), self.chance.choice(self.names.replace("\n", "c"))
        kind = self.chance.choices(("file", "folder", "edit", "move", "delete", "folder move"), (4, 3, 3, 4, 2, 2))[0]
        if kind == "file":
            self.server.refuse(parent, name)
            self.server.add(parent, name, FILE, self.content())
        elif kind == "folder":
            self.server.add(parent, name, FOLDER)
        elif self.server.nodes:
            files = [e for e in self.server.nodes.values() if (e.kind is FILE) == (kind != "folder move")]
            if not files:
                return
            entry = self.chance.choice(files)
            if kind == "edit":
                self.written.discard(entry.sha256)
                self.server.write(entry.id, self.content())
            elif "move" in kind:
                self.server.move(entry.id, parent, name)
            else:
                entry = self.chance.choice(list(self.server.nodes.values()))
                self.written -= {gone.sha256 for gone in self.server.remove(entry.id)}

    def change_disk(self, disk: Disk) -> None:
        folders = ["", *(path + "/" for path, e in disk.entries.items() if e.kind is FOLDER)]
        target = self.chance.choice(folders) + self.chance.choice(self.names)
        kind = self.chance.choices(
            ("file", "folder", "edit", "save", "move", "replace", "swap", "exchange", "copy", "delete", "undo"),
            (4, 3, 2, 2, 6, 1, 1, 1, 1, 2, 2),
        )[0]
        if kind in ("file", "folder"):
            disk.refuse(target)
            disk.add(target, FILE if kind == "file" else FOLDER, self.content() if kind == "file" else "")
            return
        if not disk.entries:
            return
        path = self.chance.choice(list(disk.entries))
        entry = disk.entries[path]
        if kind in ("edit", "save") and entry.kind is FILE:
            self.written.discard(entry.sha256)
            identity = entry.identity if kind == "edit" else disk.identity()
            disk.entries[path] = type(entry)(FILE, self.content(), identity)
            self.edits.append((disk, path, entry.sha256, disk.entries[path].sha256))
        elif kind == "move":
            disk.move(path, target)
        elif kind == "replace" and entry.kind is FILE and target in disk.entries and target != path:
            if disk.entries[target].kind is FILE:
                self.written.discard(disk.entries.pop(target).sha256)
                disk.move(path, target)
        elif kind == "swap":
            other = self.chance.choice(list(disk.entries))
            if other != path and not (other + "/").startswith(path + "/") and not (path + "/").startswith(other + "/"):
                disk.move(path, "passing")
                disk.move(other, path)
                disk.move("passing", other)
        elif kind == "exchange" and entry.kind is FILE:
            other = self.chance.choice([each for each in disk.entries if disk.entries[each].kind is FILE])
            theirs = disk.entries[other]
            disk.entries[path] = replace(entry, sha256=theirs.sha256)
            disk.entries[other] = replace(theirs, sha256=entry.sha256)
        elif kind == "copy" and entry.kind is FILE:
            disk.add(target, FILE, entry.sha256)
        elif kind == "undo":
            self.undo_edit(disk)
        elif kind == "delete":
            for each in [path, *disk.below(path)]:
                self.written.discard(disk.entries.pop(each).sha256)

    def undo_edit(self, disk: Disk) -> None:
        """Give a file the content that it had before its last edit.

        It counts where the server has got that edit, and no other device may have deleted the content before.
        """
        for edited, path, before, after in reversed(self.edits):
            entry = disk.entries.get(path)
            if edited is disk and entry and entry.sha256 == after:
                disk.entries[path] = replace(entry, sha256=before)
                self.written.discard(after)
                is_new = (before, after) in self.server.replaced and len(self.devices) == 1
                self.written |= {before} if is_new and "common" not in (before, after) else set()
                return

    # --- syncing -------------------------------------------------------------------------------------------

    def sync(self, device: int, failing: float, between: float = 0.0) -> int:
        """One round; how much there was to do."""
        disk, book = self.devices[device]
        rules = Rules(f"device{device}", date(2026, 1, 1), fold if self.folding else str)
        settle_begun_uploads(book, self.server.nodes.get)
        settle_begun_removals(book, disk.entries.__contains__)
        selection = self.selections[device]
        entries = self.scanned(disk, selection)
        if self.odd and failing:
            for path in [path for path, entry in entries.items() if entry.kind is FILE]:
                if self.chance.random() < 0.2:
                    entries[path] = replace(entries[path], sha256="", trouble="it changes while it is read")
        trees = entries, list(self.server.nodes.values()), list(book.rows.values())
        by: dict[str, Any] = {"root_id": ROOT, "rules": rules}
        by |= {"ignored": selection.filters.leaves_out, "outside": selection.is_outside}
        unsynced = {
            entry.id for entry in trees[1] if leaves_out(selection, self.server.path(entry), entry.kind is FOLDER)
        }
        todo = plan(*trees, **by)
        assert steps_of(todo) == steps_of(plan_all(*trees, **by)), "what is left out of a plan matters"
        assert self.odd or self.folding or self.selecting or not todo.skipped
        self.obstructed[device] = any(each.reason != OUTSIDE for each in todo.skipped)
        self.chance.shuffle(todo.transfers)
        self.chance.shuffle(todo.records)
        steps = Steps(disk, self.server, self.chance, failing)
        steps.unsynced = unsynced
        ledger = DurableLedger(book, flush=no_flush)
        steps.between = lambda: self.between_steps(ledger, between)
        try:
            self.loop.run_until_complete(Applier(todo, steps, ledger, rules).run())
            self.loop.run_until_complete(ledger.commit())
        except Killed:  # which loses what the ledger has not kept yet
            if self.chance.random() < 0.3:
                self.undo_edit(disk)
            return len(todo.actions)
        if todo.is_last and not (failing or between):
            again = plan(entries, list(self.server.nodes.values()), list(book.rows.values()), **by)
            assert not again.actions, "what was only noted leads to more"
        return len(todo.actions)

    def scanned(self, disk: Disk, selection: Selection) -> dict[str, LocalEntry]:
        """The entries of a disk as a scan shows them."""
        found: dict[str, LocalEntry] = {}
        for path in sorted(disk.entries):
            entry = disk.entries[path]
            above = path.rpartition("/")[0]
            if above and found.get(above, LocalEntry(Kind.OTHER)).kind is not FOLDER:
                continue
            if selection.filters.leaves_out(path, entry.kind is FOLDER):
                entry = LocalEntry(Kind.OTHER)
            elif entry.kind is FILE and selection.is_outside(path, is_folder=False) and self.chance.random() < 0.3:
                entry = replace(entry, sha256="", trouble=OUTSIDE)  # no one has read it yet
            found[path] = entry
        return found

    def select(self) -> None:
        """Choose what a device syncs: everything, some folders, or by patterns."""
        folders = self.chance.sample(("a", "b", "a/b", "c/d/a"), self.chance.choice((0, 0, 1, 2)))
        patterns = self.chance.choice(((), (), ("d",), ("/a/b",), ("b/c",)))
        filters = Filters(self.chance.choice(((), (), ("a", "c"))), patterns)
        self.selections[self.chance.randrange(len(self.devices))] = Selection(tuple(folders), filters)

    def run(self) -> None:
        for _ in range(self.chance.randrange(1, 6)):
            if self.selecting and self.chance.random() < 0.5:
                self.select()
            for _ in range(self.chance.randrange(12)):
                self.change_something()
            between = self.chance.choice((0.0, 0.0, 0.1))
            self.sync(self.chance.randrange(len(self.devices)), self.chance.choice((0.0, 0.1, 0.4)), between)
        self.come_to_one()
        if self.selecting:
            self.selections.clear()
            self.come_to_one()

    def between_steps(self, ledger: DurableLedger, changing: float) -> None:
        """Users go on, and what was recorded until now is kept, or is not yet."""
        if self.chance.random() < changing:
            self.change_something()
        if self.chance.random() < 0.3:
            with contextlib.suppress(StopIteration):  # it waits for nothing here
                ledger.commit().send(None)

    def come_to_one(self) -> None:
        """Left alone, everything is the same everywhere in a few rounds, and then there is nothing to do."""
        self.server.receive_late()
        for _ in range(ROUNDS):
            if not sum(self.sync(device, 0.0) for device in range(len(self.devices))):
                break
        else:
            raise AssertionError("it does not end")
        kept = {content for _, content in self.server.tree().values()}
        for device, (disk, book) in enumerate(self.devices):
            if self.odd or self.folding or self.obstructed[device]:  # what is set aside stays where it is
                kept |= {content for _, content in disk.tree().values()}
            else:
                selection = self.selections[device]
                taken = {path for path in disk.tree() if path not in selected(disk.tree(), selection)}
                assert selected(disk.tree(), selection) == selected(self.server.tree(), selection, taken)
                synced = {self.server.path(self.server.nodes[row.id]) for row in book.rows.values()}
                assert synced == set(selected(self.server.tree(), selection, taken))
                kept |= {content for _, content in disk.tree().values()}
        assert self.written <= kept, f"lost {self.written - kept}"
