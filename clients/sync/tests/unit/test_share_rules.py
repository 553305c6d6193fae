"""Rules for changes inside shares, one by one."""

from datetime import date

from docstore_sync.model import Kind, LocalEntry, RemoteEntry, SyncedEntry
from docstore_sync.names import Rules
from docstore_sync.planning.planner import plan
from docstore_sync.planning.shares import SHARED_ID, SHARED_NAME, place_shares, restrict

FILE, FOLDER = Kind.FILE, Kind.FOLDER
ROOT = "root"
AT = f"{SHARED_NAME}/s"
RULES = Rules("laptop", date(2026, 1, 2))


def planned(
    role: str,
    local: dict[str, tuple[str, str]],
    remote: list[RemoteEntry],
    synced: list[SyncedEntry],
    inserted: frozenset[str] = frozenset(),
) -> tuple[list[str], list[tuple[str, str]], list[str]]:
    """Displaced files, steps in the order of their names, and skipped paths, with a shared folder `s`.

    `local`: content (none: a folder) and identity, by path; `inserted`: ids of what the account may delete.
    """
    here = {SHARED_NAME: ("", "shared"), AT: ("", "s")} | local
    entries = {path: LocalEntry(FILE if content else FOLDER, content, i) for path, (content, i) in here.items()}
    tree = place_shares([RemoteEntry("s", "", "s", FOLDER), *remote], ROOT)
    rows = [SyncedEntry(SHARED_ID, ROOT, SHARED_NAME, FOLDER, "", "shared"), was("s", SHARED_ID, "s"), *synced]
    may_be = restrict(entries, tree, rows, {each.id: role for each in (*remote, tree[-1])}, inserted)
    made = may_be.check(plan(may_be.local, tree, may_be.synced, root_id=ROOT, rules=RULES, apart=may_be.area))
    steps = sorted((a.do.value, a.node.path("goal") or a.node.path("remote")) for a in made.actions)
    return made.displaced, steps, [aside.path for aside in made.skipped]


def there(node_id: str, parent: str, name: str, content: str = "") -> RemoteEntry:
    return RemoteEntry(node_id, parent, name, FILE if content else FOLDER, content, int(bool(content)))


def was(node_id: str, parent: str, name: str, content: str = "") -> SyncedEntry:
    return SyncedEntry(node_id, parent, name, FILE if content else FOLDER, content, node_id)


def test_a_renamed_and_edited_file_is_restored_and_the_edit_kept() -> None:
    """The old file looks deleted, and others inserted it."""
    made = planned("editor", {f"{AT}/new": ("2", "A")}, [there("A", "s", "old", "1")], [was("A", "s", "old", "1")])
    assert made == ([], [("download", f"{AT}/old"), ("upload", f"{AT}/new")], [])


def test_a_file_that_replaced_another_is_restored() -> None:
    """It is a new version of the other file; its own path on the server may not be emptied by this account."""
    remote = [there("A", "s", "a", "1"), there("B", "s", "b", "2")]
    made = planned("editor", {f"{AT}/b": ("1", "A")}, remote, [was("A", "s", "a", "1"), was("B", "s", "b", "2")])
    assert made == ([], [("download", f"{AT}/a"), ("upload", f"{AT}/b")], [])


def test_a_replaced_file_that_was_moved_out_becomes_a_copy() -> None:
    """The replacement is a new version; nothing is moved out of the share on the server."""
    local = {f"{AT}/a": ("2", "new"), "mine": ("1", "A")}
    made = planned("editor", local, [there("A", "s", "a", "1")], [was("A", "s", "a", "1")])
    assert made == ([], [("upload", f"{AT}/a"), ("upload", "mine")], [])


def test_a_folder_is_restored_and_moves_within_the_share_apply() -> None:
    """Although only the server still records its old location."""
    remote = [there("D", "s", "d"), there("A", "D", "a", "1")]
    made = planned("editor", {f"{AT}/a": ("1", "A")}, remote, [was("D", "s", "d"), was("A", "D", "a", "1")])
    assert made == ([], [("make folder here", f"{AT}/d"), ("move there", f"{AT}/a")], [])


def test_files_in_an_unrecorded_folder_are_matched() -> None:
    """A kill came before it was recorded: the files in it match and are edited."""
    remote = [there("D", "s", "d"), there("A", "D", "a", "1")]
    made = planned("editor", {f"{AT}/d": ("", "D"), f"{AT}/d/a": ("2", "A")}, remote, [was("A", "D", "a", "1")])
    assert made == ([], [("record", f"{AT}/d"), ("upload", f"{AT}/d/a")], [])


def test_the_owners_file_displaces_a_viewers_renamed_copy() -> None:
    """The copy becomes a file of the account's own, though it has the same content: it may not be uploaded there."""
    local = {f"{AT}/old": ("1", "A"), f"{AT}/new": ("1", "copy")}
    made = planned("viewer", local, [there("A", "s", "new", "1")], [was("A", "s", "old", "1")])
    assert made[0] == [f"{AT}/new"]


def test_a_file_deleted_by_the_owner_is_not_uploaded_from_elsewhere() -> None:
    """Nothing may be added beside the shares: it stays on this device only."""
    for role in ("viewer", "editor"):
        made = planned(role, {f"{SHARED_NAME}/a": ("1", "A")}, [], [was("A", "s", "a", "1")])
        assert made == ([], [], [f"{SHARED_NAME}/a"]), role


def test_only_what_the_account_inserted_is_deleted_there() -> None:
    """A deleted file of others is restored."""
    remote = [there("A", "s", "a", "1"), there("B", "s", "b", "2")]
    synced = [was("A", "s", "a", "1"), was("B", "s", "b", "2")]
    made = planned("editor", {}, remote, synced, frozenset({"A"}))
    assert made == ([], [("delete there", f"{AT}/a"), ("download", f"{AT}/b")], [])


def test_an_inserted_folder_is_kept_with_what_others_put_into_it() -> None:
    """The rest of it is deleted; a folder of others is restored without what the account inserted."""
    remote = [there("D", "s", "d"), there("A", "D", "a", "1"), there("B", "D", "b", "2")]
    synced = [was("D", "s", "d"), was("A", "D", "a", "1"), was("B", "D", "b", "2")]
    expected = [("delete there", f"{AT}/d/a"), ("download", f"{AT}/d/b"), ("make folder here", f"{AT}/d")]
    for inserted in ({"D", "A"}, {"A"}):
        assert planned("editor", {}, remote, synced, frozenset(inserted)) == ([], expected, [])
    made = planned("editor", {}, remote, synced, frozenset({"D", "A", "B"}))
    assert made == ([], [("delete there", f"{AT}/d")], [])
