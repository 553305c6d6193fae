"""The home region's store goes away: contents are read from its replica in another region, as the runbook says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
import boto3
import pytest
from gateway_ports import free_gateway_port
from memory_folders import folder_of_servers
from people import Person
from stacks import SHORT_WAITS, DetachedStack
from yarl import URL

from docstore_platform.testing import eventually
from docstore_standalone.chaos.faults import paused
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import start_stack

pytestmark = [pytest.mark.connected, pytest.mark.faults]

OTHER = "ap-southeast-2"
REPLICA = f"docstore-content-{OTHER}"
"""Stands for a bucket of its own: the other region has no accounts here."""


@dataclass
class World:
    """The home region, and the replica of its contents in the other one."""

    home: DetachedStack
    replica_endpoint: str
    replica: Any

    async def replicate(self) -> None:
        """What the operator's store does: copy every object."""
        source = self.home.bucket

        def copy() -> None:
            for entry in source._entries("accounts/"):
                found = source._client.get_object(Bucket=source.name, Key=entry["Key"])
                self.replica.put_object(Bucket=REPLICA, Key=entry["Key"], Body=found["Body"].read())

        await asyncio.to_thread(copy)


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with AsyncExitStack() as closing:
        folder = closing.enter_context(folder_of_servers(tmp_path_factory.mktemp("other")))
        port = free_gateway_port()
        other = await closing.enter_async_context(
            await start_stack(StandaloneSettings(data=folder, port=port, region=OTHER))
        )
        keys = other.servers.services_keys
        replica = boto3.client(
            "s3",
            endpoint_url=other.servers.s3_endpoint,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            region_name=OTHER,
        )
        environment = {
            **SHORT_WAITS,
            "DOCSTORE_S3_REPLICA_ENDPOINT": other.servers.s3_endpoint,
            "DOCSTORE_S3_REPLICA_REGION": OTHER,
            "DOCSTORE_S3_REPLICA_BUCKET": REPLICA,
            "DOCSTORE_S3_REPLICA_ACCESS_KEY_ID": keys.access_key_id,
            "DOCSTORE_S3_REPLICA_SECRET_ACCESS_KEY": keys.secret_access_key,
            "DOCSTORE_S3_PROBE_INTERVAL_SECONDS": "0.5",
        }
        home = DetachedStack(closing.enter_context(folder_of_servers(tmp_path_factory.mktemp("home"))), environment)
        await home.up()
        closing.push_async_callback(home.down)
        yield World(home, other.servers.s3_endpoint, replica)


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


async def test_contents_are_read_while_the_home_store_is_away(world: World) -> None:
    """A whole object, one in blocks and a public link; and from home again once it is back, without a restart."""
    home_store = world.home.state.addresses["s3"]
    parts = (b"first block " * 6000, b"second block " * 6000)
    async with await Person.new(world.home.gateway) as ada, Person(world.home.gateway) as visitor:
        whole = await ada.upload("/whole.txt", b"kept in two regions")
        blocks = await ada.upload_blocks("/blocks.bin", parts)
        link = await ada.call("POST", f"/v1/files/{blocks['id']}/links", {})
        assert await content_from(ada, whole, home_store) == b"kept in two regions"
        await world.replicate()
        async with paused([world.home.process("object-store")]):
            read = await eventually(lambda: content_from(ada, whole, world.replica_endpoint), seconds=60)
            assert read == b"kept in two regions"
            assert await ada.content(blocks["id"]) == b"".join(parts)
            visit = await visitor.ask("GET", f"/v1/links/{link['token']}/content", headers={"range": "bytes=-6"})
            assert (visit.status, visit.body) == (206, b"block ")
            listed = await ada.call("GET", f"/v1/files/{blocks['id']}/blocks")
            assert all(block["url"].startswith(world.replica_endpoint) for block in listed["blocks"])
        assert await eventually(lambda: content_from(ada, whole, home_store), seconds=60) == b"kept in two regions"
        again = await ada.upload("/whole.txt", b"written at home")
        assert await content_from(ada, again, home_store) == b"written at home"
