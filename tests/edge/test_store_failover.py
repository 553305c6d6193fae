"""The home region's store fails: contents are read from its replica in another region, as in the runbook."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from drills import until
from memory_folders import memory_folder
from people import Person
from replicas import Replica
from runbook_pages import Drill
from stacks import SHORT_WAITS, DetachedStack
from yarl import URL

from docstore_platform.testing import eventually
from docstore_standalone.chaos.faults import paused

pytestmark = [pytest.mark.connected, pytest.mark.faults]


@pytest.fixture(scope="module")
async def home(replica: Replica, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DetachedStack]:
    """The home region, whose contents are replicated."""
    with memory_folder(tmp_path_factory.mktemp("home")) as folder:
        settings = SHORT_WAITS | replica.settings | {"DOCSTORE_S3_PROBE_INTERVAL_SECONDS": "0.5"}
        async with DetachedStack(folder, settings) as stack:
            yield stack


async def content_from(person: Person, file: dict[str, Any], store: str) -> bytes | None:
    """A whole content, once the gateway leads to this store."""
    answer = await person.ask("GET", f"/v1/files/{file['id']}/content")
    location = str(answer.headers.get("location", ""))
    if not location.startswith(store):
        return None
    async with aiohttp.ClientSession() as stranger, stranger.get(URL(location, encoded=True)) as response:
        assert response.status == 200, await response.text()
        assert "whole.txt" in response.headers["content-disposition"]
        return await response.read()


async def test_contents_are_read_while_the_home_store_is_away(home: DetachedStack, replica: Replica) -> None:
    """A whole object, one in blocks and a public link; and from home again once it is back, without a restart.

    The alert fires meanwhile.
    """
    drill = Drill("StoreFailedOver")
    home_store = home.state.addresses["s3"]
    parts = (b"first block " * 6000, b"second block " * 6000)
    async with await Person.new(home.gateway) as ada, Person(home.gateway) as visitor:
        whole = await ada.upload("/whole.txt", b"kept in two regions")
        blocks = await ada.upload_blocks("/blocks.bin", parts)
        link = await ada.call("POST", f"/v1/files/{blocks['id']}/links", {})
        assert await content_from(ada, whole, home_store) == b"kept in two regions"
        await replica.follow(home.bucket)
        async with paused([home.process("object-store")]):
            read = await eventually(lambda: content_from(ada, whole, replica.endpoint), seconds=60)
            assert read == b"kept in two regions"
            assert await ada.content(blocks["id"]) == b"".join(parts)
            visit = await visitor.ask("GET", f"/v1/links/{link['token']}/content", headers={"range": "bytes=-6"})
            assert (visit.status, visit.body) == (206, b"block ")
            listed = await ada.call("GET", f"/v1/files/{blocks['id']}/blocks")
            assert all(block["url"].startswith(replica.endpoint) for block in listed["blocks"])
            await until(drill, home, firing=True)
        assert await eventually(lambda: content_from(ada, whole, home_store), seconds=60) == b"kept in two regions"
        await until(drill, home, firing=False)
        again = await ada.upload("/whole.txt", b"written at home")
        assert await content_from(ada, again, home_store) == b"written at home"
