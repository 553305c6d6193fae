"""Photos by the date they were taken."""

from typing import Any

from metadata_stack import Stack

from docstore_events.catalogue.files import PreviewReady
from docstore_metadata.paging import EPOCH
from docstore_metadata.photos.query import PhotoQuery
from docstore_metadata.photos.repository import BY_DATE, month_pipeline, photo_filter

Json = dict[str, Any]


async def photo(stack: Stack, path: str, taken_at: str | None = None, of: str = "image", **extra: Any) -> Json:
    """A file whose preview has come."""
    file: Json = await stack.put(path, content_type="image/jpeg", **extra)
    await shown(stack, file, taken_at, of)
    return file


async def shown(stack: Stack, file: Json, taken_at: str | None = None, of: Any = "image") -> None:
    about = {"file_id": file["id"], "owner_id": file["owner_id"], "version": file["version"]}
    await stack.handle(PreviewReady(revision=1, of=of, taken_at=taken_at, **about))


async def names(stack: Stack, query: str = "") -> list[str]:
    return [item["name"] for item in (await stack.person.ok("GET", f"/v1/photos{query}"))["items"]]


async def months(stack: Stack) -> list[tuple[str, int]]:
    return [(item["month"], item["count"]) for item in (await stack.person.ok("GET", "/v1/photos/months"))["items"]]


async def test_photos_come_by_the_date_they_were_taken(running: Stack) -> None:
    """The camera's date, else the client's; from all folders; documents with pictures of their pages are none."""
    await photo(running, "/a/old.jpg", "2019-07-01T10:00:00")
    await photo(running, "/new.jpg", "2026-02-03T04:05:06")
    await photo(running, "/b/c/saved.mov", of="video", client_modified_at="2021-01-31T23:59:59Z")
    await photo(running, "/nonsense.jpg", "2020-13-45T10:00:00", client_modified_at="2020-05-05T05:05:05Z")
    await photo(running, "/page.pdf", of="pdf")
    assert await names(running) == ["new.jpg", "saved.mov", "nonsense.jpg", "old.jpg"]
    [first] = (await running.person.ok("GET", "/v1/photos?limit=1"))["items"]
    assert (first["taken_at"], first["path"], first["preview"]) == ("2026-02-03T04:05:06", "/new.jpg", True)
    assert await months(running) == [("2026-02", 1), ("2021-01", 1), ("2020-05", 1), ("2019-07", 1)]
    assert await names(running, "?taken_after=2020-01-01&taken_before=2021-02-01") == ["saved.mov", "nonsense.jpg"]
    assert (await running.other.ok("GET", "/v1/photos"))["items"] == []
    assert (await running.other.ok("GET", "/v1/photos/months"))["items"] == []


async def test_pages_have_each_photo_once(running: Stack) -> None:
    """Also of many that were taken in the same second, within bounds."""
    for number in range(7):
        await photo(running, f"/{number}.jpg", f"2024-05-0{1 + number // 4}T00:00:00")
    found: list[str] = []
    cursor = ""
    while True:
        page = await running.person.ok("GET", f"/v1/photos?limit=2&taken_before=2024-06-01{cursor}")
        found += [item["name"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(found) == 7
    assert {name[0] for name in found[:3]} == {"4", "5", "6"}
    assert sorted(found) == [f"{number}.jpg" for number in range(7)]
    listing = await running.person.ok("GET", "/v1/files?limit=1")
    await running.person.refused("GET", f"/v1/photos?cursor={listing['next_cursor']}")


async def test_a_photo_follows_its_file(running: Stack) -> None:
    """A new version is shown once it has its preview; what is in the trash is not, and comes back."""
    file = await photo(running, "/in/a.jpg", "2024-05-01T00:00:00")
    await photo(running, "/b.jpg", "2023-01-01T00:00:00")
    newer = await running.put("/in/a.jpg", content_type="image/jpeg")
    assert await names(running) == ["b.jpg"]
    await shown(running, file, "2024-05-01T00:00:00")  # late, of the version before
    assert await names(running) == ["b.jpg"]
    await shown(running, newer, "2022-02-02T00:00:00")
    assert await names(running) == ["b.jpg", "a.jpg"]
    for trashed in (file, await running.person.at("/in")):
        await running.person.ok("DELETE", f"/v1/files/{trashed['id']}")
        await running.jobs_done()
        assert await names(running) == ["b.jpg"]
        assert await months(running) == [("2023-01", 1)]
        await running.person.ok("POST", f"/v1/files/{trashed['id']}/restore")
        await running.jobs_done()
        assert await names(running) == ["b.jpg", "a.jpg"]
        assert await months(running) == [("2023-01", 1), ("2022-02", 1)]


async def test_late_pages_and_months_use_the_index(running: Stack) -> None:
    """A page in the middle reads as many nodes as it shows, without sorting; months read none."""
    await running.commit(*(running.item(f"/l/{number}.txt") for number in range(60)))
    files = await running.commit(*(running.item(f"/p/{number}.jpg") for number in range(60)))
    for number, each in enumerate(files):
        await shown(running, each["file"], f"2024-05-01T00:00:{number:02}")
    owner = running.person.account_id
    [middle] = (await running.person.ok("GET", "/v1/photos?limit=1&taken_before=2024-05-01T00:00:30Z"))["items"]
    node = await running.database["nodes"].find_one({"_id": middle["id"]})
    query = PhotoQuery(owner, 5, after=EPOCH, position=(node["photo_at"], node["_id"]))
    order = {"photo_at": -1, "_id": -1}
    find = {"find": "nodes", "filter": photo_filter(query), "sort": order, "limit": 5, "hint": BY_DATE}
    plan = await running.database.command("explain", find, verbosity="executionStats")
    assert plan["executionStats"]["nReturned"] == 5
    assert plan["executionStats"]["totalDocsExamined"] <= 6
    assert "'stage': 'SORT'" not in str(plan["queryPlanner"]["winningPlan"])
    counting = {"aggregate": "nodes", "pipeline": month_pipeline(owner), "cursor": {}, "hint": BY_DATE}
    plan = await running.database.command("explain", counting, verbosity="executionStats")
    assert "'totalDocsExamined': 0" in str(plan)
    assert "'totalKeysExamined': 60" in str(plan)


async def test_photos_of_older_releases_get_their_date(stack: Stack) -> None:
    """At the first start of this release, by the client's date; whoever has no preview of the current version waits."""
    async with stack.run():
        await photo(stack, "/a.jpg", client_modified_at="2019-01-01T00:00:00Z")
        await photo(stack, "/b.jpg", "2024-05-01T00:00:00")
        await stack.put("/b.jpg", content_type="image/jpeg")
    await stack.database["nodes"].drop_index(BY_DATE)
    await stack.database["nodes"].update_many({}, {"$unset": {"photo_at": ""}})
    async with stack.run():
        assert await names(stack) == ["a.jpg"]
