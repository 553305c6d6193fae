"""MongoDB as a single-node replica set, which transactions and change streams need.

Every client must log in. The supervisor does so as `__system`, whose password is the content of the key file: no user
needs to exist, so the first start does not trust anyone, and a data folder without users gets them at its next start.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from docstore_platform.mongodb.version import check_server_version
from docstore_standalone.embedded.http_probe import accepts, until
from docstore_standalone.embedded.mongo_users import OPERATOR, SYSTEM, MongoSecrets, ensure_users, url_of
from docstore_standalone.ports import LOOPBACK, PortBook
from docstore_standalone.state import write_private
from docstore_standalone.supervision.processes import ServerFailed, base_environment

REPLICA_SET = "rs0"
TRANSACTION_SECONDS = 10
"""A killed service leaves its transaction open, which blocks its documents for others until this age."""
CACHE_GB = 0.25
EVICTION = "eviction_dirty_target=15,eviction_updates_target=10,eviction_updates_trigger=18"
"""Percentages of the cache that may be unwritten changes. By default writing starts at 2.5, which is 6 MB of so small a
cache: frequently changed pages would be written again and again."""
SESSIONS = "session_max=10000"
"""By default the storage engine allocates 33,000 sessions of 1 KB when it starts; each open transaction uses one."""
OPLOG_MB = 256
JOURNAL_MS = 500
"""Longest time between two flushes of the journal. A majority write flushes it at once, and waits for that."""
CHECKPOINT_SECONDS = 10
"""A start after a crash repeats the writes since the last checkpoint."""
SLOW_MS = 1000
"""Slower commands are logged. By default, 100, a busy machine would log every other one, which costs more time."""
KEY_ITERATIONS = 5000
"""SCRAM iterations: the server's minimum. More would slow down guessing, which is hopeless for random passwords."""
OPERATOR_URL_FILE = "operator.url"
"""In the data folder, for tools: `mongosh "$(cat DATA/mongod/operator.url)"`."""
NOT_YET_INITIALIZED = 94
INVALID_REPLICA_SET_CONFIG = 93
NODE_NOT_FOUND = 74


class Mongod:
    """The server, with data in `folder`; clients use `url`. Without `secrets` it needs no login: for tests."""

    name = "mongod"
    port_names: Sequence[str] = ("mongod",)
    stop_seconds = 10.0

    def __init__(
        self, program: Path, folder: Path, log_file: Path, ports: PortBook, secrets: MongoSecrets | None = None
    ) -> None:
        self.program, self.folder, self.log_file, self.ports = program, folder, log_file, ports
        self.secrets = secrets

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.ports['mongod']}"

    @property
    def url(self) -> str:
        """URL without a user."""
        return f"mongodb://{self.address}/?replicaSet={REPLICA_SET}"

    def url_of(self, user: str) -> str:
        return url_of(self.url, user, self.secrets) if self.secrets else self.url

    @property
    def _key_file(self) -> Path:
        return self.folder / "key"

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.secrets:
            write_private(self._key_file, self.secrets.key)
            write_private(self.folder / OPERATOR_URL_FILE, self.url_of(OPERATOR))

    def command(self) -> Sequence[str]:
        return [
            str(self.program),
            f"--dbpath={self.folder}",
            f"--port={self.ports['mongod']}",
            f"--bind_ip={LOOPBACK}",
            "--nounixsocket",
            # Local clients gain nothing from compression, whose decoders are an attack surface.
            "--networkMessageCompressors=disabled",
            *self._log_in_options(),
            "--quiet",
            f"--slowms={SLOW_MS}",
            f"--syncdelay={CHECKPOINT_SECONDS}",
            f"--journalCommitInterval={JOURNAL_MS}",
            f"--replSet={REPLICA_SET}",
            f"--oplogSize={OPLOG_MB}",
            f"--wiredTigerCacheSizeGB={CACHE_GB}",
            f"--wiredTigerEngineConfigString={EVICTION},{SESSIONS}",
            # No reader needs old snapshots, so history need not be kept for five minutes.
            "--setParameter=minSnapshotHistoryWindowInSeconds=0",
            "--setParameter=diagnosticDataCollectionEnabled=false",  # it writes every second
            f"--setParameter=transactionLifetimeLimitSeconds={TRANSACTION_SECONDS}",
            # A stopping primary waits for clients to find another one, but there is none.
            "--setParameter=shutdownTimeoutMillisForSignaledShutdown=0",
        ]

    def _log_in_options(self) -> Sequence[str]:
        if not self.secrets:
            return ()
        return (
            f"--keyFile={self._key_file}",
            "--setParameter=enableLocalhostAuthBypass=false",
            f"--setParameter=scramSHA256IterationCount={KEY_ITERATIONS}",
        )

    def environment(self) -> Mapping[str, str]:
        return base_environment()

    async def wait_ready(self) -> None:
        """Wait until it is a writable primary at its current address, and all users can log in.

        ServerFailed if its version is not supported.
        """
        # A client that finds no server tries again only half a second later.
        await until(lambda: accepts(self.ports["mongod"]))
        system: dict[str, Any] = {}
        if self.secrets:
            system = {
                "username": SYSTEM,
                "password": self.secrets.key,
                "authSource": "local",
                "authMechanism": "SCRAM-SHA-256",
            }
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            f"mongodb://{self.address}/?directConnection=true",
            serverSelectionTimeoutMS=200,
            heartbeatFrequencyMS=500,
            **system,
        )
        async with client:
            await until(lambda: self._is_primary(client))
            try:
                check_server_version(await client.admin.command("buildInfo"))
            except ValueError as error:
                raise ServerFailed(f"{self.program}: {error}") from error

    async def _is_primary(self, client: AsyncMongoClient[dict[str, Any]]) -> bool:
        try:
            hello = await client.admin.command("hello")
            if hello.get("isWritablePrimary") and hello.get("me", self.address) == self.address:
                if self.secrets:
                    await ensure_users(client, self.secrets)
                return True
            if hello.get("isWritablePrimary"):
                return False
            await self._join_replica_set(client)
        except PyMongoError:
            return False
        return False

    async def _join_replica_set(self, client: AsyncMongoClient[dict[str, Any]]) -> None:
        """Create the replica set at the first start; update its address if the port has changed."""
        member = {"_id": 0, "host": self.address}
        try:
            status = await client.admin.command("replSetGetConfig")
        except OperationFailure as error:
            if error.code == NOT_YET_INITIALIZED:
                await client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
                return
            if error.code not in (INVALID_REPLICA_SET_CONFIG, NODE_NOT_FOUND):
                raise
            return
        config = status["config"]
        if [entry["host"] for entry in config["members"]] != [self.address]:
            config = {**config, "version": config["version"] + 1, "members": [member]}
            await client.admin.command("replSetReconfig", config, force=True)

    def clean_up(self) -> None:
        """Nothing to remove."""
