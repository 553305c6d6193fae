"""Who gets what from the embedded MongoDB."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from docstore_standalone.credentials import Credentials
from docstore_standalone.embedded.binaries import find_mongod
from docstore_standalone.embedded.mongo_users import OPERATOR, SERVICES, MongoSecrets
from docstore_standalone.embedded.mongod import OPERATOR_URL_FILE, Mongod
from docstore_standalone.ports import PortBook
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.supervision.processes import ServerProcess

pytestmark = pytest.mark.connected

READY_SECONDS = 60


@asynccontextmanager
async def running(folder: Path, ports: PortBook, secrets: MongoSecrets | None, tools: Path) -> AsyncIterator[Mongod]:
    server = Mongod(find_mongod(None, tools), folder / "mongod", folder / "mongod.log", ports, secrets)
    process = await ServerProcess.start(server)
    try:
        await process.wait_ready(READY_SECONDS)
        yield server
    finally:
        await process.stop()


async def databases(url: str) -> list[str]:
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        return await client.list_database_names()


async def note(url: str, database: str) -> None:
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        await client[database]["notes"].insert_one({})


async def test_a_folder_without_users_gets_them_at_its_next_start(
    tmp_path: Path, stack_settings: StandaloneSettings
) -> None:
    """What was written stays; no one reads it without a password from then on, and passwords can change."""
    ports, tools = PortBook(), stack_settings.tools
    ports.secure(Mongod.port_names)
    async with running(tmp_path, ports, None, tools) as server:
        await note(server.url, "docstore_quota")
    for credentials in (Credentials.model_validate({}), Credentials.model_validate({})):
        secrets = MongoSecrets.of(credentials, "docstore_")
        async with running(tmp_path, ports, secrets, tools) as server:
            assert "docstore_quota" in await databases(server.url_of(OPERATOR))
            assert (tmp_path / "mongod" / OPERATOR_URL_FILE).read_text() == server.url_of(OPERATOR)
            with pytest.raises(OperationFailure, match="requires authentication"):
                await databases(server.url)
            for allowed in ("quota", SERVICES):
                await note(server.url_of(allowed), "docstore_quota")
            for user, database in (("quota", "docstore_accounts"), (SERVICES, "admin"), (SERVICES, "elsewhere")):
                with pytest.raises(OperationFailure, match="not authorized"):
                    await note(server.url_of(user), database)
