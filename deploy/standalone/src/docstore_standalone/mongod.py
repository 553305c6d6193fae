"""MongoDB as a replica set of one: transactions and change streams need a replica set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from docstore_standalone.http_probe import until
from docstore_standalone.ports import LOOPBACK, PortBook
from docstore_standalone.processes import base_environment

REPLICA_SET = "rs0"
TRANSACTION_SECONDS = 10
"""A service that is killed leaves its transaction open: others can't write what it wrote until it is that old."""
CACHE_GB = 0.25
EVICTION = "eviction_dirty_target=15,eviction_updates_target=10,eviction_updates_trigger=18"
"""Percent of the cache that may be changes which are not in the files yet. By default writing them begins at 2.5, which
is 6 MB of so small a cache: pages that go on being changed would be written again and again."""
OPLOG_MB = 256
NOT_YET_INITIALIZED = 94
INVALID_REPLICA_SET_CONFIG = 93
NODE_NOT_FOUND = 74


class Mongod:
    """Data in `folder`; reached at `url`."""

    name = "mongod"
    port_names: Sequence[str] = ("mongod",)
    stop_seconds = 10.0

    def __init__(self, program: Path, folder: Path, log_file: Path, ports: PortBook) -> None:
        self.program, self.folder, self.log_file, self.ports = program, folder, log_file, ports

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.ports['mongod']}"

    @property
    def url(self) -> str:
        return f"mongodb://{self.address}/?replicaSet={REPLICA_SET}"

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def command(self) -> Sequence[str]:
        return [
            str(self.program),
            f"--dbpath={self.folder}",
            f"--port={self.ports['mongod']}",
            f"--bind_ip={LOOPBACK}",
            "--nounixsocket",
            "--quiet",
            f"--replSet={REPLICA_SET}",
            f"--oplogSize={OPLOG_MB}",
            f"--wiredTigerCacheSizeGB={CACHE_GB}",
            f"--wiredTigerEngineConfigString={EVICTION}",
            # Nobody reads the past: it need not be kept for five minutes.
            "--setParameter=minSnapshotHistoryWindowInSeconds=0",
            "--setParameter=diagnosticDataCollectionEnabled=false",  # it wakes every second and writes
            f"--setParameter=transactionLifetimeLimitSeconds={TRANSACTION_SECONDS}",
            # How long a stopping primary goes on answering so that clients find another: there is no other.
            "--setParameter=shutdownTimeoutMillisForSignaledShutdown=0",
        ]

    def environment(self) -> Mapping[str, str]:
        return base_environment()

    async def wait_ready(self) -> None:
        """Once it is a primary that takes writes, under the address it has now."""
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            f"mongodb://{self.address}/?directConnection=true",
            serverSelectionTimeoutMS=200,
            heartbeatFrequencyMS=500,
        )
        async with client:
            await until(lambda: self._is_primary(client))

    async def _is_primary(self, client: AsyncMongoClient[dict[str, Any]]) -> bool:
        try:
            hello = await client.admin.command("hello")
            if hello.get("isWritablePrimary"):
                return bool(hello.get("me", self.address) == self.address)
            await self._join_replica_set(client)
        except PyMongoError:
            return False
        return False

    async def _join_replica_set(self, client: AsyncMongoClient[dict[str, Any]]) -> None:
        """Make the replica set on the first start; put its new address in where the port has changed."""
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
        """It leaves nothing behind."""
