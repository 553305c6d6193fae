"""An object store in a dict."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from docstore_contents.s3.presigned import Presigner, S3Config
from docstore_contents.s3.store import (
    ObjectChanged,
    ObjectInfo,
    ObjectNotFound,
    ObjectStoreUnavailable,
    Part,
    Tail,
    UnfinishedUpload,
    UploadNotFound,
)


class FakeStore(Presigner):
    """Objects and multipart uploads in memory; `down` refuses every call."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__(S3Config("http://s3", "", "r", "id", "secret", "bucket"), clock)
        self.objects: dict[str, bytes] = {}
        self.metadata: dict[str, Mapping[str, str]] = {}
        """Metadata of objects, by key."""
        self.put_at: dict[str, datetime] = {}
        self.multiparts: dict[str, dict[int, bytes]] = {}
        self.reads = 0
        self.down = False
        self._numbers = itertools.count(1)
        self._time = clock

    def _up(self) -> None:
        if self.down:
            raise ObjectStoreUnavailable("503", "down")

    async def head(self, key: str) -> ObjectInfo | None:
        self._up()
        content = self.objects.get(key)
        if content is None:
            return None
        return ObjectInfo(key, len(content), _etag(content), None, "text/plain", self.metadata.get(key, {}))

    async def get(self, key: str) -> bytes:
        self._up()
        self.reads += 1
        if key not in self.objects:
            raise ObjectNotFound("NoSuchKey", key)
        return self.objects[key]

    async def peek(self, key: str, length: int) -> tuple[bytes, int]:
        content = await self.get(key)
        return content[:length], len(content)

    async def get_tail(self, key: str, length: int) -> Tail:
        content = await self.get(key)
        return Tail(_etag(content), len(content), content[-length:])

    async def put(
        self,
        key: str,
        data: bytes,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        etag: str | None = None,
    ) -> None:
        self._up()
        if etag is not None and (key not in self.objects or _etag(self.objects[key]) != etag):
            raise ObjectChanged("PreconditionFailed", key)
        self.objects[key], self.put_at[key], self.metadata[key] = data, self._time(), metadata or {}

    async def copy(self, key: str, to: str) -> None:
        self.objects[to] = await self.get(key)

    async def clear(self, prefix: str, keep: frozenset[str]) -> None:
        self._up()
        for key in [key for key in self.objects if key.startswith(prefix) and key not in keep]:
            del self.objects[key]

    async def sha256_of(self, key: str) -> tuple[int, str]:
        content = await self.get(key)
        return len(content), sha256(content).hexdigest()

    async def delete(self, key: str) -> None:
        self._up()
        self.objects.pop(key, None)

    async def delete_many(self, keys: Iterable[str]) -> None:
        for key in keys:
            await self.delete(key)

    async def create_multipart(self, key: str, *, content_type: str, metadata: Mapping[str, str] | None = None) -> str:
        self._up()
        multipart_id = f"m{next(self._numbers)}"
        self.multiparts[multipart_id] = {}
        return multipart_id

    async def list_parts(self, key: str, multipart_id: str) -> list[Part]:
        self._up()
        if multipart_id not in self.multiparts:
            raise UploadNotFound("NoSuchUpload", "gone")
        return [Part(number, f"e{number}", len(content)) for number, content in self.multiparts[multipart_id].items()]

    async def list_part_copies(self, key: str, multipart_id: str) -> list[Part]:
        return await self.list_parts(key, multipart_id)

    async def unfinished_uploads(self, prefix: str) -> list[UnfinishedUpload]:
        self._up()
        return []

    async def complete_multipart(self, key: str, multipart_id: str, parts: Sequence[Part]) -> ObjectInfo | None:
        pieces = self.multiparts.pop(multipart_id)
        self.objects[key] = b"".join(pieces[part.number] for part in parts)
        return await self.head(key)

    async def abort_multipart(self, key: str, multipart_id: str) -> None:
        self._up()
        self.multiparts.pop(multipart_id, None)


def _etag(content: bytes) -> str:
    return sha256(content).hexdigest()[:32]
