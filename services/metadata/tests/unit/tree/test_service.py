"""Use cases of single files and folders, on fakes: paths, names, moves and what they publish."""

import pytest
from metadata_fakes import Desk

from docstore_metadata.errors import InvalidMove, NameTaken, NotFound, PreconditionFailed
from docstore_metadata.tree.service import Edit
from docstore_platform.tokens import Principal


async def test_a_folder_is_made_with_those_above_it_once(desk: Desk) -> None:
    """The second call finds it; each folder is published once."""
    place, is_new = await desk.files.make_folder(desk.caller, "/a/b/c")
    again, is_new_again = await desk.files.make_folder(desk.caller, "/a/b/c")
    assert (place.path, is_new, is_new_again) == ("/a/b/c", True, False)
    assert again.node.id == place.node.id
    assert desk.transactor.events == ["file-created"] * 3


async def test_a_rename_keeps_what_is_in_a_folder(desk: Desk) -> None:
    """One write: what is below has another path, and its own document is as it was."""
    above, below = await desk.folder("/a"), await desk.folder("/a/b")
    before = desk.store.nodes.by_id[below.id]
    await desk.files.edit(desk.caller, above.id, Edit(name="z"), None)
    assert await desk.path(below) == "/z/b"
    assert desk.store.nodes.by_id[below.id] is before
    assert desk.transactor.events[-1] == "file-moved"


async def test_a_name_that_is_taken_is_refused(desk: Desk) -> None:
    """By renaming, and by moving into a folder that has it; nothing is published."""
    one, _ = await desk.folder("/one"), await desk.folder("/two")
    folder, _ = await desk.folder("/folder"), await desk.folder("/folder/one")
    published = list(desk.transactor.events)
    with pytest.raises(NameTaken):
        await desk.files.edit(desk.caller, one.id, Edit(name="two"), None)
    with pytest.raises(NameTaken):
        await desk.files.edit(desk.caller, one.id, Edit(parent_id=folder.id), None)
    assert desk.transactor.events == published


async def test_a_folder_goes_neither_into_itself_nor_away_as_the_root(desk: Desk) -> None:
    """Below itself it would be a circle; the root has no name and no folder above."""
    above, below = await desk.folder("/a"), await desk.folder("/a/b")
    for node_id, edit in ((above.id, Edit(parent_id=below.id)), ("ann", Edit(name="x"))):
        with pytest.raises(InvalidMove):
            await desk.files.edit(desk.caller, node_id, edit, None)


async def test_an_edit_of_an_older_state_is_refused(desk: Desk) -> None:
    """`If-Match` names the state that the caller has seen."""
    folder = await desk.folder("/a")
    renamed = await desk.files.edit(desk.caller, folder.id, Edit(name="b"), folder.etag)
    with pytest.raises(PreconditionFailed):
        await desk.files.edit(desk.caller, folder.id, Edit(name="c"), folder.etag)
    assert renamed.node.etag != folder.etag


async def test_a_foreign_file_does_not_exist(desk: Desk) -> None:
    """A stranger can't tell it from an id that was never given out."""
    folder, stranger = await desk.folder("/a"), Principal("eve", "s2", "user", "phone")
    for node_id in (folder.id, "0" * 32):
        with pytest.raises(NotFound):
            await desk.files.get(stranger, node_id)


async def test_ancestors_begin_with_the_root(desk: Desk) -> None:
    """From the topmost folder down to the parent, as paths."""
    folder = await desk.folder("/a/b/c")
    assert [place.path for place in await desk.files.ancestors(desk.caller, folder.id)] == ["/", "/a", "/a/b"]
