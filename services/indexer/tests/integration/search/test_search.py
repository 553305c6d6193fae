"""What people find, and what they must not."""

import indexer_documents as documents
import pytest
from indexer_world import World

from docstore_events.catalogue.files import FileModified
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_premium_texts_and_scans_become_searchable_with_snippets(running: World) -> None:
    """A plain text, a PDF, a Word file, a picture and a scanned PDF are found by a word in them; each is published."""
    ann = await running.person("premium")
    files = {
        "note.txt": b"the quick walrus",
        "paper.pdf": documents.pdf("A walrus in print"),
        "letter.docx": documents.word("Dear walrus"),
        "photo.png": documents.png("walrus ahead"),
        "scan.pdf": documents.scanned_pdf("scanned walrus"),
    }
    states = [await running.add(ann, name, content) for name, content in files.items()]
    items = await running.finds(ann, "walrus", *files, scope="content")
    assert all("<mark>walrus</mark>" in item["snippet"] for item in items)
    for state in states:
        (event,) = await running.until_published(state.file_id, "file-indexed")
        assert (event["mode"], event["version"], event["revision"]) == ("fulltext", 1, 1)
        assert event["ocr"] is (state.name in ("photo.png", "scan.pdf"))
        assert event["characters"] > 5


async def test_a_free_account_finds_names_only(running: World) -> None:
    """On the free plan no text is read; names, tags, types and dates are searched; `in=content` is 403."""
    bob = await running.person("free")
    state = await running.add(bob, "report 2026.txt", b"the quick walrus", tags=("Work",), content_type="text/plain")
    (item,) = await running.finds(bob, "repo", "report 2026.txt", tag="work", type="text")
    assert item["file"]["id"] == state.file_id
    assert item["snippet"] is None
    assert await running.names(bob, "walrus") == []
    assert await running.names(bob, modified_after="2020-01-01", modified_before="2021-01-01T00:00:00Z") == []
    assert await running.names(bob, modified_after="2020-01-01") == ["report 2026.txt"]
    assert await running.refused(bob, "q=walrus&in=content") == (403, "premium_required")
    (event,) = await running.until_published(state.file_id, "file-indexed")
    assert event["mode"] == "name"
    assert await running.database["texts"].find_one({"_id": state.file_id}) is None


async def test_the_largest_files_come_first_if_asked_for_and_sums_are_the_owners(running: World) -> None:
    """By size, either way; sums by family are of one's own files, without those in the trash."""
    ann, bob = await running.person(), await running.person()
    await running.add(ann, "small.txt", b"x" * 10)
    await running.add(ann, "large.txt", b"x" * 3000)
    gone = await running.add(ann, "middle.png", b"x" * 200)
    await running.finds(ann, "", "small.txt", "large.txt", "middle.png")

    async def by_size(**filters: str) -> list[str]:
        return [item["file"]["name"] for item in (await running.search(ann, sort="size", **filters))["items"]]

    assert await by_size() == ["large.txt", "middle.png", "small.txt"]
    assert await by_size(order="asc", kind="file") == ["small.txt", "middle.png", "large.txt"]

    async def sums(person: str) -> list[tuple[str, int, int]]:
        answer = await running.call("GET", "/v1/me/storage/families", bearer=running.token(person))
        return [(each["family"], each["files"], each["bytes"]) for each in answer.json()["items"]]

    assert await sums(ann) == [("document", 2, 3010), ("image", 1, 200)]
    assert await sums(bob) == []
    await running.delete(gone.file_id)

    async def is_subtracted() -> bool:
        return await sums(ann) == [("document", 2, 3010)]

    await eventually(is_subtracted)


async def test_bad_parameters_are_named(running: World) -> None:
    """What can't be understood is 422 with a stable code, without a token it is 401."""
    ann = await running.person()
    for query in (
        "in=everything",
        "limit=0",
        "sort=name",
        "sort=size&order=up",
        "limit=1000",
        "modified_after=soon",
        "modified_after=0.5",
        "modified_before=",
        "q=" + "x" * 1001,
        "limit=x",
    ):
        assert await running.refused(ann, query) == (422, "invalid_request")
    assert await running.refused(ann, "cursor=nonsense") == (422, "invalid_cursor")
    assert (await running.call("GET", "/v1/search?q=x", bearer="x")).status == 401
    assert (await running.search(ann, '"un\x00closed AND (', limit=1))["items"] == []


async def test_another_accounts_file_never_shows(running: World) -> None:
    """A canary in another account is in no hit, no total and no page, by name or by content."""
    ann, eve = await running.person("premium"), await running.person("premium")
    await running.add(ann, "canary one.txt", b"secret canary")
    await running.finds(ann, "canary", "canary one.txt", scope="content")
    for scope in ("name", "content"):
        for text in ("canary", "can", "secret", ""):
            found = await running.search(eve, text, scope=scope)
            assert found == {"items": [], "total": 0, "mode": found["mode"], "next_cursor": None}


async def test_a_reader_finds_what_is_shared(running: World) -> None:
    """A file is found by those who may read it besides its owner."""
    ann, bob = await running.person("premium"), await running.person("premium")
    await running.add(ann, "shared.txt", b"common walrus", readers=(bob,))
    await running.finds(bob, "walrus", "shared.txt", scope="content")


async def test_on_file_access_changed_readers_come_and_go(running: World) -> None:
    """Who may read a file now finds it; who may not is shown nothing at once, total and pages, before any event."""
    ann, bob = await running.person("premium"), await running.person("premium")
    states = [await running.add(ann, f"shared {number}.txt", b"common walrus") for number in range(3)]
    await running.finds(ann, "walrus", *(state.name for state in states), scope="content")
    for state in states:
        await running.share(state.file_id, bob)
    await running.finds(bob, "walrus", *(state.name for state in states), scope="content")
    revisions = [running.keep(state.file_id, readers=()).revision for state in states]
    for scope in ("name", "content"):
        for limit in (1, 20):
            found = await running.search(bob, "shared" if scope == "name" else "walrus", scope=scope, limit=limit)
            assert (found["items"], found["total"]) == ([], 0)
    assert revisions == [3, 3, 3]
    assert len((await running.search(ann, "walrus", scope="content"))["items"]) == 3


async def test_pages_follow_each_other(running: World) -> None:
    """Every hit comes once, the total stays, the last page has no cursor."""
    ann = await running.person()
    for number in range(5):
        await running.add(ann, f"page {number}.txt", b"")
    await running.finds(ann, "page", *(f"page {number}.txt" for number in range(5)))
    names: list[str] = []
    cursor = ""
    while cursor is not None:
        page = await running.search(ann, "page", limit=2, cursor=cursor)
        assert (page["total"], page["mode"]) == (5, "name")
        names += [item["file"]["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert sorted(names) == [f"page {number}.txt" for number in range(5)]


async def test_on_file_deleted_it_leaves_at_once_and_comes_back_when_restored(running: World) -> None:
    """A file in the trash is in no hit and no total; restored it is found again, without a new event; then purged."""
    ann = await running.person("premium")
    state = await running.add(ann, "gone.txt", b"fleeting walrus")
    await running.finds(ann, "walrus", "gone.txt", scope="content")
    await running.delete(state.file_id)
    assert await running.names(ann, "walrus", scope="content") == []

    async def left() -> bool:
        return bool((await running.search(ann, "gone"))["total"] == 0)

    await eventually(left)
    await running.restore(state.file_id)
    await running.finds(ann, "walrus", "gone.txt", scope="content")
    await running.until_published(state.file_id, "file-indexed")
    await running.purge(state.file_id)
    await running.settled()
    await eventually(left)

    async def forgotten() -> bool:
        return await running.database["texts"].find_one({"_id": state.file_id}) is None

    await eventually(forgotten)


async def test_on_file_modified_the_old_text_leaves_and_the_new_one_comes(running: World) -> None:
    """The words of the old version are no longer found, those of the new one are; both versions are published."""
    ann = await running.person("premium")
    state = await running.add(ann, "draft.txt", b"early walrus")
    await running.finds(ann, "walrus", "draft.txt", scope="content")
    await running.modify(state.file_id, b"later badger")
    (item,) = await running.finds(ann, "badger", "draft.txt", scope="content")
    assert item["file"]["version"] == 2
    assert await running.names(ann, "walrus", scope="content") == []
    events = await running.until_published(state.file_id, "file-indexed", "file-indexed")
    assert [event["version"] for event in events] == [1, 2]


async def test_on_file_modified_it_is_found_by_name_while_its_text_can_not_be_read(fresh: World) -> None:
    """The old text is removed before the new one is there, whatever version metadata reports."""
    ann = await fresh.person("premium")
    state = await fresh.add(ann, "draft.docx", documents.word("early walrus"))
    await fresh.finds(ann, "walrus", "draft.docx", scope="content")
    changed = state.model_copy(update={"version": 2, "object_key": "accounts/nobody/nothing"})
    await fresh.publish(FileModified(revision=2, file=changed, path="/d", actor_id=ann, added_bytes=1))
    await fresh.finds(ann, "walrus", scope="content")
    await fresh.finds(ann, "draft", "draft.docx")


async def test_on_file_moved_a_new_name_keeps_the_text(running: World) -> None:
    """A rename is found by the new name and still by its text, and nothing is read again."""
    ann = await running.person("premium")
    state = await running.add(ann, "old.txt", b"steady walrus")
    await running.finds(ann, "walrus", "old.txt", scope="content")
    await running.settled()
    await running.objects.delete(state.object_key)
    await running.rename(state.file_id, "new.txt")
    await running.finds(ann, "walrus", "new.txt", scope="content")
    await running.finds(ann, "new", "new.txt")
    assert await running.names(ann, "old") == []
    await running.until_published(state.file_id, "file-indexed")
