"""Deployments to back up and restore, on real servers with their own databases and bucket."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from docstore_contents.s3.store import ObjectStore
from docstore_platform.mongodb.client import Database, Mongo
from docstore_standalone.backup.deployment import Deployment
from docstore_standalone.backup.manifest import MANIFEST
from docstore_standalone.backup.places.folder_target import FolderTarget
from docstore_standalone.backup.places.target import Target
from docstore_standalone.backup.progress import Progress, silent
from docstore_standalone.backup.pruning import Retention
from docstore_standalone.backup.restore import Backup, restore_into
from docstore_standalone.backup.take import Taken, take_backup

CONTENTS = {
    "accounts/ada/uploads/1/content": b"one",
    "accounts/ada/uploads/2/ü %&+?.txt": b"two",
    "accounts/ada/uploads/3/content": b"",
    "accounts/ada/uploads/4/content": b"one",
    "accounts/ada/uploads/5/content": bytes(range(256)) * 20_000,  # more than goes in one piece
    "accounts/ada/packs/6": b"six" * 1000,
}


@dataclass
class Place:
    """A deployment's databases and bucket."""

    deployment: Deployment
    mongo: Mongo
    store: ObjectStore

    def database(self, service: str) -> Database:
        return self.mongo.database(f"{self.deployment.database_prefix}{service}")

    async def documents(self) -> dict[str, list[Any]]:
        """By service and collection."""
        found: dict[str, list[Any]] = {}
        for name in await self.mongo.database_names(self.deployment.database_prefix):
            for collection in await self.mongo.database(name).list_collection_names():
                rows = self.mongo.database(name)[collection].find({}, sort=[("_id", 1)])
                found[f"{name.removeprefix(self.deployment.database_prefix)}.{collection}"] = await rows.to_list(None)
        return found

    async def contents(self) -> dict[str, bytes]:
        answer = await self.store.transport.call("list_objects_v2")
        return {entry["Key"]: await self.store.get(entry["Key"]) for entry in answer.get("Contents", [])}

    async def fill(self) -> None:
        for key, content in CONTENTS.items():
            await self.store.put(key, content, content_type="text/x-ours", metadata={"name": "value"})
        await self.database("accounts")["accounts"].insert_many([{"_id": "ada"}, {"_id": "bob"}])
        await self.database("metadata")["journals"].insert_one({"_id": "ada", "seq": 7})
        await self.database("metadata").create_collection("journal")
        nodes = self.database("metadata")["nodes"]
        moment = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
        odd = {"bytes": b"\x00\xff", "moment": moment, "none": None, "large": 1 << 60, "real": 0.1, "Ünï": ["ü", {}]}
        await nodes.insert_many([{"_id": f"node-{number}", "n": number, **odd} for number in range(2500)])
        await nodes.create_index([("n", 1), ("moment", -1)], unique=True, partialFilterExpression={"n": {"$gt": 3}})
        await nodes.create_index("moment", expireAfterSeconds=10**9, name="kept")


class NewPlace(Protocol):
    async def __call__(self) -> Place: ...


async def take(place: Place, where: Path | Target, *, keep: int = 7, on_step: Progress = silent) -> Taken:
    target = FolderTarget.prepared(where) if isinstance(where, Path) else where
    return await take_backup(place.deployment, target, Retention(last=keep), on_step)


def backup_in(where: Path | Target, name: str | None = None) -> Backup:
    return Backup(FolderTarget.existing(where) if isinstance(where, Path) else where, name)


async def restore(place: Place, where: Path | Target, name: str | None = None) -> None:
    backup = backup_in(where, name)
    backup.check_parts()
    await restore_into(place.deployment, backup, silent)


def whole_backups(folder: Path) -> list[Path]:
    return list(folder.glob(f"backups/*/{MANIFEST}"))
