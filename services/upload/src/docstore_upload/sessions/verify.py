"""Verifies stored objects against what was declared, and finds the SHA-256 of each.

Where the client had a checksum signed, the store reports it. Otherwise the bytes are read and hashed here, in pieces
and off the event loop; a hash that took long is stored in the session, so that neither a retry nor a crash repeats the
work. Bytes that the client could write again (form, credentials) are copied within the store first; the copy is hashed
and committed.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256

from docstore_contents.s3.metadata_headers import header_text
from docstore_contents.s3.store import ObjectInfo, ObjectNotFound, ObjectStore, ObjectStoreError, Part, UploadNotFound
from docstore_platform.errors import Unavailable, invalid
from docstore_platform.ids import new_id
from docstore_platform.tasks import end_tasks
from docstore_upload.lifecycle.rules import HASHED_AT_ONCE_BYTES, MIB, RETRY_AFTER_SECONDS, Incomplete, Mismatch
from docstore_upload.sessions.ports import Uploads
from docstore_upload.sessions.rules import Upload, Verified, are_whole, metadata_sent, mismatch
from docstore_upload.settings import UploadSettings

TRIES = 4
"""Parts may be sent again after a failure, but not endlessly."""


class Verifier:
    """Verifies open uploads."""

    def __init__(self, store: ObjectStore, uploads: Uploads, settings: UploadSettings) -> None:
        self._store = store
        self._uploads = uploads
        self._settings = settings
        self._reading: dict[tuple[str, str], asyncio.Task[Verified]] = {}
        self._given_up: set[tuple[str, str]] = set()  # readings that a caller has stopped waiting for

    async def verify(self, upload: Upload, parts: Sequence[Part] | None = None) -> Verified:
        """Return the stored facts if they are as declared; Mismatch if not, Incomplete while they may still become so.

        Unavailable `verifying` while a large object is being read, Invalid `invalid_parts` if `parts` are not those
        that were sent, ObjectStoreError if the store fails.
        """
        assembled = await self._assemble(upload, parts) if upload.method == "multipart" else None
        try:
            if upload.method == "put" and upload.sha256 is None and upload.size <= HASHED_AT_ONCE_BYTES:
                return _matching(upload, await self._read_small(upload))  # no HEAD first: its URL took this size only
            found = assembled or await self._store.head(upload.sent_key)
            if found is None:
                raise Incomplete
            refused = mismatch(upload, found.size, found.sha256)
            if refused is not None:
                raise refused
            if found.sha256 is not None and not upload.is_copied:
                return Verified(found.size, found.sha256, upload.object_name)
            verified = await self._read_or_join(upload, found)
        except ObjectNotFound:
            raise Incomplete from None
        try:
            metadata = metadata_sent(upload, _texts(found)) if upload.takes_metadata else None
            return replace(_matching(upload, verified), metadata=metadata)
        except Mismatch:
            if upload.is_copied:
                await self._store.delete(upload.prefix + verified.object_name)
            raise

    async def refuse_oversent(self, upload: Upload) -> None:
        """Raise Mismatch if parts were sent repeatedly or of an undeclared size. Lists parts: background only."""
        if upload.method == "credentials":
            unfinished = await self._store.unfinished_uploads(upload.incoming)
            multiparts = [(each.key, each.upload_id) for each in unfinished]
        elif upload.multipart_id is not None:
            multiparts = [(upload.object_key, upload.multipart_id)]
        else:
            return
        sent = 0
        for key, multipart_id in multiparts:
            with suppress(UploadNotFound):
                sent += sum(part.size for part in await self._store.list_part_copies(key, multipart_id))
        if sent > TRIES * upload.size + MIB:
            raise Mismatch("Far more was sent than was declared.")

    async def close(self) -> None:
        await end_tasks(self._reading.values())

    async def _assemble(self, upload: Upload, parts: Sequence[Part] | None) -> ObjectInfo | None:
        """Join the parts into one object once all have arrived. None: done before, or aborted."""
        assert upload.multipart_id is not None
        try:
            there = await self._store.list_parts(upload.object_key, upload.multipart_id)
        except UploadNotFound:
            return None
        if parts is not None:
            etags = {part.number: part.etag for part in there}
            wrong = [part.number for part in parts if etags.get(part.number) != part.etag.strip('"')]
            if wrong:
                raise invalid("These parts are not stored.", "invalid_parts", numbers=wrong[:100])
        if not are_whole(upload.size, {part.number: part.size for part in there}):
            if there and upload.state == "initiated":
                await self._uploads.mark_uploading(upload.id)
            raise Incomplete(f"{sum(part.size for part in there)} of {upload.size} bytes have arrived.")
        try:
            return await self._store.complete_multipart(upload.object_key, upload.multipart_id, there)
        except UploadNotFound:
            return None
        except ObjectStoreError as error:
            if error.code == "EntityTooSmall":
                raise Mismatch("The store takes no parts of less than 5 MiB before the last.") from None
            raise

    async def _read_or_join(self, upload: Upload, found: ObjectInfo) -> Verified:
        if upload.found is not None and upload.found[0] == found.etag:
            return upload.found[1]
        if found.size <= HASHED_AT_ONCE_BYTES:
            return await self._read_small(upload)
        key = (upload.id, found.etag)
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.create_task(self._read_large(upload, key))
            task.add_done_callback(lambda done: self._forget(key, done))
        await asyncio.wait({task}, timeout=self._settings.complete_wait_seconds)
        if task.done():
            return task.result()
        self._given_up.add(key)
        detail = "All bytes have arrived and their checksum is being computed; try again."
        raise Unavailable(detail, code="verifying", retry_after=RETRY_AFTER_SECONDS)

    async def _read_small(self, upload: Upload) -> Verified:
        content = await self._store.get(upload.sent_key)
        verified = Verified(len(content), sha256(content).hexdigest(), _object_name(upload))
        if upload.is_copied:
            key = upload.prefix + verified.object_name
            await self._store.put(key, content, content_type=upload.content_type)
        return verified

    async def _read_large(self, upload: Upload, key: tuple[str, str]) -> Verified:
        name = _object_name(upload)
        if upload.is_copied:
            await self._store.copy(upload.sent_key, upload.prefix + name)
        size, digest = await self._store.sha256_of(upload.prefix + name)
        verified = Verified(size, digest, name)
        if key in self._given_up:  # the caller who comes again finds the result
            await self._uploads.note_found(*key, verified)
        return verified

    def _forget(self, key: tuple[str, str], task: asyncio.Task[Verified]) -> None:
        self._reading.pop(key, None)
        self._given_up.discard(key)
        if not task.cancelled():
            task.exception()  # marks it as retrieved: a waiting caller got it, otherwise the next check reads again


def _texts(found: ObjectInfo) -> dict[str, str]:
    return {name: header_text(value) for name, value in found.metadata.items()}


def _object_name(upload: Upload) -> str:
    """Return the object's name. Only this service writes to a copy's name: the hashed bytes are the committed ones."""
    return f"content-{new_id()}" if upload.is_copied else upload.object_name


def _matching(upload: Upload, verified: Verified) -> Verified:
    refused = mismatch(upload, verified.size, verified.sha256)
    if refused is not None:
        raise refused
    return verified
