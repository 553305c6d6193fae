"""In-memory disks, server and users for tests of the sync planner."""

import random
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

from docstore_sync.model import BegunRemoval, BegunUpload, Kind, LocalEntry, RemoteEntry, SyncedEntry
from docstore_sync.steps import Download, StepFailed, Upload, Uploaded

ROOT = "root"
T = TypeVar("T")
R = TypeVar("R")
FILE, FOLDER = Kind.FILE, Kind.FOLDER


class Killed(Exception):
    """The process is gone, in the middle of something."""


@dataclass
class Server:
    """The account's tree. The content of a file is its own checksum."""

    nodes: dict[str, RemoteEntry] = field(default_factory=dict)
    made: int = 0
    replaced: set[tuple[str, str]] = field(default_factory=set)
    """Contents that new versions replaced, with theirs."""
    late: list[tuple[Upload, str]] = field(default_factory=list)
    """Uploads, and their contents, that arrive after those who sent them are gone."""

    def at(self, parent_id: str, name: str) -> RemoteEntry | None:
        return next((n for n in self.nodes.values() if n.parent_id == parent_id and n.name == name), None)

    def refuse(self, parent_id: str, name: str) -> None:
        if self.at(parent_id, name):
            raise StepFailed("name_taken")
        if parent_id != ROOT and self.nodes.get(parent_id, RemoteEntry("", "", "", FILE)).kind is not FOLDER:
            raise StepFailed("not_found")

    def add(self, parent_id: str, name: str, kind: Kind, content: str = "") -> RemoteEntry:
        self.refuse(parent_id, name)
        self.made += 1
        entry = RemoteEntry(f"id{self.made}", parent_id, name, kind, content, int(kind is FILE))
        self.nodes[entry.id] = entry
        return entry

    def write(self, node_id: str, content: str) -> RemoteEntry:
        old = self.nodes[node_id]
        self.replaced.add((old.sha256, content))
        self.nodes[node_id] = RemoteEntry(node_id, old.parent_id, old.name, old.kind, content, old.version + 1)
        return self.nodes[node_id]

    def receive_late(self) -> None:
        """Take the uploads that are under way."""
        for upload, content in self.late:
            there = self.nodes.get(upload.file_id)
            if there and there.version == upload.base_version:
                self.write(upload.file_id, content)
        self.late.clear()

    def move(self, node_id: str, parent_id: str, name: str) -> None:
        old = self.nodes.get(node_id)
        if old is None:
            raise StepFailed("not_found")
        if (old.parent_id, old.name) == (parent_id, name):
            return
        self.refuse(parent_id, name)
        if node_id in self.above(parent_id):
            raise StepFailed("invalid_move")
        self.nodes[node_id] = RemoteEntry(node_id, parent_id, name, old.kind, old.sha256, old.version)

    def above(self, node_id: str) -> list[str]:
        found = []
        while node_id != ROOT:
            found.append(node_id)
            node_id = self.nodes[node_id].parent_id
        return found

    def remove(self, node_id: str) -> list[RemoteEntry]:
        gone = [entry for entry in self.nodes.values() if node_id in self.above(entry.id)]
        for entry in gone:
            del self.nodes[entry.id]
        return gone

    def path(self, entry: RemoteEntry) -> str:
        above = [self.nodes[each].name for each in reversed(self.above(entry.id))]
        return "/".join(above)

    def tree(self) -> dict[str, tuple[Kind, str]]:
        return {self.path(entry): (entry.kind, entry.sha256) for entry in self.nodes.values()}


@dataclass
class Disk:
    """A folder of one device."""

    entries: dict[str, LocalEntry] = field(default_factory=dict)
    made: int = 0
    key: Callable[[str], str] = str
    """What it knows a name by."""

    def identity(self) -> str:
        self.made += 1
        return f"i{self.made}"

    def refuse(self, path: str, moving: str = "") -> None:
        above, key = path.rpartition("/")[0], self.key(path)
        taken = any(self.key(each) == key for each in self.entries if each != moving)
        if taken or (above and self.entries.get(above, LocalEntry(FILE)).kind is not FOLDER):
            raise StepFailed("taken, or no such folder")

    def add(self, path: str, kind: Kind, content: str = "") -> str:
        self.refuse(path)
        self.entries[path] = LocalEntry(kind, content, self.identity())
        return self.entries[path].identity

    def move(self, path: str, target: str) -> None:
        self.refuse(target, path)
        if target.startswith(path + "/"):
            raise StepFailed("into itself")
        for each in [each for each in self.entries if each == path or each.startswith(path + "/")]:
            self.entries[target + each[len(path) :]] = self.entries.pop(each)

    def below(self, path: str) -> list[str]:
        return [each for each in self.entries if each.startswith(path + "/")]

    def tree(self) -> dict[str, tuple[Kind, str]]:
        return {path: (entry.kind, entry.sha256) for path, entry in self.entries.items()}


@dataclass
class Book:
    """What was synced."""

    rows: dict[str, SyncedEntry] = field(default_factory=dict)
    begun: dict[str, BegunUpload] = field(default_factory=dict)
    removing: dict[str, BegunRemoval] = field(default_factory=dict)

    def synced_entry(self, synced_id: str) -> SyncedEntry | None:
        return self.rows.get(synced_id)

    def record(self, entry: SyncedEntry) -> None:
        self.rows[entry.id] = entry
        if entry.id in self.begun and self.begun[entry.id].sha256 == entry.sha256:
            del self.begun[entry.id]

    def forget(self, synced_id: str) -> None:
        self.rows.pop(synced_id, None)
        self.begun.pop(synced_id, None)
        self.removing.pop(synced_id, None)

    def begun_uploads(self) -> list[BegunUpload]:
        return list(self.begun.values())

    def begin_upload(self, upload: BegunUpload) -> None:
        self.begun[upload.id] = upload

    def begun_removals(self) -> list[BegunRemoval]:
        return list(self.removing.values())

    def begin_removal(self, removal: BegunRemoval) -> None:
        self.removing[removal.id] = removal

    def end_removal(self, synced_id: str) -> None:
        self.removing.pop(synced_id, None)

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()


async def no_flush() -> None:
    """Do nothing: these disks lose nothing."""


def each_by_itself(do: Callable[[T], R], batch: Sequence[T]) -> list[R | StepFailed]:
    """What each of a batch came to: one that fails leaves the others as they are."""
    answers: list[R | StepFailed] = []
    for item in batch:
        try:
            answers.append(do(item))
        except StepFailed as failure:
            answers.append(failure)
    return answers


class Steps:
    """StepExecutor for these worlds, that can fail, be killed, and let users in between steps."""

    def __init__(self, disk: Disk, server: Server, chance: random.Random, failing: float = 0.0) -> None:
        self.disk = disk
        self.server = server
        self._chance = chance
        self._failing = failing
        self.between = lambda: None
        self.unsynced: Set[str] = frozenset()
        """Nodes that this device did not sync when it planned, and so may never delete."""

    def _before(self) -> None:
        self.between()
        if self._chance.random() < self._failing:
            raise StepFailed("injected")
        if self._chance.random() < self._failing / 4:
            raise Killed

    def _after(self) -> None:
        if self._chance.random() < self._failing / 4:
            raise Killed

    def _same(self, path: str, identity: str, content: str | None = None) -> None:
        entry = self.disk.entries.get(path)
        if entry is None or entry.identity != identity or (content is not None and entry.sha256 != content):
            raise StepFailed("changed meanwhile")

    async def move_local(self, path: str, identity: str, target: str) -> None:
        self._before()
        self._same(path, identity)
        self.disk.move(path, target)
        self._after()

    async def make_folder_local(self, path: str) -> str:
        self._before()
        identity = self.disk.add(path, FOLDER)
        self._after()
        return identity

    async def delete_local(self, path: str, kind: Kind, identity: str, sha256: str) -> None:
        self._before()
        self._same(path, identity, sha256)
        if self.disk.below(path):
            raise StepFailed("not empty")
        del self.disk.entries[path]
        self._after()

    async def move_remote(self, node_id: str, parent_id: str, name: str) -> None:
        self._before()
        self.server.move(node_id, parent_id, name)
        self._after()

    async def make_folder_remote(self, parent_id: str, name: str) -> str:
        self._before()
        made = self.server.add(parent_id, name, FOLDER).id
        self._after()
        return made

    async def delete_remote(self, node_id: str, versions: Mapping[str, int]) -> None:
        self._before()
        inside = {each.id: each.version for each in self.server.nodes.values() if node_id in self.server.above(each.id)}
        if inside != versions:
            raise StepFailed("changed meanwhile")
        for each in inside:
            assert each not in self.unsynced, "deleted what is not synced"
        self.server.remove(node_id)
        self._after()

    def upload_batches(self, uploads: Sequence[Upload]) -> list[list[Upload]]:
        return self._batches(uploads)

    def download_batches(self, downloads: Sequence[Download]) -> list[list[Download]]:
        return self._batches(downloads)

    def _batches(self, items: Sequence[T]) -> list[list[T]]:
        found = [[item] for item in items[::2]] + [list(items[1::2])]
        self._chance.shuffle(found)
        return found

    async def upload(self, batch: Sequence[Upload]) -> list[Uploaded | StepFailed]:
        return each_by_itself(self._upload, batch)

    def _upload(self, upload: Upload) -> Uploaded:
        self._before()
        entry = self.disk.entries.get(upload.path)
        if entry is None or entry.identity != upload.identity:
            raise StepFailed("changed meanwhile")
        if upload.file_id and self._chance.random() < self._failing / 4:
            self.server.late.append((upload, entry.sha256))
            raise Killed
        if upload.file_id:
            there = self.server.nodes.get(upload.file_id)
            if there is None or there.version != upload.base_version:
                raise StepFailed("version_conflict")
            sent = self.server.write(upload.file_id, entry.sha256)
        else:
            *folders, name = upload.name.split("/")
            parent_id = upload.parent_id
            for folder in folders:
                there = self.server.at(parent_id, folder)
                parent_id = there.id if there else self.server.add(parent_id, folder, FOLDER).id
            sent = self.server.add(parent_id, name, FILE, entry.sha256)
        self._after()
        return Uploaded(sent.id, sent.version, sent.sha256, sent.parent_id)

    async def download(self, batch: Sequence[Download]) -> list[str | StepFailed]:
        return each_by_itself(self._download, batch)

    def _download(self, wanted: Download) -> str:
        self._before()
        there = self.server.nodes.get(wanted.node_id)
        if there is None or there.version != wanted.version:
            raise StepFailed("changed meanwhile")
        if wanted.replaces is None:
            identity = self.disk.add(wanted.path, FILE, wanted.sha256)
        else:
            self._same(wanted.path, *wanted.replaces)
            identity = self.disk.identity()
            self.disk.entries[wanted.path] = LocalEntry(FILE, wanted.sha256, identity)
        self._after()
        return identity
