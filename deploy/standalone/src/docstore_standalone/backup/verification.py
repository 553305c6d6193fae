"""Proves a backup: restores it into scratch servers, and compares these with it."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_platform.mongodb.client import Mongo
from docstore_standalone.backup.database.restore import read_batch
from docstore_standalone.backup.deployment import Deployment
from docstore_standalone.backup.manifest import CollectionPart
from docstore_standalone.backup.objects.copy import AT_ONCE, all_of
from docstore_standalone.backup.places.files import unpacked
from docstore_standalone.backup.progress import Progress, Step
from docstore_standalone.backup.restore import PAGE, Backup, pages, restore_into
from docstore_standalone.embedded.access_log import PROBE_KEY
from docstore_standalone.servers import start_servers
from docstore_standalone.settings import StandaloneSettings

BITS = 256


@dataclass(slots=True)
class Verification:
    """What was compared, and the differences found; without any the backup is good."""

    name: str
    documents: int = 0
    contents: int = 0
    bytes: int = 0
    differences: list[str] = field(default_factory=list)


async def verify_backup(backup: Backup, on_step: Progress) -> Verification:
    """Restore a backup into servers of its own in a temporary folder, and compare everything.

    Services are not started, since they would send the e-mails and webhooks that were due. Raises what `start_servers`
    and `restore_into` raise.
    """
    found = Verification(backup.manifest.name)
    await asyncio.to_thread(backup.check_parts)

    async def compare(mongo: Mongo, prefix: str, store: ObjectStore) -> None:
        for part in backup.manifest.collections:
            await _compare_collection(found, mongo, prefix, part, backup.folder)
        await _compare_contents(found, store, backup, on_step)

    with tempfile.TemporaryDirectory(prefix="docstore-verify-") as folder:
        async with _scratch_deployment(Path(folder) / "stack", backup.manifest.region) as deployment:
            await restore_into(deployment, backup, on_step, compare)
    return found


@asynccontextmanager
async def _scratch_deployment(folder: Path, region: str) -> AsyncIterator[Deployment]:
    """Start servers for the block; the environment names none of them."""
    external = dict.fromkeys(("mongo_url", "kafka_bootstrap", "ses_endpoint", "s3_endpoint", "secrets_folder"))
    settings = StandaloneSettings().model_copy(update={**external, "data": folder, "region": region})
    servers = await start_servers(folder, settings=settings, broker="tansu-in-memory", mailbox=False)
    try:
        keys, endpoint = servers.services_keys, servers.s3_endpoint
        pair = keys.access_key_id, keys.secret_access_key
        s3 = S3Config(endpoint, endpoint, region, *pair, servers.content_bucket)
        yield Deployment(region, servers.mongo_url, settings.database_prefix, s3, None)
    finally:
        await servers.stop()


async def _compare_collection(
    found: Verification, mongo: Mongo, prefix: str, part: CollectionPart, folder: Path
) -> None:
    expected = await asyncio.to_thread(_stored_documents, part, folder)
    collection = mongo.database(f"{prefix}{part.service}")[part.name]
    count = total = 0
    async for batch in collection.find_raw_batches({}, batch_size=1000):
        for document in _split(batch):
            count, total = count + 1, _add(total, document)
    found.documents += count
    if (count, total) != expected:
        found.differences.append(f"{part.service}.{part.name}: {count} documents instead of {expected[0]}, or others")


def _stored_documents(part: CollectionPart, folder: Path) -> tuple[int, int]:
    """Return number and checksum of a collection's documents in the backup."""
    count = total = 0
    with unpacked(folder, part.part) as file:
        while batch := read_batch(file):
            for document in batch:
                count, total = count + 1, _add(total, bytes(document.raw))
    return count, total


def _add(total: int, document: bytes) -> int:
    """Add a document to a checksum that does not depend on their order."""
    return (total + int.from_bytes(hashlib.sha256(document).digest(), "big")) % (1 << BITS)


def _split(batch: bytes) -> list[bytes]:
    """Split concatenated BSON documents; each begins with its size."""
    documents, at = [], 0
    while at < len(batch):
        size = int.from_bytes(batch[at : at + 4], "little")
        documents.append(batch[at : at + size])
        at += size
    return documents


async def _compare_contents(found: Verification, store: ObjectStore, backup: Backup, on_step: Progress) -> None:
    slots = asyncio.Semaphore(AT_ONCE)

    async def sha256(key: str) -> tuple[int, str]:
        async with slots:
            return await store.sha256_of(key)

    for page in pages(backup.objects(), PAGE):
        results = await all_of(sha256(stored.key) for stored in page)
        for stored, result in zip(page, results, strict=True):
            found.contents += stored.key != PROBE_KEY
            found.bytes += stored.size
            if result != (stored.size, stored.sha256):
                found.differences.append(f"the content of {stored.key} differs")
        on_step(Step("check", found.contents, backup.manifest.object_count, found.bytes))
    listed = await store.transport.call("list_objects_v2", all_pages=True)
    count = sum(each["Key"] != PROBE_KEY for page in listed for each in page.get("Contents", ()))
    if count != found.contents:
        found.differences.append(f"{count} contents instead of {found.contents}")
