"""Activity of files in a real database: entries, access, and cost of a page."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from analytics_app import Analytics
from analytics_events import account, created, link, moved, shared
from fastapi import FastAPI

from docstore_platform.ids import new_id
from docstore_platform.service.client import register_local_app

pytestmark = pytest.mark.connected

MANY = 300
PAGE = 5


@pytest.fixture
async def ours(analytics: Analytics) -> AsyncIterator[Analytics]:
    """Analytics beside a metadata service that knows whom each file belongs to: who calls is `root`."""
    rights = {"f": "owner", "theirs": "viewer"}
    metadata = FastAPI()

    @metadata.post("/internal/files/lookup")
    async def lookup(body: dict[str, Any]) -> dict[str, Any]:
        known = [file_id for file_id in body["ids"] if body["account_id"] == "root" and file_id in rights]
        return {"files": [{"id": file_id, "permission": rights[file_id]} for file_id in known]}

    url = f"local:metadata-{new_id()}"
    register_local_app(url, metadata)
    analytics.infra = analytics.infra.model_copy(update={"metadata_url": url})
    async with analytics.running():
        yield analytics


async def test_events_become_the_activity_of_their_file(ours: Analytics) -> None:
    """The latest first, with names; once, though an event comes twice; shares and links to the owner alone."""
    await ours.publish_and_wait(account("ann"))
    for file_id in ("f", "theirs"):
        for event in (created(file_id), moved(file_id), shared(file_id), link(file_id), link(file_id, opens=1)):
            await ours.publish_and_wait(event)
    items = (await ours.ok("/v1/activity?file_id=f"))["items"]
    assert [item["type"] for item in items] == ["link_created", "shared", "renamed", "created"]
    assert items[2] | {"id": "", "at": ""} == {
        "id": "",
        "at": "",
        "type": "renamed",
        "file_id": "f",
        "name": "b.txt",
        "actor": {"id": "ann", "name": "ann"},
        "previous_name": "a.txt",
    }
    theirs = (await ours.ok("/v1/activity?file_id=theirs"))["items"]
    assert [item["type"] for item in theirs] == ["renamed", "created"]


@pytest.mark.parametrize(("path", "status"), [("?file_id=other", 404), ("", 422), ("?file_id=f&cursor=x", 422)])
async def test_activity_of_an_unreadable_file_is_404(ours: Analytics, path: str, status: int) -> None:
    """Unknown and foreign files are not found; nonsense is refused."""
    await ours.publish_and_wait(created("other"))
    assert (await ours.get(f"/v1/activity{path}")).status == status


async def test_a_page_costs_the_same_however_much_there_is(ours: Analytics) -> None:
    """The last page of 300 reads about what it shows, from the index."""
    await ours.publish_and_wait(*(moved("f", revision=number) for number in range(2, MANY)), shared("f"))
    seen, cursor = 0, ""
    while True:
        page = await ours.ok(f"/v1/activity?file_id=f&limit=50{cursor}")
        seen += len(page["items"])
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == MANY - 1
    oldest = (await ours.database["activity"].find({"file": "f"}).sort("_id", 1).to_list(PAGE))[-1]["_id"]
    about = {"about": {"$in": ["f", "f owner"]}, "_id": {"$lt": oldest}}
    find = {"find": "activity", "filter": about, "sort": {"_id": -1}, "limit": PAGE}
    plan = (await ours.database.command("explain", find, verbosity="executionStats"))["executionStats"]
    assert plan["totalDocsExamined"] <= PAGE
    assert plan["totalKeysExamined"] <= 2 * PAGE + 2
