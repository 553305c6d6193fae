"""Versions and their contents, by the public routes."""

from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from metadata_stack import Stack
from profiled import reads_of
from yarl import URL

from docstore_metadata.versions.documents import version_id
from docstore_metadata.versions.repository import OUT_OF_ORDER
from docstore_platform.clock import rfc3339, utc_now

pytestmark = pytest.mark.connected


async def with_versions(stack: Stack, count: int) -> Any:
    """A file whose version n has the content `n` n times, stored."""
    for number in range(1, count + 1):
        content = str(number).encode() * number
        item = stack.item("/a.txt", content, device=f"device {number}")
        await stack.store_object(item, content)
        await stack.commit(item)
    return await stack.person.at("/a.txt")


async def test_versions_are_listed_newest_first(running: Stack) -> None:
    """With account, time and device, in pages; the current one is marked."""
    file = await with_versions(running, 4)
    route = f"/v1/files/{file['id']}/versions"
    first = await running.person.ok("GET", f"{route}?limit=3")
    rest = await running.person.ok("GET", f"{route}?limit=3&cursor={first['next_cursor']}")
    shown = first["items"] + rest["items"]
    assert [version["version"] for version in shown] == [4, 3, 2, 1]
    assert [version["current"] for version in shown] == [True, False, False, False]
    assert (shown[1]["size"], shown[1]["device"]) == (3, "device 3")
    assert shown[1]["created_by"] == running.person.account_id
    assert rest["next_cursor"] is None


async def test_versions_since_a_number_are_listed(running: Stack) -> None:
    """The oldest first, in pages."""
    file = await with_versions(running, 5)
    route = f"/v1/files/{file['id']}/changes?since=2"
    first = await running.person.ok("GET", f"{route}&limit=2")
    rest = await running.person.ok("GET", f"{route}&limit=2&cursor={first['next_cursor']}")
    assert [version["version"] for version in first["items"] + rest["items"]] == [3, 4, 5]
    assert await running.person.ok("GET", f"/v1/files/{file['id']}/changes?since=5") == {
        "items": [],
        "next_cursor": None,
    }


async def test_content_is_delivered_by_a_signed_url(running: Stack) -> None:
    """302 for the current or any version; as an attachment with the file's name; ranges work."""
    file = await with_versions(running, 3)
    async with aiohttp.ClientSession() as http:

        async def fetch(query: str, **headers: str) -> tuple[int, bytes, str]:
            answer = await running.person.send("GET", f"/v1/files/{file['id']}/content{query}")
            assert answer.status == 302
            async with http.get(URL(answer.headers["location"], encoded=True), headers=headers) as got:
                return got.status, await got.read(), got.headers["content-disposition"]

        status, content, disposition = await fetch("")
        assert (status, content) == (200, b"333")
        assert disposition.startswith('attachment; filename="a.txt"')
        assert (await fetch("?version=2"))[:2] == (200, b"22")
        assert (await fetch("", Range="bytes=1-1"))[:2] == (206, b"3")
    assert await running.person.refused("GET", f"/v1/files/{file['id']}/content?version=9") == (404, "not_found")
    folder = await running.person.folder("/f")
    for route in ("content", "versions"):
        refused = await running.person.refused("GET", f"/v1/files/{folder['id']}/{route}")
        assert refused == (409, "not_a_file")


async def test_restoring_a_version_makes_a_new_one(running: Stack) -> None:
    """The old content is current again, counted by a reservation, and shares the object."""
    file = await with_versions(running, 3)
    route = f"/v1/files/{file['id']}/versions"
    restored = await running.person.ok("POST", f"{route}/1/restore")
    assert (restored["version"], restored["size"]) == (4, 1)
    shown = (await running.person.ok("GET", route))["items"]
    assert [(version["version"], version["restored_from"]) for version in shown] == [
        (4, 1),
        (3, None),
        (2, None),
        (1, None),
    ]
    modified = await running.event(file["id"], "file-modified")
    assert modified["added_bytes"] == 1
    assert running.quota.reserved == {modified["upload_id"]: 1}
    assert await running.person.ok("POST", f"{route}/4/restore") == restored
    assert await running.person.refused("POST", f"{route}/9/restore") == (404, "not_found")
    running.quota.room = 0
    assert await running.person.refused("POST", f"{route}/2/restore") == (507, "over_quota")


async def lengthen(stack: Stack, file: Any, last: int) -> None:
    """Give a file versions up to a number, copies of its current one at one moment."""
    versions = stack.database["versions"]
    row = await versions.find_one({"_id": version_id(file["id"], file["version"])})
    numbers = range(file["version"] + 1, last + 1)
    await versions.insert_many([{**row, "_id": version_id(file["id"], n), "number": n} for n in numbers])
    await stack.database["nodes"].update_one({"_id": file["id"]}, {"$set": {"version": last, "kept_versions": 40}})


async def test_a_long_history_slows_neither_restores_nor_pages(running: Stack) -> None:
    """Each reads no more versions than it returns or restores, of hundreds."""
    file = await with_versions(running, 2)
    route = f"/v1/files/{file['id']}"
    await lengthen(running, file, 400)
    async with reads_of(running.database, "versions") as reads:
        await running.person.ok("GET", f"{route}/versions?limit=3")
        await running.person.ok("GET", f"{route}/changes?since=200&limit=3")
        await running.person.ok("POST", f"{route}/versions/1/restore")
    assert reads.documents == [4, 4, 1, 1]


@pytest.mark.parametrize("last", [30, 300])
async def test_a_long_history_slows_no_reader(running: Stack, last: int) -> None:
    """Where the history begins for a reader is found by a few keys, whatever was stored before and since the share."""
    owner, reader = running.person, running.other
    await running.register(reader, "reader@example.com")
    file = await with_versions(running, 3)
    await lengthen(running, file, 25)
    route = f"/v1/files/{file['id']}"
    await owner.ok("POST", f"{route}/shares", {"email": "reader@example.com", "role": "viewer"})
    file = await running.put("/a.txt")
    await lengthen(running, file, last)
    async with reads_of(running.database, "versions") as reads:
        page = await reader.ok("GET", f"{route}/changes?since=0&limit=3")
        await reader.ok("POST", "/v1/contents", {"items": [{"id": file["id"], "version": 25}]})
    assert [version["version"] for version in page["items"]] == [25, 26, 27]
    assert reads.documents == [0, 4, 1, 0]
    assert max(reads.keys) <= OUT_OF_ORDER + 1


async def test_the_history_of_a_reader_begins_by_number(running: Stack) -> None:
    """At the newest version at the time of the share, even if its upload ended before that of the previous one."""
    owner, reader = running.person, running.other
    await running.register(reader, "reader@example.com")
    for minutes in (30, 10, 20):
        file = await running.put("/a.txt", uploaded_at=rfc3339(utc_now() - timedelta(minutes=minutes)))
    route = f"/v1/files/{file['id']}"
    await owner.ok("POST", f"{route}/shares", {"email": "reader@example.com", "role": "viewer"})
    await running.put("/a.txt")
    assert [each["version"] for each in (await reader.ok("GET", f"{route}/versions"))["items"]] == [4, 3]


@pytest.mark.parametrize("role", ["viewer", "editor"])
async def test_readers_see_versions_since_the_share(running: Stack, role: str) -> None:
    """From the one that was current then, without others' devices."""
    owner, reader = running.person, running.other
    await running.register(reader, "reader@example.com")
    file = await with_versions(running, 3)
    route = f"/v1/files/{file['id']}"
    await owner.ok("POST", f"{route}/shares", {"email": "reader@example.com", "role": role})
    for number in (4, 5):
        content = str(number).encode() * number
        item = running.item("/a.txt", content, device=f"device {number}")
        await running.store_object(item, content)
        await running.commit(item)
    seen = (await reader.ok("GET", f"{route}/versions"))["items"]
    assert [(version["version"], version["device"]) for version in seen] == [(5, ""), (4, ""), (3, "")]
    assert [each["version"] for each in (await reader.ok("GET", f"{route}/changes?since=1"))["items"]] == [3, 4, 5]
    assert (await reader.send("GET", f"{route}/content?version=3")).status == 302
    for hidden in ("content?version=2", "content?version=1", "blocks?version=2"):
        assert await reader.refused("GET", f"{route}/{hidden}") == (404, "not_found")
    wanted = {"items": [{"id": file["id"], "version": number} for number in (2, 3)]}
    results = (await reader.ok("POST", "/v1/contents", wanted))["results"]
    assert [result.get("version") for result in results] == [None, 3]
    if role == "editor":
        assert await reader.refused("POST", f"{route}/versions/2/restore") == (404, "not_found")
    mine = (await owner.ok("GET", f"{route}/versions"))["items"]
    assert [(version["version"], version["device"]) for version in mine][-1] == (1, "device 1")
