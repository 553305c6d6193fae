"""Holds what the object store has against what was declared, and finds the SHA-256 of every object.

The store tells the checksum where the client had it signed. Else the bytes are read and hashed, here in pieces and off
the event loop; a hash that took long is noted in the session, so that neither a retry nor a crash after it costs it
again.
"""

import asyncio
import time
from collections.abc import Sequence
from hashlib import sha256

from docstore_platform.problems import Problem, invalid
from docstore_platform.s3 import ObjectInfo, ObjectStore, Part, UploadNotFound
from docstore_upload.domain import INCOMPLETE, MIB, Refusal, Upload, mismatch, part_count
from docstore_upload.settings import UploadSettings
from docstore_upload.storage import Uploads

SMALL = 1 * MIB
"""Up to this an object is hashed in one piece: a millisecond."""
RETRY_AFTER_SECONDS = 5


class Verifier:
    """Verifies uploads that are open."""

    def __init__(self, store: ObjectStore, uploads: Uploads, settings: UploadSettings) -> None:
        self._store = store
        self._uploads = uploads
        self._settings = settings
        self._hashing: dict[tuple[str, str], asyncio.Task[str]] = {}

    async def verify(self, upload: Upload, parts: Sequence[Part] | None = None) -> str | Refusal:
        """The SHA-256 of the bytes if they are as declared; else why not: INCOMPLETE may change, others won't.

        Problem 503 `verifying` while a large object is still being read, 422 `invalid_parts` if `parts` are not those
        that were sent. ObjectStoreError if the store can't say.
        """
        assembled = await self._assemble(upload, parts) if upload.method == "multipart" else None
        if isinstance(assembled, Refusal):
            return assembled
        found = assembled or await self._store.head(upload.object_key)
        if found is None:
            return INCOMPLETE
        refused = mismatch(upload, found.size, found.sha256)
        if refused is not None:
            return refused
        digest = found.sha256 or await self._hash(upload, found)
        return mismatch(upload, found.size, digest) or digest

    async def close(self) -> None:
        tasks = list(self._hashing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _assemble(self, upload: Upload, parts: Sequence[Part] | None) -> ObjectInfo | Refusal | None:
        """Make the parts one object once all are there. None: that has happened before, or it was aborted."""
        assert upload.multipart_id is not None
        assert upload.part_size is not None
        try:
            there = await self._store.list_parts(upload.object_key, upload.multipart_id)
        except UploadNotFound:
            return None
        count = part_count(upload.size, upload.part_size)
        if parts is not None:
            etags = {part.number: part.etag for part in there}
            wrong = [part.number for part in parts if etags.get(part.number) != part.etag.strip('"')]
            if wrong:
                raise invalid("The store has no such parts.", "invalid_parts", numbers=wrong[:100])
        if len(there) != count or sum(part.size for part in there) != upload.size:
            if there and upload.state == "initiated":
                await self._uploads.mark_uploading(upload.id)
            detail = f"{len(there)} of {count} parts have arrived."
            return Refusal(INCOMPLETE.status, INCOMPLETE.code, detail)
        try:
            return await self._store.complete_multipart(upload.object_key, upload.multipart_id, there)
        except UploadNotFound:
            return None

    async def _hash(self, upload: Upload, found: ObjectInfo) -> str:
        if upload.found is not None and upload.found[0] == found.etag:
            return upload.found[1]
        if found.size <= SMALL:
            return sha256(await self._store.get(upload.object_key)).hexdigest()
        key = (upload.id, found.etag)
        task = self._hashing.get(key)
        if task is None:
            task = self._hashing[key] = asyncio.create_task(self._read(upload, found.etag))
            task.add_done_callback(lambda done: self._forget(key, done))
        await asyncio.wait({task}, timeout=self._settings.complete_wait_seconds)
        if task.done():
            return task.result()
        detail = "All bytes are here and being read for their checksum; ask again."
        raise Problem(503, "verifying", detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})

    async def _read(self, upload: Upload, etag: str) -> str:
        started = time.monotonic()
        _, digest = await self._store.sha256_of(upload.object_key)
        if time.monotonic() - started > self._settings.complete_wait_seconds / 2:
            await self._uploads.note_found(upload.id, etag, digest)
        return digest

    def _forget(self, key: tuple[str, str], task: asyncio.Task[str]) -> None:
        self._hashing.pop(key, None)
        if not task.cancelled():
            task.exception()  # marks it as seen: who waited has been told, and else the next look tries again
