"""The embedded store's access log: requests of clients, and only theirs."""

import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from docstore_contents.s3.signing import SERVICES_AGENT
from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_platform.testing import eventually
from docstore_standalone.embedded.access_log import ACCESS_LOG_FOLDER
from docstore_standalone.servers import Servers

pytestmark = pytest.mark.connected


@pytest.fixture
async def store(servers: Servers) -> AsyncIterator[ObjectStore]:
    """The contents, as the services use them."""
    keys = servers.services_keys
    address = (servers.s3_endpoint, "", servers.region, keys.access_key_id, keys.secret_access_key)
    async with ObjectStore(S3Config(*address, servers.content_bucket)) as store:
        yield store


def entries(folder: Path, key: str) -> list[dict[str, Any]]:
    """Requests for an object in the log, and any of the services, in completed files and the open one."""
    found = [json.loads(line) for file in sorted(folder.glob("*")) for line in file.read_text().splitlines()]
    return [entry for entry in found if entry["key"] == key or entry["user_agent"].startswith(SERVICES_AGENT)]


async def test_the_log_has_what_clients_read_and_nothing_else(servers: Servers, store: ObjectStore) -> None:
    """By signed URLs, whole and in ranges, refused ones too; what the services and the broker do is left out."""
    key, folder = "accounts/ann/uploads/log/content", servers.folder / ACCESS_LOG_FOLDER
    await store.put(key, b"x" * 1000)
    await store.sha256_of(key)
    await store.transport.call("list_objects_v2", Prefix="accounts/")
    url = store.presign_get(key, filename="a.txt", content_type="text/plain", expires_in=60)
    async with aiohttp.ClientSession(headers={"User-Agent": 'a "client"'}) as web:
        for headers, status in (({}, 200), ({"Range": "bytes=0-9"}, 206), ({"Range": "bytes=5000-"}, 416)):
            async with web.get(url, headers=headers) as answer:
                await answer.read()
                assert answer.status == status
        async with web.get(f"{url}0") as answer:
            assert answer.status == 403

    async def written() -> list[dict[str, Any]]:
        found = entries(folder, key)
        return found if len(found) >= 4 else []

    found = await eventually(written)
    assert [(entry["status"], entry["by_url"]) for entry in found] == [
        (200, True),
        (206, True),
        (416, True),
        (403, False),
    ]
    assert {(entry["bucket"], entry["key"], entry["user_agent"]) for entry in found} == {
        (servers.content_bucket, key, 'a "client"')
    }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
