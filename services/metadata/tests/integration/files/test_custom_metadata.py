"""Custom metadata of files and versions, and data that was stored without any."""

import orjson
import pytest
from metadata_stack import Stack

from docstore_platform.mongodb.client import Collection

pytestmark = pytest.mark.connected


async def test_an_event_shows_what_has_changed(running: Stack) -> None:
    """Each has the whole state; tags and metadata changed together are one event."""
    file = await running.put("/a.txt", metadata={"author": "Ada"})
    assert (await running.event(file["id"], "file-created"))["file"]["metadata"] == {"author": "Ada"}
    route = f"/v1/files/{file['id']}"
    await running.person.ok("PATCH", route, {"metadata": {"author": "Bob"}})
    tagged = await running.event(file["id"], "file-tagged")
    assert (tagged["changed"], tagged["file"]["metadata"]) == (["metadata"], {"author": "Bob"})
    await running.person.ok("PATCH", route, {"metadata": {}, "tags": ["x"]})
    tagged = await running.event(file["id"], "file-tagged")
    assert (tagged["changed"], tagged["file"]["metadata"], tagged["file"]["tags"]) == (["tags", "metadata"], {}, ["x"])
    await running.person.ok("PATCH", route, {"tags": ["y"]})
    assert (await running.event(file["id"], "file-tagged"))["changed"] == ["tags"]
    assert await running.events(file["id"]) == ["file-created", *["file-tagged"] * 3]


async def test_a_commit_without_metadata_keeps_what_the_file_has(running: Stack) -> None:
    """Of upload services of the release before, too; a repeated commit changes nothing."""
    await running.put("/a.txt", metadata={"author": "Ada"})
    item = running.item("/a.txt", b"second")
    assert "metadata" not in item
    [second] = await running.commit(item)
    assert second["file"]["metadata"] == {"author": "Ada"}
    await running.person.ok("PATCH", f"/v1/files/{second['file']['id']}", {"metadata": {}})
    [again] = await running.commit(item)
    assert again == second
    assert (await running.person.at("/a.txt"))["metadata"] == {}


async def test_files_stored_without_metadata_have_none(running: Stack) -> None:
    """Files, versions, journal entries and results of commits of earlier releases."""
    item = running.item("/a.txt", metadata={"author": "Ada"})
    [result] = await running.commit(item)
    file_id = result["file"]["id"]
    await running.database["nodes"].update_many({}, {"$unset": {"metadata": "", "pairs": ""}})
    await running.database["versions"].update_many({}, {"$unset": {"metadata": ""}})
    await running.database["commits"].update_many({}, {"$unset": {"answer.file.metadata": ""}})
    await _without_metadata(running.database["journal"])
    assert (await running.person.at("/a.txt"))["metadata"] == {}
    [again] = await running.commit(item)
    assert again["file"] == result["file"] | {"metadata": {}}
    [version] = (await running.person.ok("GET", f"/v1/files/{file_id}/versions"))["items"]
    assert version["metadata"] == {}
    [change] = (await running.person.ok("GET", "/v1/changes"))["changes"]
    assert change["file"]["metadata"] == {}
    await running.put("/a.txt", b"second")
    restored = await running.person.ok("POST", f"/v1/files/{file_id}/versions/1/restore")
    assert (restored["version"], restored["metadata"]) == (3, {})


async def _without_metadata(journal: Collection) -> None:
    """Make entries what earlier releases have written."""
    async for entry in journal.find({}):
        file = orjson.loads(entry["file"])
        del file["metadata"]
        await journal.update_one({"_id": entry["_id"]}, {"$set": {"file": orjson.dumps(file)}})
