"""Unchanged nodes are removed before planning."""

from docstore_sync.model import Kind, LocalEntry, RemoteEntry, SyncedEntry
from docstore_sync.planning.pruning import PrunedTrees, prune_unchanged

ROOT = "root"


class Trees:
    """Three equal trees: `d` and `e` with files `1` to `9` each."""

    def __init__(self) -> None:
        self.local: dict[str, LocalEntry] = {}
        self.remote: dict[str, RemoteEntry] = {}
        self.synced: dict[str, SyncedEntry] = {}
        for folder in "de":
            self.add(folder, ROOT, folder, Kind.FOLDER)
            for number in range(1, 10):
                self.add(f"{folder}/{number}", folder, str(number), Kind.FILE, f"content {folder}{number}")

    def add(self, path: str, parent: str, name: str, kind: Kind, content: str = "") -> None:
        self.local[path] = LocalEntry(kind, content, f"inode {path}")
        self.remote[path] = RemoteEntry(path, parent, name, kind, content, 1)
        self.synced[path] = SyncedEntry(path, parent, name, kind, content, f"inode {path}")

    def rest(self) -> PrunedTrees:
        return prune_unchanged(self.local, self.remote.values(), self.synced.values(), root_id=ROOT, key=str)


def test_unchanged_nodes_are_removed() -> None:
    """Nothing has changed: nothing is left to plan, and the number of removed files is known."""
    rest = Trees().rest()
    assert (rest.local, rest.remote, rest.synced, rest.unchanged_files) == ({}, [], [], 18)


def test_a_change_keeps_parents_and_files_of_the_same_name() -> None:
    """A local edit: keeps the file, its folder, and files with the same name elsewhere with their folders."""
    trees = Trees()
    trees.local["d/1"] = LocalEntry(Kind.FILE, "edited", "inode d/1")
    assert set(trees.rest().local) == {"d", "d/1", "e", "e/1"}


def test_a_moved_folder_keeps_its_contents() -> None:
    """Its files keep their names in it, but the folder has moved."""
    trees = Trees()
    trees.remote["d"] = RemoteEntry("d", "e", "d", Kind.FOLDER)
    rest = trees.rest()
    assert {entry.id for entry in rest.remote} >= {"d", "e", *(f"d/{number}" for number in range(1, 10))}
    assert rest.unchanged_files == 0


def test_generated_names_are_kept_when_something_changed() -> None:
    """An existing conflicted copy must be visible when another one gets its name."""
    trees = Trees()
    trees.add("e/x (conflicted copy 2026-01-01 laptop)", "e", "x (conflicted copy 2026-01-01 laptop)", Kind.FILE, "c")
    trees.local["d/1"] = LocalEntry(Kind.FILE, "edited", "inode d/1")
    assert "e/x (conflicted copy 2026-01-01 laptop)" in trees.rest().local
