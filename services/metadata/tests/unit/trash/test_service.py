"""Use cases of the trash, on fakes."""

from collections.abc import Sequence

import pytest
from metadata_fakes import Desk, person

from docstore_metadata.errors import InvalidMove, NotFound, OwnerOnly
from docstore_metadata.trash import service
from docstore_metadata.tree.rules import Node
from docstore_platform.mongodb.session import Session


async def test_the_contents_of_a_trashed_folder_are_unreachable(desk: Desk) -> None:
    """By one write; a job publishes the descendants' changes."""
    folder, below = await desk.folder("/a"), await desk.folder("/a/b")
    await desk.trash.put_in(desk.caller, folder.id, None)
    with pytest.raises(NotFound):
        await desk.files.get(desk.caller, below.id)
    assert desk.fakes.nodes.by_id[below.id].live
    assert desk.published.events[-1] == "file-deleted"
    assert desk.fakes.jobs.added == [("settle", folder.id)]


async def test_a_restored_folder_has_its_old_path(desk: Desk) -> None:
    """A repeated restore, after a lost response, changes nothing."""
    folder, below = await desk.folder("/a/b"), await desk.folder("/a/b/c")
    await desk.trash.put_in(desk.caller, folder.id, None)
    for _ in range(2):
        assert (await desk.trash.restore(desk.caller, folder.id)).path == "/a/b"
    assert await desk.path(below) == "/a/b/c"
    assert desk.published.events.count("file-restored") == 1
    stored = desk.fakes.nodes.by_id[folder.id]
    assert (stored.trashed_at, stored.trashed_path) == (None, "")


async def test_a_restore_to_the_same_depth_reads_nothing_below_the_folder(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is in the folder; to a greater depth, its subfolders are read."""
    read: list[str] = []
    child_ids = desk.fakes.nodes.child_ids

    async def counted(folder_ids: Sequence[str], *, folders_only: bool, session: Session) -> list[str]:
        read.extend(folder_ids)
        return await child_ids(folder_ids, folders_only=folders_only, session=session)

    monkeypatch.setattr(desk.fakes.nodes, "child_ids", counted)
    above, folder = await desk.folder("/a"), await desk.folder("/a/b")
    await desk.trash.put_in(desk.caller, folder.id, None)
    await desk.trash.restore(desk.caller, folder.id)
    assert read == []
    await desk.trash.put_in(desk.caller, folder.id, None)
    await desk.files.edit(desk.caller, above.id, None, parent_id=(await desk.folder("/deeper")).id)
    read.clear()
    await desk.trash.restore(desk.caller, folder.id)
    assert folder.id in read


async def test_restore_without_its_folder_uses_the_root(desk: Desk) -> None:
    """It is renamed if its name is taken."""
    above, folder, _ = await desk.folder("/a"), await desk.folder("/a/b"), await desk.folder("/b")
    await desk.trash.put_in(desk.caller, folder.id, None)
    await desk.trash.put_in(desk.caller, above.id, None)
    assert (await desk.trash.restore(desk.caller, folder.id)).path == "/b (restored)"


async def test_the_root_can_not_be_trashed(desk: Desk) -> None:
    """InvalidMove."""
    await desk.folder("/a")
    with pytest.raises(InvalidMove):
        await desk.trash.put_in(desk.caller, "ann", None)


async def test_the_root_stores_since_when_there_is_trash(desk: Desk) -> None:
    """Retention finds the account by it."""
    first, second = await desk.folder("/a"), await desk.folder("/b")
    await desk.trash.put_in(desk.caller, first.id, None)
    since = desk.clock.now
    desk.clock.pass_time(days=3)
    await desk.trash.put_in(desk.caller, second.id, None)
    assert desk.fakes.nodes.by_id["ann"].trash_from == since
    assert desk.fakes.nodes.by_id[second.id].trashed_at == desk.clock.now


async def inserted_by_bob(desk: Desk, path: str) -> Node:
    """A folder that bob, an editor of ann's /team, inserts."""
    desk.fakes.nodes.by_id[(await desk.folder("/team")).id].shared_with = {"bob": "editor"}
    place, _ = await desk.files.make_folder(person("bob"), path, (await desk.folder("/team")).id)
    return place.node


async def test_an_editor_deletes_a_folder_while_all_in_it_is_their_own(desk: Desk) -> None:
    """It is in the owner's trash then: the editor can't restore it. Each folder in it is written, as a lock."""
    top, below = await inserted_by_bob(desk, "/own"), await inserted_by_bob(desk, "/own/below")
    inner = await desk.folder("/team/own/below/of-ann")
    with pytest.raises(OwnerOnly, match="others added"):
        await desk.trash.put_in(person("bob"), top.id, None)
    await desk.trash.put_in(desk.caller, inner.id, None)
    before = desk.fakes.nodes.by_id[below.id].children_revision
    await desk.trash.put_in(person("bob"), top.id, None)
    assert desk.fakes.nodes.by_id[below.id].children_revision == before + 1
    for refused in (desk.trash.restore, desk.trash.purge):
        with pytest.raises(NotFound):
            await refused(person("bob"), top.id)
    await desk.trash.restore(desk.caller, top.id)
    with pytest.raises(OwnerOnly):
        await desk.trash.restore(person("bob"), top.id)


async def test_the_walk_of_an_editors_deletion_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the owner deletes a folder with more folders in it, in one write."""
    top, _ = await inserted_by_bob(desk, "/own"), await inserted_by_bob(desk, "/own/below")
    monkeypatch.setattr(service, "FOLDERS_AT_ONCE", 1)
    with pytest.raises(OwnerOnly, match="more than 1 folders"):
        await desk.trash.put_in(person("bob"), top.id, None)
    await desk.trash.put_in(desk.caller, top.id, None)
