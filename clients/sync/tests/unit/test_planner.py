"""Rules of the planner, one by one."""

from datetime import date

import pytest

from docstore_sync.model import Kind, LocalEntry, Plan, RemoteEntry, SyncedEntry
from docstore_sync.names import Rules, fold
from docstore_sync.planning.planner import plan

FILE, FOLDER, OTHER = Kind.FILE, Kind.FOLDER, Kind.OTHER
RULES = Rules("laptop", date(2026, 1, 2))
CONFLICT = "a (conflicted copy 2026-01-02 laptop).txt"


def here(content: str = "", identity: str = "", kind: Kind = FILE, trouble: str = "") -> LocalEntry:
    return LocalEntry(kind, content, identity, trouble)


def there(node_id: str, name: str, content: str = "", parent: str = "root", kind: Kind = FILE) -> RemoteEntry:
    return RemoteEntry(node_id, parent, name, kind, content, 1)


def was(node_id: str, name: str, content: str = "", parent: str = "root", kind: Kind = FILE) -> SyncedEntry:
    return SyncedEntry(node_id, parent, name, kind, content, f"i{node_id}")


def planned(
    local: dict[str, LocalEntry],
    remote: list[RemoteEntry],
    synced: list[SyncedEntry],
    rules: Rules = RULES,
) -> Plan:
    return plan(local, remote, synced, root_id="root", rules=rules)


def steps(made: Plan) -> list[tuple[str, str]]:
    """Each action with its current or planned path."""
    return [(a.do.value, a.name or a.node.path("local") or a.node.path("remote")) for a in made.actions]


@pytest.mark.parametrize(
    ("local", "remote", "synced", "expected"),
    [
        ({"a.txt": here("1")}, [], [], [("upload", "a.txt")]),
        ({}, [there("A", "a.txt", "1")], [], [("download", "a.txt")]),
        ({"a.txt": here("1")}, [there("A", "a.txt", "1")], [], [("record", "a.txt")]),
        ({"a.txt": here("2", "iA")}, [there("A", "a.txt", "1")], [was("A", "a.txt", "1")], [("upload", "a.txt")]),
        ({"a.txt": here("1", "iA")}, [there("A", "a.txt", "2")], [was("A", "a.txt", "1")], [("download", "a.txt")]),
        ({"a.txt": here("1", "iA")}, [there("A", "a.txt", "1")], [was("A", "a.txt", "1")], []),
        ({}, [there("A", "a.txt", "1")], [was("A", "a.txt", "1")], [("delete there", "a.txt")]),
        ({"a.txt": here("1", "iA")}, [], [was("A", "a.txt", "1")], [("delete here", "a.txt")]),
        ({}, [], [was("A", "a.txt", "1")], [("forget", "")]),
        ({}, [there("A", "a.txt", "2")], [was("A", "a.txt", "1")], [("download", "a.txt")]),
        ({"a.txt": here("2", "iA")}, [], [was("A", "a.txt", "1")], [("upload", "a.txt")]),
    ],
    ids=[
        "new here", "new there", "the same new on both", "edited here", "edited there", "nothing changed",
        "deleted here", "deleted there", "deleted on both", "deleted here, edited there", "edited here, deleted there",
    ],
)  # fmt: skip
def test_one_file(
    local: dict[str, LocalEntry],
    remote: list[RemoteEntry],
    synced: list[SyncedEntry],
    expected: list[tuple[str, str]],
) -> None:
    """The side that changed wins; an edit wins over a deletion; equal content needs no transfer."""
    assert steps(planned(local, remote, synced)) == expected


@pytest.mark.parametrize("synced", [[], [was("A", "a.txt", "0")]], ids=["both new", "both edited"])
def test_two_contents_of_one_name_are_both_kept(synced: list[SyncedEntry]) -> None:
    """The server's content keeps the name; the local one gets a conflict name and is uploaded."""
    made = planned({"a.txt": here("mine", "iA")}, [there("A", "a.txt", "theirs")], synced)
    assert steps(made) == [("move here", CONFLICT), ("download", "a.txt"), ("upload", CONFLICT)]


def test_renaming_a_folder_is_one_step() -> None:
    """The folder is matched by its identity; nothing is uploaded."""
    local = {"new": here("", "iD", FOLDER)} | {f"new/{n}": here(str(n), f"i{n}") for n in range(1000)}
    remote = [there("D", "old", kind=FOLDER)] + [there(str(n), str(n), str(n), "D") for n in range(1000)]
    synced = [was("D", "old", kind=FOLDER)] + [was(str(n), str(n), str(n), "D") for n in range(1000)]
    assert steps(planned(local, remote, synced)) == [("move there", "new")]


def test_a_move_is_recognised_by_content_where_identities_change() -> None:
    """A copy followed by a deletion, as across file systems: no bytes are transferred."""
    made = planned({"b.txt": here("1", "other")}, [there("A", "a.txt", "1")], [was("A", "a.txt", "1")])
    assert steps(made) == [("move there", "b.txt")]


def test_replacing_a_file_creates_a_new_version() -> None:
    """The path decides, even if the new file was synced under a temporary name before."""
    remote = [there("A", "a.txt", "1"), there("T", "a.tmp", "2")]
    synced = [was("A", "a.txt", "1"), was("T", "a.tmp", "2")]
    made = planned({"a.txt": here("2", "iT")}, remote, synced)
    assert steps(made) == [("upload", "a.txt"), ("delete there", "a.tmp")]


def test_an_uploaded_but_unrecorded_version_is_matched_by_path() -> None:
    """The previous content now has another name: it is a separate file, and nothing overwrites it."""
    local = {"a.txt": here("2", "other"), "b.txt": here("1", "iA")}
    made = planned(local, [there("A", "a.txt", "2")], [was("A", "a.txt", "1")])
    assert steps(made) == [("record", "a.txt"), ("upload", "b.txt")]


def test_the_better_match_of_two_records_wins() -> None:
    """One was skipped on the server while another took its local path: it is not deleted or uploaded again."""
    noted = [was("A", "a", "4"), SyncedEntry("B", "root", "a", FILE, "3", "iA")]
    for synced in (noted, noted[::-1]):
        assert steps(planned({"a": here("4", "iA")}, [there("A", "a", "4")], synced)) == [("forget", "")]
        assert ("upload", "a") in steps(planned({"a": here("5", "iA")}, [there("A", "a", "4")], synced))
        assert ("upload", "a") in steps(planned({"a": here("5", "new")}, [there("A", "a", "4")], synced))


def test_the_servers_location_wins() -> None:
    """Moved on both sides: it gets the server's location."""
    made = planned({"mine": here("1", "iA")}, [there("A", "theirs", "1")], [was("A", "old", "1")])
    assert steps(made) == [("move here", "theirs")]


def test_folders_moved_into_each_other_get_the_servers_locations() -> None:
    """The result has no circle, and both folders are kept."""
    local = {"a": here("", "iA", FOLDER), "a/b": here("", "iB", FOLDER)}
    remote = [there("B", "b", kind=FOLDER), there("A", "a", "", "B", FOLDER)]
    synced = [was("A", "a", kind=FOLDER), was("B", "b", kind=FOLDER)]
    assert steps(planned(local, remote, synced)) == [("move here", "b"), ("move here", "a")]


def test_swapped_names_use_a_temporary_name() -> None:
    """No file is moved onto another."""
    local = {"a": here("2", "iB"), "b": here("1", "iA")}
    remote = [there("A", "a", "1"), there("B", "b", "2")]
    synced = [was("A", "a", "1"), was("B", "b", "2")]
    passing = RULES.temporary(1)
    assert steps(planned(local, remote, synced)) == [("move there", passing), ("move there", "a"), ("move there", "b")]


def test_files_move_out_of_a_folder_before_it_is_deleted() -> None:
    """The folder is deleted last, and only with what is deleted in it."""
    local = {"kept": here("1", "iA")}
    remote = [there("D", "d", kind=FOLDER), there("A", "kept", "1", "D"), there("B", "gone", "2", "D")]
    synced = [was("D", "d", kind=FOLDER), was("A", "kept", "1", "D"), was("B", "gone", "2", "D")]
    assert steps(planned(local, remote, synced)) == [("move there", "kept"), ("delete there", "d")]


def test_a_deleted_folder_is_kept_for_new_files_in_it() -> None:
    """The folder is created again for the new file; deleted files in it are deleted."""
    remote = [there("D", "d", kind=FOLDER), there("A", "old", "1", "D"), there("B", "new", "2", "D")]
    made = planned({}, remote, [was("D", "d", kind=FOLDER), was("A", "old", "1", "D")])
    assert steps(made) == [("make folder here", "d"), ("download", "new"), ("delete there", "d/old")]


def test_a_file_in_place_of_a_folder() -> None:
    """The folder is deleted before the file takes its name."""
    local = {"x": here("1", "new")}
    made = planned(local, [there("D", "x", kind=FOLDER)], [was("D", "x", kind=FOLDER)])
    assert steps(made) == [("delete there", "x"), ("upload", "x")]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a\udcff", "not valid Unicode"),
        ("e\u0301", "normalization form C"),
        ("a\nb", "control characters"),
    ],
)
def test_names_refused_by_the_server_are_skipped(name: str, reason: str) -> None:
    """With everything in them, with the reason, and without an action."""
    made = planned({name: here("", "iD", FOLDER), f"{name}/x": here("1")}, [], [])
    assert not made.actions
    assert {reason in aside.reason for aside in made.skipped} == {True}


def test_names_refused_by_the_disk_are_skipped() -> None:
    """On Windows: reserved device names and forbidden characters."""
    rules = Rules("laptop", date(2026, 1, 2), fold, windows=True)
    made = planned({}, [there("A", "con.txt", "1"), there("B", "a:b", "2"), there("C", "fine", "3")], [], rules)
    assert steps(made) == [("download", "fine")]
    assert len(made.skipped) == 2


def test_names_equal_on_the_disk_are_skipped() -> None:
    """The first is synced, the other is skipped; on a case-sensitive disk both are synced."""
    remote = [there("A", "Read.me", "1"), there("B", "read.ME", "2")]
    made = planned({}, remote, [], Rules("laptop", date(2026, 1, 2), fold))
    assert steps(made) == [("download", "Read.me")]
    assert [aside.path for aside in made.skipped] == ["read.ME"]
    assert len(steps(planned({}, remote, []))) == 2


def test_a_file_moved_over_a_skipped_one_is_not_deleted() -> None:
    """Its content exists nowhere else on the server, and can't be uploaded before the other is renamed."""
    local = {"B": here("mine", "iA")}
    remote = [there("A", "a", "mine"), there("B", "b", "2"), there("C", "B", "3")]
    made = planned(local, remote, [was("A", "a", "mine"), was("B", "B", "1")], Rules("laptop", date(2026, 1, 2), fold))
    assert not made.actions
    assert {aside.path for aside in made.skipped} == {"B", "a"}


def test_renaming_something_to_a_refused_name_does_not_delete_it() -> None:
    """It stays unchanged on both sides until it gets a valid name."""
    made = planned({"e\u0301": here("1", "iA")}, [there("A", "a", "1")], [was("A", "a", "1")])
    assert not made.actions


def test_unsynced_entries_and_their_folders_are_kept() -> None:
    """A symbolic link in place of a file: neither is touched. A folder deleted remotely is kept for a link in it."""
    made = planned({"a": here(kind=OTHER, trouble="a link")}, [there("A", "a", "2")], [was("A", "a", "1")])
    assert not made.actions
    local = {"d": here("", "iD", FOLDER), "d/link": here(kind=OTHER)}
    assert steps(planned(local, [], [was("D", "d", kind=FOLDER)])) == [("make folder there", "d")]


def test_an_unreadable_file_is_neither_deleted_nor_overwritten() -> None:
    """Whatever happens to it on the server; the reason is reported."""
    local = {"a": here("", "iA", trouble="permission denied")}
    for remote in ([], [there("A", "a", "2")]):
        made = planned(local, remote, [was("A", "a", "1")])
        assert not made.actions
        assert made.skipped[0].reason == "permission denied"


def test_an_unreadable_file_that_was_moved_is_not_deleted_where_it_was() -> None:
    """Its content is unknown: it waits under its old name, even if another file has the new one."""
    local = {"b": here("", "iA", trouble="it changes while it is read")}
    for others in ([], [there("B", "b", "2")]):
        made = planned(local, [there("A", "a", "1"), *others], [was("A", "a", "1")])
        assert not made.actions


def test_a_mass_deletion_asks_first() -> None:
    """Eleven of eleven files deleted on either side: a question; one of eleven: none."""
    synced = [was(str(n), str(n), str(n)) for n in range(11)]
    remote = [there(str(n), str(n), str(n)) for n in range(11)]
    local = {str(n): here(str(n), f"i{n}") for n in range(11)}
    assert "11 of 11" in planned({}, remote, synced).question
    assert "11 of 11" in planned(local, [], synced).question
    assert not planned(local, remote[1:], synced).question


def test_a_conflict_name_that_is_taken_gets_a_number_and_long_names_are_cut() -> None:
    """A conflict name never overwrites a file and never exceeds the length limit."""
    local = {"a.txt": here("mine", "iA"), CONFLICT: here("older", "iC")}
    made = planned(local, [there("A", "a.txt", "theirs")], [])
    assert made.local_structure[0].name == "a (conflicted copy 2026-01-02 laptop 2).txt"
    assert len(RULES.conflict_name("ä" * 120 + ".txt", set()).encode()) <= 255


def test_folders_with_new_inodes_keep_their_ids() -> None:
    """Even if each now has another's identity: contents decide; empty folders match by path."""
    numbers = {"a": "ib", "b": "iempty", "empty": "ia"}
    local = {name: here(identity=number, kind=FOLDER) for name, number in numbers.items()}
    local |= {"a/1.txt": here("one", "ix"), "a/same": here(identity="iy", kind=FOLDER)}
    local |= {"b/2.txt": here("two", "iz"), "b/same": here(identity="iasame", kind=FOLDER)}
    inside = [
        ("a", "1.txt", "one", FILE),
        ("b", "2.txt", "two", FILE),
        ("a", "same", "", FOLDER),
        ("b", "same", "", FOLDER),
    ]
    remote = [there(name, name, kind=FOLDER) for name in numbers]
    remote += [there(f"{parent}{name}", name, content, parent, kind) for parent, name, content, kind in inside]
    synced = [was(each.id, each.name, each.sha256, each.parent_id, each.kind) for each in remote]
    assert {do for do, _ in steps(planned(local, remote, synced))} == {"record"}


def test_a_replaced_folder_is_matched_by_its_contents() -> None:
    """Its identity alone is not enough; its contents show that it has moved, and the other folder is new."""
    remote = [there("A", "a", kind=FOLDER), there("1", "1.txt", "one", "A")]
    synced = [was("A", "a", kind=FOLDER), was("1", "1.txt", "one", "A")]
    local = {
        "a": here(identity="new", kind=FOLDER),
        "b": here(identity="iA", kind=FOLDER),
        "b/1.txt": here("one", "i1"),
    }
    assert steps(planned(local, remote, synced)) == [("move there", "b"), ("make folder there", "a")]


def test_a_folder_replaced_by_a_similar_one_keeps_its_id() -> None:
    """The new folder contains folders with the same names: names do not identify contents."""
    remote = [there("P", "project", kind=FOLDER), there("S", "src", parent="P", kind=FOLDER)]
    remote.append(there("a", "a.py", "one", "S"))
    synced = [was(each.id, each.name, each.sha256, each.parent_id, each.kind) for each in remote]
    local = {
        "project": here(identity="n1", kind=FOLDER),
        "project/src": here(identity="n2", kind=FOLDER),
        "old": here(identity="iP", kind=FOLDER),
        "old/src": here(identity="iS", kind=FOLDER),
        "old/src/a.py": here("one", "ia"),
    }
    made = planned(local, remote, synced)
    assert [(step.node.remote_id, step.name) for step in made.remote_structure if step.node.remote_id] == [("P", "old")]
