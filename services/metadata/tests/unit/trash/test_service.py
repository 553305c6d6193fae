"""Use cases of the trash, on fakes: where things come back to, and under which name."""

import pytest
from metadata_fakes import Desk

from docstore_metadata.errors import InvalidMove, NotFound


async def test_what_is_in_a_trashed_folder_can_not_be_reached(desk: Desk) -> None:
    """One write to the folder; a walk in the background publishes what became of what is in it."""
    folder, below = await desk.folder("/a"), await desk.folder("/a/b")
    await desk.trash.put_in(desk.caller, folder.id, None)
    with pytest.raises(NotFound):
        await desk.files.get(desk.caller, below.id)
    assert desk.store.nodes.by_id[below.id].live
    assert desk.transactor.events[-1] == "file-deleted"
    assert desk.jobs.added == [("settle", folder.id)]


async def test_a_restored_folder_is_where_it_was(desk: Desk) -> None:
    """Restored again, as by a call whose response was lost, it is the same."""
    folder, below = await desk.folder("/a/b"), await desk.folder("/a/b/c")
    await desk.trash.put_in(desk.caller, folder.id, None)
    for _ in range(2):
        assert (await desk.trash.restore(desk.caller, folder.id)).path == "/a/b"
    assert await desk.path(below) == "/a/b/c"
    assert desk.transactor.events.count("file-restored") == 1
    stored = desk.store.nodes.by_id[folder.id]
    assert (stored.trashed_at, stored.trashed_path) == (None, "")


async def test_without_its_folder_it_goes_into_the_root(desk: Desk) -> None:
    """And gets another name where its own is taken."""
    above, folder, _ = await desk.folder("/a"), await desk.folder("/a/b"), await desk.folder("/b")
    await desk.trash.put_in(desk.caller, folder.id, None)
    await desk.trash.put_in(desk.caller, above.id, None)
    assert (await desk.trash.restore(desk.caller, folder.id)).path == "/b (restored)"


async def test_the_root_stays(desk: Desk) -> None:
    """It can't be put into the trash."""
    await desk.folder("/a")
    with pytest.raises(InvalidMove):
        await desk.trash.put_in(desk.caller, "ann", None)


async def test_the_trash_is_as_old_as_what_is_longest_in_it(desk: Desk) -> None:
    """The root says since when there is something: by that retention finds the account."""
    first, second = await desk.folder("/a"), await desk.folder("/b")
    await desk.trash.put_in(desk.caller, first.id, None)
    since = desk.clock.now
    desk.clock.pass_time(days=3)
    await desk.trash.put_in(desk.caller, second.id, None)
    assert desk.store.nodes.by_id["ann"].trash_from == since
    assert desk.store.nodes.by_id[second.id].trashed_at == desk.clock.now
