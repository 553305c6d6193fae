"""What a ZIP contains, on fakes: names, folders, rights, limits."""

import pytest
from metadata_fakes import person
from zip_fakes import ZipDesk

from docstore_metadata.errors import ContentArchived, NotFound, WatermarkedOnly
from docstore_metadata.tree.rules import Node
from docstore_metadata.zips import plan as plan_module
from docstore_metadata.zips import service as module
from docstore_metadata.zips.service import name_of
from docstore_platform.errors import TooLarge


async def paths(desk: ZipDesk, *nodes: Node) -> list[str]:
    plan = await desk.zips.plan(await desk.zips.chosen(desk.caller, [node.id for node in nodes]))
    return [planned.entry.path for _, planned in plan.planned()]


async def test_a_folder_contains_everything_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under its own name, empty folders too, without what is in the trash; read page by page."""
    monkeypatch.setattr(module, "PAGE", 2)
    desk = ZipDesk()
    top = desk.folder("Docs")
    inner, _ = desk.folder("inner", top), desk.folder("empty", top)
    desk.file("a.txt", b"a", top)
    desk.file("b.txt", b"b", inner)
    desk.file("gone.txt", b"c", top, live=False)
    found = await paths(desk, top)
    assert sorted(found) == ["Docs/", "Docs/a.txt", "Docs/empty/", "Docs/inner/", "Docs/inner/b.txt"]
    assert max(desk.zip_tree.pages) == 2


async def test_a_selection_is_side_by_side_and_each_once() -> None:
    """Names from different folders that are equal get numbers."""
    desk = ZipDesk()
    one, two = desk.folder("one"), desk.folder("two")
    same = [desk.file("a.txt", b"1", one), desk.file("A.TXT", b"2", two)]
    assert await paths(desk, *same, same[0]) == ["a.txt", "A (2).TXT"]


async def test_everything_of_an_account_is_without_a_folder_above() -> None:
    """The root has no name."""
    desk = ZipDesk()
    desk.file("a.txt", b"1")
    places = await desk.zips.chosen(desk.caller, ["ann"])
    assert name_of(places) == "DocStore.zip"
    assert await paths(desk, places[0].node) == ["a.txt"]


async def test_only_readers_of_the_original_get_it() -> None:
    """Other accounts find nothing; viewers of marked pictures are refused, for one of several too."""
    desk = ZipDesk()
    shown = desk.folder("shown", shared_with={"bob": "viewer"}, watermarks={"bob": "draft"})
    open_folder = desk.folder("open", shared_with={"bob": "viewer"})
    with pytest.raises(NotFound):
        await desk.zips.chosen(person("eve"), [open_folder.id])
    with pytest.raises(WatermarkedOnly):
        await desk.zips.chosen(person("bob"), [open_folder.id, shown.id])
    assert len(await desk.zips.chosen(person("bob"), [open_folder.id])) == 1


async def test_archived_contents_are_named_before_anything_is_sent() -> None:
    """With the files that must be retrieved first."""
    desk = ZipDesk()
    top = desk.folder("Docs")
    file = desk.file("old.txt", b"a", top)
    desk.access.archived.add(file.object_key)
    with pytest.raises(ContentArchived) as refused:
        await paths(desk, top)
    assert refused.value.extra == {"estimate_seconds": 5 * 3600, "file_ids": [file.id]}


async def test_the_number_of_entries_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it the ZIP is refused as a whole."""
    monkeypatch.setattr(plan_module, "MAX_ENTRIES", 2)
    desk = ZipDesk()
    for number in range(3):
        desk.file(f"{number}", b"")
    with pytest.raises(TooLarge) as refused:
        await paths(desk, desk.nodes.by_id["ann"])
    assert refused.value.code == "too_many_files"


async def test_the_etag_changes_with_any_content_or_name() -> None:
    """And not otherwise."""
    desk = ZipDesk()
    file = desk.file("a.txt", b"1")

    async def digest() -> str:
        return (await desk.zips.plan(await desk.zips.chosen(desk.caller, ["ann"]))).digest

    first = await digest()
    assert await digest() == first
    desk.nodes.by_id[file.id].name = "b.txt"
    second = await digest()
    desk.nodes.by_id[file.id].object_key = "other"
    assert len({first, second, await digest()}) == 3
