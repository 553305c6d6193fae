"""The service on real servers, a publisher of events, and people who look at previews."""

import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import zstandard
from fake_accounts import signed
from fastapi import FastAPI, Request
from fastapi.responses import Response
from service_calls import ServiceCaller

from docstore_contents.block_list import Block, block_key, block_list_key, serialise
from docstore_contents.s3.store import ObjectStore
from docstore_events.catalogue.event import Event
from docstore_events.catalogue.files import FileCreated, FileModified, FilePurged, FileState, VersionPruned
from docstore_events.runtime import EventRuntime
from docstore_events.transaction import Transaction
from docstore_media.app import create_app
from docstore_media.settings import MediaSettings
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.service.client import HttpResponse, LocalTransport, register_local_app
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually


@dataclass
class World:
    """The service, and those whose part the test plays: metadata, and people who look at files."""

    infra: InfraSettings
    mongo: Mongo
    objects: ObjectStore
    pictures: ObjectStore
    folder: Path
    files: dict[str, FileState] = field(default_factory=dict)
    """As the fake metadata has them."""
    revision: int = 0

    @property
    def database(self) -> Database:
        return self.mongo.database(f"{self.infra.database_prefix}media")

    def metadata(self) -> FastAPI:
        app = FastAPI()

        @app.post("/internal/files/lookup")
        async def lookup(request: Request) -> Response:
            body = orjson.loads(await request.body())
            found = [self.files[key] for key in body["ids"] if key in self.files]
            seen = [state for state in found if body["account_id"] in (state.owner_id, *state.readers)]
            answer = [{"id": state.file_id, "name": state.name, "version": state.version} for state in seen]
            return Response(orjson.dumps({"files": answer}))

        return app

    def _publisher(self) -> EventRuntime:
        database = self.mongo.database(f"{self.infra.database_prefix}publisher")
        return EventRuntime("metadata", self.infra, self.mongo, database)

    @asynccontextmanager
    async def running(self, **settings: Any) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._publisher().running())
            await stack.enter_async_context(self.media(**settings))
            yield

    @asynccontextmanager
    async def media(self, **settings: Any) -> AsyncIterator[FastAPI]:
        """An instance of the service, without a publisher of events."""
        usual: dict[str, Any] = {"infra": self.infra, "folder": self.folder, "poll_interval_seconds": 0.2}
        app = create_app(MediaSettings(**{**usual, **settings}))
        async with app.router.lifespan_context(app):
            register_local_app(self.infra.media_url, app)
            yield app

    async def publish(self, *events: Event) -> list[str]:
        async def work(transaction: Transaction) -> list[str]:
            return [transaction.publish(event) for event in events]

        return await self._publisher().transactor.run(work)

    def _about(self, state: FileState) -> dict[str, Any]:
        self.revision += 1
        return {"revision": self.revision, "file": state, "path": f"/{state.name}", "actor_id": state.owner_id}

    async def add(
        self,
        owner: str,
        name: str,
        content: bytes,
        content_type: str = "image/png",
        *,
        stored: bool = True,
        **extra: Any,
    ) -> FileState:
        """A new file: its bytes stored, known to metadata, and published."""
        now = utc_now()
        usual: dict[str, Any] = {
            "file_id": new_id(),
            "owner_id": owner,
            "parent_id": owner,
            "kind": "file",
            "name": name,
            "size": len(content),
            "content_type": content_type,
            "sha256": hashlib.sha256(content).hexdigest(),
            "version": 1,
            "created_at": now,
            "modified_at": now,
            "modified_by": owner,
            "object_key": f"accounts/{owner}/uploads/{new_id()}/content",
        }
        state = FileState(**(usual | extra))
        if stored:
            await self.objects.put(state.object_key, content)
        self.files[state.file_id] = state
        await self.publish(FileCreated(**self._about(state)))
        return state

    async def add_in_blocks(self, owner: str, name: str, content: bytes, **extra: Any) -> FileState:
        """A new file whose content is stored in two blocks."""
        half, key, blocks = len(content) // 2, block_list_key(owner, new_id(), new_id()), []
        for piece in (content[:half], content[half:]):
            digest = hashlib.sha256(piece).hexdigest()
            blocks.append(Block(digest, len(piece), block_key(owner, digest, new_id())))
            await self.objects.put(blocks[-1].key, zstandard.compress(piece))
        await self.objects.put(key, serialise(blocks))
        return await self.add(owner, name, content, stored=False, object_key=key, **extra)

    async def modify(self, state: FileState, content: bytes, *, stored: bool = True) -> tuple[FileState, str]:
        """Its next version, and the id of its event."""
        key = f"accounts/{state.owner_id}/uploads/{new_id()}/content"
        if stored:
            await self.objects.put(key, content)
        sha256 = hashlib.sha256(content).hexdigest()
        changes = {"version": state.version + 1, "object_key": key, "size": len(content), "sha256": sha256}
        changed = self.files[state.file_id] = state.model_copy(update=changes)
        [event_id] = await self.publish(FileModified(**self._about(changed), added_bytes=len(content)))
        return changed, event_id

    async def prune(self, state: FileState, version: int) -> None:
        await self.publish(VersionPruned(**self._about(state), pruned_version=version, freed_bytes=1))

    async def purge(self, state: FileState) -> None:
        self.files.pop(state.file_id, None)
        await self.publish(FilePurged(**self._about(state), freed_bytes=1))

    async def preview(self, account_id: str, file_id: str, size: str = "large") -> HttpResponse:
        return await self.picture(account_id, file_id, f"size={size}")

    async def picture(self, account_id: str, file_id: str, query: str) -> HttpResponse:
        return await self._get(account_id, f"/v1/files/{file_id}/preview?{query}")

    async def media_of(self, account_id: str, file_id: str) -> HttpResponse:
        return await self._get(account_id, f"/v1/files/{file_id}/media")

    async def _get(self, account_id: str, path: str) -> HttpResponse:
        now = int(time.time())
        claims = {"sub": account_id, "sid": "s", "role": "user", "aud": "docstore", "iss": self.infra.issuer}
        headers = {"authorization": f"Bearer {signed(claims | {'iat': now, 'exp': now + 60})}"}
        return await LocalTransport(self.infra.media_url).send("GET", path, headers, b"")

    async def internal(self, method: str, path: str, body: Any = None) -> Any:
        return await ServiceCaller("media", self.infra).call(method, path, body)

    async def until_published(self, file_id: str, *kinds: str) -> list[dict[str, Any]]:
        """Wait until media has published just these about a file; return their data."""

        async def published() -> list[tuple[str, dict[str, Any]]]:
            rows = await self.database["outbox"].find({"key": file_id}).sort("_id", 1).to_list(None)
            return [(dict(row["headers"])["ce_type"].decode(), orjson.loads(row["value"])) for row in rows]

        async def probe() -> bool:
            return [kind for kind, _ in await published()] == list(kinds)

        await eventually(probe)
        return [data for _, data in await published()]

    async def stored(self, owner: str) -> list[str]:
        """The keys of an account's pictures."""
        pages = await self.pictures.transport.call("list_objects_v2", all_pages=True, Prefix=f"previews/{owner}/")
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    async def until_stored(self, owner: str, count: int) -> list[str]:
        """Wait until so many pictures of an account are stored."""

        async def probe() -> bool:
            return len(await self.stored(owner)) == count

        await eventually(probe)
        return await self.stored(owner)
