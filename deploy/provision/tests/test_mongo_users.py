"""Rights of a service's user, on a real MongoDB with logins."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError
from services_in_process import carry_a_file, running_services

from docstore_metadata.journal.repository import create_journal_indexes
from docstore_platform.mongodb.client import Mongo
from docstore_platform.services import SERVICE_NAMES
from docstore_platform.settings import InfraSettings
from docstore_provision.mongo import ROLE_ACTIONS, UNAUTHORIZED, provision_mongo
from docstore_provision.settings import ProvisionSettings
from docstore_standalone.embedded.binaries import find_mongod
from docstore_standalone.embedded.http_probe import until
from docstore_standalone.embedded.mongod import Mongod
from docstore_standalone.ports import PortBook
from docstore_standalone.servers import Servers
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.supervision.processes import ServerProcess

POLICIES = Path(__file__).parents[2] / "policies"
PASSWORDS = {name: SecretStr(f"{name}-secret") for name in SERVICE_NAMES}


class SecuredMongod(Mongod):
    """Asks everyone who he is; only the first user can be made without, from this machine."""

    @property
    def _key(self) -> Path:
        return self.folder.with_suffix(".key")

    def prepare(self) -> None:
        super().prepare()
        self._key.write_text("a" * 64)
        self._key.chmod(0o400)

    def command(self) -> list[str]:
        return [*super().command(), f"--keyFile={self._key}"]

    async def wait_ready(self) -> None:
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            f"mongodb://{self.address}/?directConnection=true", serverSelectionTimeoutMS=200
        )

        async def answers() -> bool:
            try:
                return bool(await client.admin.command("ping"))
            except PyMongoError:
                return False

        async with client:
            await until(answers)

    def url_of(self, service: str) -> str:
        password = PASSWORDS[service].get_secret_value()
        return f"mongodb://{service}:{password}@{self.address}/docstore_{service}?replicaSet=rs0"


@pytest.fixture(scope="module")
async def mongod(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SecuredMongod]:
    """Provisioned, twice: as a second start does it."""
    folder = tmp_path_factory.mktemp("secured")
    ports = PortBook()
    ports.secure(SecuredMongod.port_names)
    settings = StandaloneSettings()
    server = SecuredMongod(
        find_mongod(settings.mongod, settings.tools), folder / "mongod", folder / "mongod.log", ports
    )
    process = await ServerProcess.start(server)
    try:
        await process.wait_ready(30)
        wanted = ProvisionSettings(
            mongo=server.address,
            mongo_host=server.address,
            admin_password=SecretStr("root-secret"),
            passwords=PASSWORDS,
        )
        for _ in range(2):
            await asyncio.to_thread(provision_mongo, wanted)
        yield server
    finally:
        await process.stop()


pytestmark = pytest.mark.connected


async def test_every_service_does_its_work_as_its_own_user(
    mongod: SecuredMongod, infra: InfraSettings, servers: Servers, tmp_path: Path
) -> None:
    """A file goes all the way through services of which each can reach its own database alone."""
    urls = {f"{name}_url": f"local:{infra.topic_prefix}mongo-{name}" for name in SERVICE_NAMES}
    own = {
        name: infra.model_copy(
            update={**urls, "mongo_url": SecretStr(mongod.url_of(name)), "database_prefix": "docstore_"}
        )
        for name in SERVICE_NAMES
    }
    async with running_services(own, tmp_path, servers.ses_endpoint) as gateway:
        await carry_a_file(gateway)


async def test_how_long_the_journal_is_kept_can_be_changed(mongod: SecuredMongod) -> None:
    """METADATA_JOURNAL_DAYS is a setting like any other: its user may change the index that is there."""
    mongo = Mongo(mongod.url_of("metadata"), app_name="test")
    database = mongo.database("docstore_metadata")
    for days in (90, 30):
        await create_journal_indexes(database, days)
    indexes = await database["journal"].index_information()
    assert indexes["kept"]["expireAfterSeconds"] == 30 * 86_400
    mongo.close()


FORBIDDEN: dict[str, Callable[[Any], Any]] = {
    "read another's database": lambda client: client["docstore_accounts"]["accounts"].find_one(),
    "write to another's database": lambda client: client["docstore_accounts"]["accounts"].insert_one({}),
    "see whose databases there are": lambda client: client.admin.command("listDatabases", authorizedDatabases=False),
    "drop its own collection": lambda client: client["docstore_quota"].drop_collection("outbox"),
    "drop its own database": lambda client: client.drop_database("docstore_quota"),
    "give itself rights": lambda client: client["docstore_quota"].command(
        "grantRolesToUser", "quota", roles=["readWriteAnyDatabase"]
    ),
    "read the users": lambda client: client.admin["system.users"].find_one(),
    "stop the server": lambda client: client.admin.command("shutdown"),
}


@pytest.mark.parametrize("deed", FORBIDDEN.values(), ids=FORBIDDEN)
async def test_a_service_can_do_nothing_else(mongod: SecuredMongod, deed: Callable[[Any], Any]) -> None:
    """Whoever takes over one service has its data, and no one else's."""
    async with AsyncMongoClient[dict[str, Any]](mongod.url_of("quota")) as client:
        with pytest.raises(OperationFailure) as refused:
            await deed(client)
    assert refused.value.code == UNAUTHORIZED


def test_the_shipped_script_gives_the_same_role() -> None:
    """For a MongoDB that an operator provisions himself."""
    script = (POLICIES / "mongo" / "roles.js").read_text()
    listed = re.search(r"const ACTIONS = \[(.*?)\]", script, re.DOTALL)
    services = re.search(r"const SERVICES = \[(.*?)\]", script, re.DOTALL)
    assert listed
    assert services
    assert tuple(re.findall(r'"(\w+)"', listed.group(1))) == ROLE_ACTIONS
    assert set(re.findall(r'"(\w+)"', services.group(1))) == set(SERVICE_NAMES)
