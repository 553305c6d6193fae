"""Objects stored in a deployment that is restored."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from docstore_contents.s3.presigned import S3Config
from docstore_contents.s3.store import ObjectNotFound, ObjectStore, ObjectStoreError
from docstore_platform.chunks import chunks
from docstore_standalone.backup.objects.copy import AT_ONCE, IN_MEMORY_BYTES, PAGE, all_of


async def upload_object(
    store: ObjectStore, key: str, path: Path, size: int, content_type: str, metadata: dict[str, str]
) -> None:
    """Upload a file; the store verifies small ones, too. Raises ObjectStoreError."""
    if size <= IN_MEMORY_BYTES:
        data = await asyncio.to_thread(path.read_bytes)
        await store.put(key, data, content_type=content_type, metadata=metadata)
        return
    about = {"ContentType": content_type, "Metadata": metadata}
    await store.transport.call("upload_file", Filename=str(path), Key=key, ExtraArgs=about)
    info = await store.head(key)
    if info is None or info.size != size:
        raise ObjectStoreError("BadDigest", f"{key} did not arrive completely")


async def copy_from_replica(config: S3Config, store: ObjectStore, keys: Sequence[str]) -> list[str]:
    """Copy objects from the replica of the bucket; return the keys of those it lacks. Raises ObjectStoreError."""
    slots = asyncio.Semaphore(AT_ONCE)
    async with ObjectStore(config) as replica:

        async def copy(key: str) -> bool:
            async with slots:
                info = await replica.head(key)
                if info is None:
                    return False
                with TemporaryDirectory() as folder:
                    path = Path(folder) / "object"
                    try:
                        await replica.download(key, path, info.size)
                    except ObjectNotFound:
                        return False
                    await upload_object(store, key, path, info.size, info.content_type, dict(info.metadata))
                return True

        absent: list[str] = []
        for some in chunks(keys, PAGE):
            found = await all_of(copy(key) for key in some)
            absent += [key for key, is_there in zip(some, found, strict=True) if not is_there]
        return absent
