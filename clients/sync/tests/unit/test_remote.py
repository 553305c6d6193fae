"""The remote tree built from the feed: effects of changes, and expired cursors."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from docstore_client import ApiError, AsyncClient
from docstore_client.models import Change, Changes, ChangeType, File, Snapshot
from docstore_sync.model import Kind, SyncedEntry
from docstore_sync.remote import RemoteTree, row_of
from docstore_sync.state import State, open_state

ME = "me"


def file(
    node_id: str, name: str, parent: str | None = ME, *, kind: str = "file", version: int = 1, permission: str = "owner"
) -> File:
    known: dict[str, Any] = {"id": node_id, "kind": kind, "name": name, "parent_id": parent, "version": version}
    known |= {"sha256": f"{node_id}{version}", "size": 1, "permission": permission, "path": name}
    return File.model_construct(**known, modified_at=datetime(2026, 1, 1, tzinfo=UTC))


def folder(node_id: str, name: str, parent: str = ME) -> File:
    return file(node_id, name, parent, kind="folder")


class Feed:
    """A server with a list of changes, a tree for snapshots, and folders."""

    def __init__(self) -> None:
        self.changed: list[tuple[ChangeType, File]] = []
        self.now: list[File] = []
        self.expired_before = 0
        self.epoch = ""
        self.calls: list[str] = []

    async def changes(self, cursor: str, *, limit: int, wait: int) -> Changes:
        self.calls.append("changes")
        start = int(cursor)
        if start < self.expired_before:
            raise ApiError(410, "cursor_expired", "too old")
        page = self.changed[start : start + 2]
        page_changes = [
            Change.model_construct(seq=start + n, type=type_, file=each) for n, (type_, each) in enumerate(page)
        ]
        end = start + len(page)
        return Changes.model_construct(changes=page_changes, cursor=str(end), has_more=end < len(self.changed))

    async def snapshot(self, cursor: str | None) -> Snapshot:
        self.calls.append("snapshot")
        at = int(cursor or 0)
        further = str(at + 1) if at + 1 < len(self.now) else None
        begin = str(len(self.changed))
        items = self.now[at : at + 1]
        return Snapshot.model_construct(items=items, next_cursor=further, changes_cursor=begin, epoch=self.epoch)

    async def list_folder(self, *, parent_id: str) -> list[File]:
        self.calls.append("list")
        return [each for each in self.now if each.parent_id == parent_id]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with open_state(tmp_path) as state:
        yield state


def tree_of(feed: Feed, state: State) -> RemoteTree:
    return RemoteTree(cast(AsyncClient, feed), state, ME)


def names(tree: RemoteTree) -> dict[str, tuple[str, int]]:
    return {row.entry.name: (row.entry.parent_id, row.entry.version) for row in tree.rows.values()}


async def test_snapshot_and_changes_survive_a_restart(state: State) -> None:
    """Page by page, shares included; the state stores everything."""
    feed = Feed()
    feed.now = [folder("d", "d"), file("a", "a", "d"), file("x", "theirs", None, permission="viewer")]
    tree = tree_of(feed, state)
    await tree.catch_up()
    feed.changed = [
        ("modified", file("a", "a", "d", version=2)),
        ("created", file("b", "b")),
        ("moved", file("b", "c")),
    ]
    assert await tree.catch_up()
    assert names(tree) == {"d": (ME, 0), "a": ("d", 2), "c": (ME, 1), "theirs": ("", 1)}
    assert tree.rows["x"].permission == "viewer"
    again = tree_of(feed, state)
    feed.calls.clear()
    assert not await again.catch_up()
    assert (names(again), feed.calls) == (names(tree), ["changes"])


async def test_a_folder_is_deleted_and_restored_with_its_contents(state: State) -> None:
    """The feed reports only the folder."""
    feed = Feed()
    inside = [folder("d", "d"), folder("e", "e", "d"), file("a", "a", "e")]
    feed.now = inside
    tree = tree_of(feed, state)
    await tree.catch_up()
    feed.changed.append(("deleted", folder("d", "d")))
    await tree.catch_up()
    assert names(tree) == {}
    feed.changed.append(("restored", folder("d", "d")))
    await tree.catch_up()
    assert set(names(tree)) == {"d", "e", "a"}


async def test_a_share_is_added_and_removed_with_its_contents(state: State) -> None:
    """A changed role, too: it changes what is allowed inside."""
    feed = Feed()
    feed.now = []
    tree = tree_of(feed, state)
    await tree.catch_up()
    for role in ("viewer", "editor"):
        shared = file("s", "s", None, kind="folder", permission=role)
        feed.now = [shared, file("a", "a", "s", permission=role)]
        feed.changed.append(("shared", shared))
        assert await tree.catch_up()
        assert {row.permission for row in tree.rows.values()} == {role}
    feed.changed.append(("unshared", shared))
    assert await tree.catch_up()
    assert names(tree) == {}


async def test_files_with_a_watermark_are_not_there(state: State) -> None:
    """Their folder is; they go when its share gets a watermark and return when it is removed."""
    feed = Feed()
    shared = file("s", "s", None, kind="folder", permission="viewer")
    plain = file("a", "a", "s", permission="viewer")
    marked = plain.model_copy(update={"watermark": "for Grace"})
    feed.now = [shared, marked]
    tree = tree_of(feed, state)
    await tree.catch_up()
    assert set(names(tree)) == {"s"}
    for one, expected in ((plain, {"s", "a"}), (marked, {"s"}), (plain, {"s", "a"})):
        feed.now = [shared, one]
        feed.changed.append(("shared", shared))
        assert await tree.catch_up()
        assert set(names(tree)) == expected
    feed.changed.append(("modified", marked))
    assert await tree.catch_up()
    assert set(names(tree)) == {"s"}


async def test_an_expired_cursor_leads_to_a_snapshot(state: State) -> None:
    """Deleted files are removed and new ones added, without reading changes."""
    feed = Feed()
    feed.now = [file("a", "a"), file("b", "b")]
    tree = tree_of(feed, state)
    await tree.catch_up()
    feed.changed = [("deleted", file("a", "a"))] * 5
    feed.expired_before, feed.now = 5, [file("b", "b", version=7), file("c", "c")]
    assert await tree.catch_up()
    assert names(tree) == {"b": (ME, 7), "c": (ME, 1)}


async def test_a_restored_server_drops_all_synced_records(state: State) -> None:
    """No one deleted what the backup lacks: synced records are dropped once per restore."""
    feed = Feed()
    feed.now = [file("a", "a"), file("new", "new")]
    tree = tree_of(feed, state)
    await tree.catch_up()
    feed.changed, feed.expired_before = [("deleted", file("x", "x"))] * 5, 5
    for epoch, synced_stays in (("", True), ("1", False), ("1", True), ("2", False)):
        state.record(SyncedEntry("new", ME, "new", Kind.FILE, "new1", "1:2"))
        feed.now, feed.epoch = [file("a", "a")], epoch
        state.set_value("cursor", "1")
        assert await tree.catch_up()
        assert names(tree) == {"a": (ME, 1)}
        assert bool(state.synced()) is synced_stays


async def test_own_changes_are_not_reported_as_new(state: State) -> None:
    """Its own upload arrives again; an older state in between does not stay."""
    feed = Feed()
    tree = tree_of(feed, state)
    await tree.catch_up()
    tree.put(row_of(file("a", "a", version=2)))
    feed.changed = [("modified", file("a", "a", version=2))]
    assert not await tree.catch_up()
    feed.changed += [("modified", file("a", "a", version=1)), ("modified", file("a", "a", version=2))]
    await tree.catch_up()
    assert names(tree) == {"a": (ME, 2)}
