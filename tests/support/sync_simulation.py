"""Random simulation of devices on one account, with failures, kills and concurrent users."""

import asyncio
import contextlib
import random
from dataclasses import replace
from datetime import date
from string import ascii_lowercase

from sync_worlds import FILE, FOLDER, ROOT, Book, Disk, Killed, Server, Steps, no_flush

from docstore_sync.execution.apply import Applier
from docstore_sync.execution.begun_uploads import settle_begun_uploads
from docstore_sync.execution.ledger import DurableLedger
from docstore_sync.model import Action, Node, Plan
from docstore_sync.names import Rules, fold
from docstore_sync.planning.planner import plan, plan_all
from docstore_sync.steps import StepFailed

ROUNDS = 25
NAMES = "abcd"


def steps_of(todo: Plan) -> list[tuple[str, ...]]:
    """What a plan does, in words that another plan for the same trees has, too."""

    def place(node: Node | None) -> str:
        return "" if node is None else f"{node.path('local')}|{node.path('remote')}|{node.path('goal')}"

    def deleted_nodes(action: Action) -> str:
        return ",".join(sorted(map(place, action.deleted_nodes)))

    return sorted((a.do, place(a.node), place(a.parent), a.name, deleted_nodes(a)) for a in todo.actions)


class Simulation:
    """Some devices on one account. `written`: contents that somebody wrote and nobody has taken away."""

    def __init__(
        self,
        seed: int,
        loop: asyncio.AbstractEventLoop,
        *,
        odd: bool = False,
        folding: bool = False,
        roomy: bool = False,
    ) -> None:
        """`odd`: some names the server refuses, some files can't be read. `folding`: disks that ignore case.

        `roomy`: so many names that most of what is there has nothing to do with what has changed.
        """
        self.loop = loop
        self.odd = odd
        self.folding = folding
        self.names = "ab\n" if odd else "abB" if folding else ascii_lowercase if roomy else NAMES
        self.chance = random.Random(seed)
        self.server = Server()
        self.devices = [(Disk(key=fold if folding else str), Book()) for _ in range(self.chance.choice((1, 1, 2, 3)))]
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
        entries = dict(disk.entries)
        if self.odd and failing:
            for path in [path for path, entry in entries.items() if entry.kind is FILE]:
                if self.chance.random() < 0.2:
                    entries[path] = replace(entries[path], sha256="", trouble="it changes while it is read")
        trees = entries, list(self.server.nodes.values()), list(book.rows.values())
        todo = plan(*trees, root_id=ROOT, rules=rules)
        assert steps_of(todo) == steps_of(plan_all(*trees, root_id=ROOT, rules=rules)), (
            "what is left out of a plan matters"
        )
        assert self.odd or self.folding or not todo.skipped
        self.chance.shuffle(todo.transfers)
        self.chance.shuffle(todo.records)
        steps = Steps(disk, self.server, self.chance, failing)
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
            again = plan(entries, list(self.server.nodes.values()), list(book.rows.values()), root_id=ROOT, rules=rules)
            assert not again.actions, "what was only noted leads to more"
        return len(todo.actions)

    def run(self) -> None:
        for _ in range(self.chance.randrange(1, 6)):
            for _ in range(self.chance.randrange(12)):
                self.change_something()
            between = self.chance.choice((0.0, 0.0, 0.1))
            self.sync(self.chance.randrange(len(self.devices)), self.chance.choice((0.0, 0.1, 0.4)), between)
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
        for disk, book in self.devices:
            if self.odd or self.folding:  # what is set aside stays where it is
                kept |= {content for _, content in disk.tree().values()}
            else:
                assert disk.tree() == self.server.tree()
                assert {row.id for row in book.rows.values()} == set(self.server.nodes)
        assert self.written <= kept, f"lost {self.written - kept}"
