"""Use cases of single files and folders, on fakes: paths, names, moves and what they publish."""

import pytest
from metadata_fakes import Desk

from docstore_metadata.errors import InvalidMove, NameTaken, NotFound, PreconditionFailed
from docstore_platform.security.tokens import Principal


async def test_a_folder_is_created_once_with_its_parents(desk: Desk) -> None:
    """The second call finds it; each folder is published once."""
    place, is_new = await desk.files.make_folder(desk.caller, "/a/b/c")
    again, is_new_again = await desk.files.make_folder(desk.caller, "/a/b/c")
    assert (place.path, is_new, is_new_again) == ("/a/b/c", True, False)
    assert again.node.id == place.node.id
    assert desk.published.events == ["file-created"] * 3


async def test_a_rename_does_not_write_the_contents(desk: Desk) -> None:
    """Their paths change, their documents do not."""
    above, below = await desk.folder("/a"), await desk.folder("/a/b")
    before = desk.fakes.nodes.by_id[below.id]
    await desk.files.edit(desk.caller, above.id, None, name="z")
    assert await desk.path(below) == "/z/b"
    assert desk.fakes.nodes.by_id[below.id] is before
    assert desk.published.events[-1] == "file-moved"


async def test_a_taken_name_is_refused(desk: Desk) -> None:
    """By renaming, and by moving; nothing is published."""
    one, _ = await desk.folder("/one"), await desk.folder("/two")
    folder, _ = await desk.folder("/folder"), await desk.folder("/folder/one")
    published = list(desk.published.events)
    with pytest.raises(NameTaken):
        await desk.files.edit(desk.caller, one.id, None, name="two")
    with pytest.raises(NameTaken):
        await desk.files.edit(desk.caller, one.id, None, parent_id=folder.id)
    assert desk.published.events == published


async def test_circular_moves_and_renames_of_the_root_are_refused(desk: Desk) -> None:
    """InvalidMove."""
    above, below = await desk.folder("/a"), await desk.folder("/a/b")
    for node_id, edit in ((above.id, {"parent_id": below.id}), ("ann", {"name": "x"})):
        with pytest.raises(InvalidMove):
            await desk.files.edit(desk.caller, node_id, None, **edit)


async def test_an_edit_of_an_older_state_is_refused(desk: Desk) -> None:
    """`If-Match` names the state that the caller has seen."""
    folder = await desk.folder("/a")
    renamed = await desk.files.edit(desk.caller, folder.id, folder.etag, name="b")
    with pytest.raises(PreconditionFailed):
        await desk.files.edit(desk.caller, folder.id, folder.etag, name="c")
    assert renamed.node.etag != folder.etag


async def test_a_foreign_file_is_not_found(desk: Desk) -> None:
    """Like an unknown id."""
    folder, other = await desk.folder("/a"), Principal("eve", "s2", "user", "phone")
    for node_id in (folder.id, "0" * 32):
        with pytest.raises(NotFound):
            await desk.files.get(other, node_id)


async def test_ancestors_begin_with_the_root(desk: Desk) -> None:
    """From the topmost folder down to the parent, as paths."""
    folder = await desk.folder("/a/b/c")
    assert [place.path for place in await desk.files.ancestors(desk.caller, folder.id)] == ["/", "/a", "/a/b"]
