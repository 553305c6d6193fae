"""Copies of the store's objects in the place of backups, each content once."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import structlog

from docstore_contents.s3.storage_classes import ARCHIVE_CLASSES
from docstore_contents.s3.store import ObjectArchived, ObjectNotFound, ObjectStore
from docstore_contents.s3.transport import ObjectStoreUnavailable
from docstore_platform.chunks import chunks
from docstore_platform.ids import new_id
from docstore_standalone.backup.catalogue import Catalogue, Listed, Stored
from docstore_standalone.backup.places.files import create, make_folder
from docstore_standalone.backup.places.target import Target
from docstore_standalone.backup.progress import Progress, Step
from docstore_standalone.embedded.access_log import PROBE_KEY

log = structlog.get_logger(__name__)

PAGE = 1000
AT_ONCE = 16
IN_MEMORY_BYTES = 4 << 20
"""Size up to which objects are read into memory; larger ones are streamed to disk."""
TRIES = 3
CATALOGUE_SECONDS = 300.0
"""How often the catalogue is stored: a backup that is killed loses no more than this."""

T = TypeVar("T")


async def list_objects(store: ObjectStore, catalogue: Catalogue) -> None:
    """Record all objects in the store, page by page. Permanent objects are listed, whatever else changes meanwhile."""
    token: dict[str, Any] = {}
    while True:
        page = await store.transport.call("list_objects_v2", MaxKeys=PAGE, **token)
        found = [_listed(each, catalogue) for each in page.get("Contents", [])]
        # A killed readiness check may have left its object there.
        catalogue.list_objects(each for each in found if each.key != PROBE_KEY)
        if not page.get("IsTruncated"):
            return
        token = {"ContinuationToken": page["NextContinuationToken"]}


async def list_unlisted(store: ObjectStore, catalogue: Catalogue, referenced: AsyncIterable[str]) -> None:
    """Record the `referenced` objects that the store has but does not list: SeaweedFS leaves out an object in whose
    PUT it was killed, between storing it and its folder, though it reads it.
    """
    keys: list[str] = []

    async def add() -> None:
        for some in chunks(catalogue.unlisted(keys), AT_ONCE):
            found = await store.head_many(some)
            catalogue.list_objects(Listed(each.key, each.size, each.etag) for each in found if each is not None)
        keys.clear()

    async for key in referenced:
        keys.append(key)
        if len(keys) == PAGE:
            await add()
    await add()


def _listed(entry: dict[str, Any], catalogue: Catalogue) -> Listed:
    """An archived object can't be read, and is the one that was copied before, though its ETag may have changed."""
    key, size, etag = entry["Key"], entry["Size"], entry["ETag"].strip('"')
    is_archived = entry.get("StorageClass") in ARCHIVE_CLASSES
    return Listed(key, size, (is_archived and catalogue.known_etag(key, size)) or etag)


class ObjectCopier:
    """Copies listed objects that are not copied yet. After an interruption it continues where it stopped."""

    def __init__(self, store: ObjectStore, catalogue: Catalogue, target: Target, on_step: Progress) -> None:
        self._store, self._catalogue, self._target, self._on_step = store, catalogue, target, on_step
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._stored_at = time.monotonic()
        self._archived: dict[str, Listed] = {}
        self.copied = 0
        self.copied_bytes = 0

    @property
    def left_out(self) -> list[str]:
        """Keys of archived objects whose contents are unknown: the backup does not have them."""
        return sorted(self._archived)

    async def run(self, between: Callable[[], None]) -> None:
        """Copy until everything listed is on disk. Call `between` after each page; it may raise to stop."""
        total, _ = self._catalogue.figures()
        done, after = 0, ""
        while page := self._catalogue.page(after, PAGE):
            between()
            # Many pages without a new object have no other pause in which the hold could be renewed.
            wanted = await asyncio.to_thread(self._wanted, page)
            for start in range(0, len(wanted), 4 * AT_ONCE):
                some = wanted[start : start + 4 * AT_ONCE]
                self._record(some, await all_of(self._copy(each) for each in some))
                self._on_step(Step("contents", done + start, total, self.copied_bytes))
                between()
                await self._store_catalogue()
            done, after = done + len(page), page[-1][0].key
            self._on_step(Step("contents", done, total, self.copied_bytes))

    async def _store_catalogue(self) -> None:
        if time.monotonic() - self._stored_at >= CATALOGUE_SECONDS:
            await asyncio.to_thread(self._target.store_catalogue, self._catalogue)
            self._stored_at = time.monotonic()

    def reuse_archived(self, earlier: Iterable[Stored]) -> None:
        """Take archived objects from an earlier backup: the catalogue does not know their contents if it was lost."""
        if not self._archived:
            return
        found: list[tuple[Stored, str]] = []
        for stored in earlier:
            listed = self._archived.get(stored.key)
            if listed and listed.size == stored.size and self._has(stored.sha256, stored.size):
                found.append((stored, listed.etag))
                del self._archived[stored.key]
        self._catalogue.copied(found)
        for key in self.left_out:
            log.warning("archived_content_not_backed_up", key=key)

    def _wanted(self, page: Sequence[tuple[Listed, str]]) -> list[Listed]:
        return [listed for listed, sha256 in page if not self._has(sha256, listed.size)]

    def _has(self, sha256: str, size: int) -> bool:
        return bool(sha256) and self._target.has(sha256, size)

    def _record(self, listed_objects: Sequence[Listed], outcomes: Sequence[tuple[Stored, str] | None]) -> None:
        found = [outcome for outcome in outcomes if outcome is not None]
        self._catalogue.copied(found)
        self.copied += len(found)
        self.copied_bytes += sum(stored.size for stored, _ in found)
        for listed, outcome in zip(listed_objects, outcomes, strict=True):
            if outcome is None:
                self._catalogue.gone(listed.key)

    async def _copy(self, listed: Listed) -> tuple[Stored, str] | None:
        """Copy the object as it is now; None if it was deleted, or is archived and can't be read."""
        try:
            async with self._slots:
                is_small = listed.size <= IN_MEMORY_BYTES
                return await (self._copy_small(listed.key) if is_small else self._copy_large(listed.key))
        except ObjectNotFound:
            return None
        except ObjectArchived:
            self._archived[listed.key] = listed
            return None

    async def _copy_small(self, key: str) -> tuple[Stored, str]:
        info, data = await self._store.fetch(key)
        sha256 = hashlib.sha256(data).hexdigest()
        await asyncio.to_thread(self._write, sha256, data)
        return Stored(key, len(data), sha256, info.content_type, dict(info.metadata)), info.etag

    async def _copy_large(self, key: str) -> tuple[Stored, str] | None:
        for _ in range(TRIES):
            before = await self._store.head(key)
            if before is None:
                return None
            sha256, size = await asyncio.to_thread(self._stream, key)
            after = await self._store.head(key)
            if after is not None and after.etag == before.etag and size == before.size:
                return Stored(key, size, sha256, before.content_type, dict(before.metadata)), before.etag
        raise ObjectStoreUnavailable("PreconditionFailed", f"{key} is rewritten too often")

    def _write(self, sha256: str, data: bytes) -> None:
        if self._target.has(sha256, len(data)):
            return
        draft = self._draft()
        with create(draft) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._target.add(draft, sha256)

    def _stream(self, key: str) -> tuple[str, int]:
        digest, size, draft = hashlib.sha256(), 0, self._draft()
        try:
            with create(draft) as file:
                for chunk in self._store.transport.stream(key):
                    digest.update(chunk)
                    size += len(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:  # also when cancelled: no partial file may stay
            draft.unlink(missing_ok=True)
            raise
        sha256 = digest.hexdigest()
        if self._target.has(sha256, size):
            draft.unlink()
        else:
            self._target.add(draft, sha256)
        return sha256, size

    def _draft(self) -> Path:
        return make_folder(self._target.drafts) / new_id()


async def all_of(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return the results in order; the first failure cancels the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in tasks]
