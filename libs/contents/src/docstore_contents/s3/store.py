"""The object store. Small, frequent calls use aiohttp with our own signatures; the others boto3 in threads."""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from docstore_contents.s3.multipart import MultipartUploads, Part, UnfinishedUpload
from docstore_contents.s3.objects import ObjectInfo, StoredObject, Tail, head_object, object_info
from docstore_contents.s3.presigned import (
    Presigner,
    S3Config,
    SignedForm,
    SignedPut,
    object_headers,
)
from docstore_contents.s3.role_credentials import role_credentials
from docstore_contents.s3.storage_classes import COPY_CONFIG, StorageClasses
from docstore_contents.s3.transport import (
    ObjectArchived,
    ObjectChanged,
    ObjectNotFound,
    ObjectStoreError,
    ObjectStoreUnavailable,
    ObjectTooLarge,
    S3Transport,
    UploadNotFound,
    retrying,
)
from docstore_platform.clock import Clock, utc_now

__all__ = [
    "ObjectArchived",
    "ObjectChanged",
    "ObjectInfo",
    "ObjectNotFound",
    "ObjectStore",
    "ObjectStoreError",
    "ObjectStoreUnavailable",
    "ObjectTooLarge",
    "Part",
    "S3Config",
    "SignedForm",
    "SignedPut",
    "StoredObject",
    "Tail",
    "UnfinishedUpload",
    "UploadNotFound",
]

DELETE_BATCH = 1000  # S3's limit for one DeleteObjects


class ObjectStore(Presigner, MultipartUploads, StorageClasses):
    """One bucket. Use as an async context manager; every awaited method may raise ObjectStoreError."""

    def __init__(self, config: S3Config, clock: Clock = utc_now) -> None:
        super().__init__(config, clock)
        self.transport = S3Transport(config, clock)

    async def __aenter__(self) -> Self:
        if not self.config.has_keys:
            await asyncio.to_thread(role_credentials().load)
        self.transport.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.transport.close()

    async def head(self, key: str) -> ObjectInfo | None:
        """Return an object's properties; None if it does not exist."""
        return await head_object(self.transport, key)

    async def head_many(self, keys: Sequence[str]) -> list[ObjectInfo | None]:
        """Return `head` of each, in order; the connection pool bounds concurrency."""
        return await asyncio.gather(*(self.head(key) for key in keys))

    async def get(self, key: str) -> bytes:
        """Read a small object."""
        return (await self.transport.request("GET", key))[1]

    async def fetch(self, key: str) -> tuple[ObjectInfo, bytes]:
        """Read a small object with its properties."""
        headers, data = await self.transport.request("GET", key)
        return object_info(key, headers), data

    async def get_range(self, key: str, start: int, length: int, *, etag: str | None = None) -> bytes:
        """Read up to `length` bytes from offset `start`; ObjectChanged if the object's ETag is not `etag`."""
        headers = {"range": f"bytes={start}-{start + length - 1}"}
        if etag is not None:
            headers["if-match"] = f'"{etag}"'
        return (await self.transport.request("GET", key, headers=headers))[1]

    async def get_tail(self, key: str, length: int) -> Tail:
        """Read the last `length` bytes of an object, or all of a smaller one."""
        headers, data = await self.transport.request("GET", key, headers={"range": f"bytes=-{length}"})
        total = headers.get("content-range", "").rpartition("/")[2]
        return Tail(headers["etag"].strip('"'), int(total) if total else len(data), data)

    async def peek(self, key: str, length: int) -> tuple[bytes, int]:
        """Read the first `length` bytes of an object; return them and its size. ObjectNotFound if it does not exist."""
        try:
            headers, start = await self.transport.request("GET", key, headers={"range": f"bytes=0-{length - 1}"})
        except ObjectStoreError as error:
            if error.code in ("InvalidRange", "416"):  # an empty object has no first byte
                return b"", 0
            raise
        size = headers.get("content-range", "").rpartition("/")[2]
        return start[:length], int(size) if size else len(start)

    async def put(
        self,
        key: str,
        data: bytes,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
        etag: str | None = None,
    ) -> ObjectInfo:
        """Store a small object; the store verifies and keeps its SHA-256.

        With an `etag`, replace only the object that has it: else ObjectChanged or ObjectNotFound.
        """
        digest = hashlib.sha256(data).hexdigest()
        headers = dict(object_headers(content_type, digest, metadata))
        if etag is not None:
            headers["if-match"] = f'"{etag}"'
        response, _ = await self.transport.request("PUT", key, headers=headers, body=data, sha256=digest)
        return ObjectInfo(key, len(data), response["etag"].strip('"'), digest, content_type, dict(metadata or {}))

    async def put_file(self, key: str, path: Path, *, content_type: str) -> None:
        """Store a file of up to 5 GiB without reading it into memory."""

        def read() -> BinaryIO:
            return path.open("rb")

        with await asyncio.to_thread(read) as body:
            await self.transport.call("put_object", Key=key, Body=body, ContentType=content_type)

    async def copy(self, key: str, to: str) -> None:
        """Copy an object within the store, a large one in parts. ObjectNotFound if it does not exist."""
        source = {"Bucket": self.config.bucket, "Key": key}
        await self.transport.call("copy", CopySource=source, Key=to, Config=COPY_CONFIG)

    async def tag(self, key: str, tags: Mapping[str, str]) -> None:
        """Replace an object's tags; its bytes, ETag and URLs stay. ObjectNotFound if it does not exist."""
        tag_set = [{"Key": name, "Value": value} for name, value in tags.items()]
        await self.transport.call("put_object_tagging", Key=key, Tagging={"TagSet": tag_set})

    async def delete(self, key: str) -> None:
        """Delete an object, if it exists."""
        await self.transport.request("DELETE", key)

    async def delete_many(self, keys: Iterable[str]) -> None:
        """Delete any number of objects, a thousand a call."""
        every = list(keys)
        for start in range(0, len(every), DELETE_BATCH):
            batch = [{"Key": key} for key in every[start : start + DELETE_BATCH]]
            response = await self.transport.call("delete_objects", Delete={"Objects": batch, "Quiet": True})
            for failure in response.get("Errors", []):
                raise ObjectStoreError(failure.get("Code", "Unknown"), f"{failure['Key']} was not deleted")

    async def sha256_of(self, key: str) -> tuple[int, str]:
        """Read an object; return its size and SHA-256 (hex)."""

        def read() -> tuple[int, str]:
            digest, size = hashlib.sha256(), 0
            for chunk in self.transport.stream(key):
                digest.update(chunk)
                size += len(chunk)
            return size, digest.hexdigest()

        return await retrying(partial(self.transport.in_thread, read))

    async def download(self, key: str, path: Path, max_bytes: int) -> int:
        """Write an object to `path`; return its size. ObjectTooLarge beyond `max_bytes`; then no file is left."""

        def write() -> int:
            size = 0
            try:
                with path.open("wb") as file:
                    for chunk in self.transport.stream(key):
                        size += len(chunk)
                        if size > max_bytes:
                            raise ObjectTooLarge("EntityTooLarge", f"{key} has more than {max_bytes} bytes")
                        file.write(chunk)
            except BaseException:  # whatever failed, no partial file may stay
                path.unlink(missing_ok=True)
                raise
            return size

        return await retrying(partial(self.transport.in_thread, write))

    async def clear(self, prefix: str, keep: frozenset[str] = frozenset()) -> None:
        """Delete every object and unfinished upload under `prefix`, except `keep`. Lists: background only."""
        for upload in await self.unfinished_uploads(prefix):
            await self.abort_multipart(upload.key, upload.upload_id)
        pages = await self.transport.call("list_objects_v2", all_pages=True, Prefix=prefix)
        keys = {item["Key"] for page in pages for item in page.get("Contents", [])}
        await self.delete_many(sorted(keys - keep))

    async def list_page(self, prefix: str, *, after: str, limit: int) -> list[StoredObject]:
        """Return up to `limit` (1000 at most) objects under `prefix`, by key, after `after`. Background only."""
        page = await self.transport.call("list_objects_v2", Prefix=prefix, StartAfter=after, MaxKeys=limit)
        return [StoredObject(each["Key"], each["Size"], each["LastModified"]) for each in page.get("Contents", [])]

    async def ensure_bucket(self) -> None:
        """Create the bucket, unless it exists."""
        try:
            await self.transport.request("HEAD", "")
        except ObjectNotFound:
            await self.transport.call("create_bucket")
