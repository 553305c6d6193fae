"""What plans need not look at."""

from docstore_sync.model import Kind, LocalEntry, RemoteEntry, SyncedEntry
from docstore_sync.settled import Open, leave_out_settled

ROOT = "root"


class Trees:
    """Three trees that are the same: `d` and `e` with files `1` to `9` each."""

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

    def rest(self) -> Open:
        return leave_out_settled(self.local, self.remote.values(), self.synced.values(), root_id=ROOT, key=str)


def test_what_is_the_same_everywhere_is_left_out() -> None:
    """Nothing has changed: nothing is looked at, and it is known how many files that spares."""
    rest = Trees().rest()
    assert (rest.local, rest.remote, rest.synced, rest.settled_files) == ({}, [], [], 18)


def test_a_change_brings_its_folders_and_those_of_its_name() -> None:
    """An edit here: the file, the folder it is in, and what has the same name elsewhere with its folder."""
    trees = Trees()
    trees.local["d/1"] = LocalEntry(Kind.FILE, "edited", "inode d/1")
    assert set(trees.rest().local) == {"d", "d/1", "e", "e/1"}


def test_a_folder_that_moved_brings_all_that_is_in_it() -> None:
    """Its files are where they were in it, but it is not where it was."""
    trees = Trees()
    trees.remote["d"] = RemoteEntry("d", "e", "d", Kind.FOLDER)
    rest = trees.rest()
    assert {entry.id for entry in rest.remote} >= {"d", "e", *(f"d/{number}" for number in range(1, 10))}
    assert rest.settled_files == 0


def test_names_that_plans_give_out_are_never_left_out_beside_something_open() -> None:
    """A conflicted copy of before must be seen when another one gets its name."""
    trees = Trees()
    trees.add("e/x (conflicted copy 2026-01-01 laptop)", "e", "x (conflicted copy 2026-01-01 laptop)", Kind.FILE, "c")
    trees.local["d/1"] = LocalEntry(Kind.FILE, "edited", "inode d/1")
    assert "e/x (conflicted copy 2026-01-01 laptop)" in trees.rest().local
