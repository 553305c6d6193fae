"""In-memory account with the client methods that sync calls."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from docstore_client import ApiError, Source, Wanted
from docstore_client.models import Change, Changes, ChangeType, File, Snapshot

ROOT = "root"


@dataclass
class FakeAccount:
    """Its files and folders by id, and what they hold. `on_upload` is called after each."""

    files: dict[str, File] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    feed: list[Change] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    on_upload: Callable[[], None] = lambda: None

    def names(self) -> set[str]:
        return {file.name for file in self.files.values()}

    def named(self, name: str) -> File:
        return next(file for file in self.files.values() if file.name == name)

    def put(self, name: str, content: bytes) -> File:
        """A new file at the top, or a new version of the one of this name."""
        old = self.named(name) if name in self.names() else None
        known: dict[str, Any] = {"id": old.id if old else f"file{len(self.feed):08}", "name": name, "parent_id": ROOT}
        known |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        known |= {"version": old.version + 1 if old else 1, "kind": "file", "permission": "owner", "path": f"/{name}"}
        file = File.model_construct(**known, modified_at=datetime(2026, 1, 1, tzinfo=UTC))
        self.files[file.id], self.contents[file.id] = file, content
        self._tell("modified" if old else "created", file)
        return file

    def _tell(self, type_: ChangeType, file: File) -> None:
        self.feed.append(Change.model_construct(seq=len(self.feed) + 1, type=type_, file=file))
        self.news.set()

    async def me(self) -> SimpleNamespace:
        return SimpleNamespace(id=ROOT, folder_id=None)

    async def snapshot(self, _cursor: str | None) -> Snapshot:
        items = list(self.files.values())
        return Snapshot.model_construct(items=items, next_cursor=None, changes_cursor=str(len(self.feed)))

    async def changes(self, cursor: str, *, limit: int, wait: int) -> Changes:
        del limit
        if wait and int(cursor) == len(self.feed):
            self.news.clear()
            await self.news.wait()
        return Changes.model_construct(changes=self.feed[int(cursor) :], cursor=str(len(self.feed)), has_more=False)

    async def upload(self, source: Source, _progress: Callable[[int], None]) -> File:
        name = source.local.name
        if source.base_version not in (None, self.named(name).version if name in self.names() else 0):
            raise ApiError(409, "version_conflict", "There is another version.")
        file = self.put(name, source.local.read_bytes())
        self.on_upload()
        return file

    async def upload_many(self, sources: Sequence[Source], progress: Callable[[int], None]) -> list[File]:
        return [await self.upload(source, progress) for source in sources]

    async def download_many(self, wanted: Sequence[Wanted], _progress: Callable[[int], None]) -> list[None]:
        return [each.local.write_bytes(self.contents[each.file.id]) and None for each in wanted]

    async def download(self, file: File, local: Any, **_: Any) -> None:
        local.write_bytes(self.contents[file.id])

    async def delete(self, file_id: str) -> None:
        self._tell("deleted", self.files.pop(file_id))
