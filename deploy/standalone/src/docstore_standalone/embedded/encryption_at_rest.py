"""Encrypts the contents of a data folder whose earlier version stored them in clear, in the background.

First what is written from now on, as soon as no upload has parts in clear, then what is there. A file in the store's
folder records that nothing is left, so that the buckets are not listed again.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from docstore_platform.tasks import end_tasks
from docstore_standalone.embedded.object_store import ObjectStore

RETRY_SECONDS, MAX_RETRY_SECONDS = 10.0, 600.0

log = structlog.get_logger(__name__)


@asynccontextmanager
async def encrypting_existing(store: ObjectStore, region: str) -> AsyncIterator[None]:
    """Encrypt what is in clear until the block ends."""
    if store.is_encrypted():
        yield
        return
    stopping = threading.Event()
    task = asyncio.create_task(_encrypt(store, region, stopping), name="encryption at rest")
    try:
        yield
    finally:
        stopping.set()
        await end_tasks([task])


async def _encrypt(store: ObjectStore, region: str, stopping: threading.Event) -> None:
    pause = RETRY_SECONDS
    while True:
        try:
            for bucket in store.buckets:
                encrypted = await asyncio.to_thread(_encrypt_bucket, store, region, bucket, stopping)
                log.info("bucket_encrypted", bucket=bucket, objects=encrypted)
        except Exception as error:  # noqa: BLE001 - whatever failed, the next run tries again
            log.warning("bucket_not_encrypted_yet", reason=repr(error))
        else:
            store.note_encrypted()
            return
        await asyncio.sleep(pause)
        pause = min(2 * pause, MAX_RETRY_SECONDS)


def _encrypt_bucket(store: ObjectStore, region: str, bucket: str, stopping: threading.Event) -> int:
    from docstore_contents.s3.encryption import BucketEncryption  # slow to import, and hardly ever needed
    from docstore_contents.s3.presigned import S3Config

    keys = store.credentials.root
    config = S3Config(store.endpoint, store.endpoint, region, keys.access_key_id, keys.secret_access_key, bucket)
    encryption = BucketEncryption(config)
    encryption.encrypt_new()
    # The broker rewrites its own objects all the time, and deletes what has been handled.
    return 0 if bucket == store.broker_bucket else encryption.encrypt_existing(stopping.is_set)
