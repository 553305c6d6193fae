"""The service on real servers, a publisher of events, and people who search."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
from fake_accounts import signed
from fastapi import FastAPI, Request
from fastapi.responses import Response
from service_calls import ServiceCaller
from shown_files import shown_file

from docstore_contents.s3.store import ObjectStore
from docstore_events.catalogue.accounts import AccountCreated, AccountPlanChanged, Plan
from docstore_events.catalogue.event import Event
from docstore_events.catalogue.files import (
    FileAccessChanged,
    FileCreated,
    FileDeleted,
    FileModified,
    FileMoved,
    FilePurged,
    FileRestored,
    FileState,
)
from docstore_events.runtime import EventRuntime
from docstore_events.transaction import Transaction
from docstore_indexer.app import create_app
from docstore_indexer.settings import IndexerSettings
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.service.client import HttpResponse, LocalTransport, register_local_app
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually


@dataclass
class Kept:
    """A file as the fake metadata has it."""

    state: FileState
    revision: int = 1
    trashed: bool = False


@dataclass
class FakeMetadata:
    """Files by id; it may be away."""

    files: dict[str, Kept] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    away: bool = False
    at_page: Any = None
    """Called before a page of files is answered."""

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/internal/files/lookup")
        async def lookup(request: Request) -> Response:
            body = orjson.loads(await request.body())
            self.calls.append("lookup")
            found = [self.files[key] for key in body["ids"] if key in self.files]
            seen = [kept.state for kept in found if self._may_read(body["account_id"], kept)]
            return Response(orjson.dumps({"files": [_public(state) for state in seen]}))

        @app.get("/internal/files")
        async def page(after: str, limit: int, owner_id: str | None = None) -> Response:
            self.calls.append("page")
            if self.away:
                return Response("{}", 503)
            if self.at_page is not None:
                await self.at_page(after)
            owned = (key for key, kept in self.files.items() if owner_id in (None, kept.state.owner_id))
            keys = sorted(key for key in owned if key > after)[:limit]
            items = [
                {
                    "file": self.files[key].state.model_dump(mode="json"),
                    "revision": self.files[key].revision,
                    "path": "/",
                    "trashed": self.files[key].trashed,
                }
                for key in keys
            ]
            return Response(orjson.dumps({"items": items, "next_after": keys[-1] if keys else None}))

        return app

    @staticmethod
    def _may_read(account_id: str, kept: Kept) -> bool:
        return not kept.trashed and account_id in (kept.state.owner_id, *kept.state.readers)


def _public(state: FileState) -> dict[str, Any]:
    sent_events = state.model_dump(mode="json", include={"name", "version", "tags", "owner_id", "kind"})
    return shown_file(id=state.file_id, path=f"/{state.name}", **sent_events)


@dataclass
class World:
    """The service, and those whose part the test plays: metadata, accounts, people who search."""

    infra: InfraSettings
    mongo: Mongo
    objects: ObjectStore
    folder: Path
    engine: dict[str, Any] = field(default_factory=dict)
    """Settings of the search engine."""
    metadata: FakeMetadata = field(default_factory=FakeMetadata)
    app: FastAPI | None = None

    @property
    def database(self) -> Database:
        return self.mongo.database(f"{self.infra.database_prefix}indexer")

    def _publisher(self) -> EventRuntime:
        database = self.mongo.database(f"{self.infra.database_prefix}publisher")
        return EventRuntime("metadata", self.infra, self.mongo, database)

    @asynccontextmanager
    async def running(self, **settings: Any) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._publisher().running())
            await stack.enter_async_context(self.indexer(**settings))
            yield

    @asynccontextmanager
    async def indexer(self, **settings: Any) -> AsyncIterator[FastAPI]:
        """An instance of the service, without a publisher of events."""
        usual: dict[str, Any] = {
            "infra": self.infra,
            "folder": self.folder,
            "poll_interval_seconds": 0.2,
            **self.engine,
        }
        app = create_app(IndexerSettings(**{**usual, **settings}))
        async with app.router.lifespan_context(app):
            register_local_app(self.infra.indexer_url, app)
            await self.rebuilt()
            yield app

    async def publish(self, *events: Event) -> list[str]:
        async def work(transaction: Transaction) -> list[str]:
            return [transaction.publish(event) for event in events]

        return await self._publisher().transactor.run(work)

    async def person(self, plan: Plan = "free") -> str:
        account_id = new_id()
        await self.publish(AccountCreated(**_account(account_id, plan, 1)))

        async def known() -> Any:
            return await self.database["accounts"].find_one({"_id": account_id})

        await eventually(known)
        return account_id

    async def change_plan(self, account_id: str, plan: Plan, revision: int) -> str:
        event = AccountPlanChanged(**_account(account_id, plan, revision), previous_plan="free")
        return (await self.publish(event))[0]

    def file(self, owner: str, name: str, content: bytes, **extra: Any) -> FileState:
        now = utc_now()
        return FileState(
            **{
                "file_id": new_id(),
                "owner_id": owner,
                "parent_id": owner,
                "ancestors": (owner,),
                "kind": "file",
                "name": name,
                "size": len(content),
                "content_type": "application/octet-stream",
                "sha256": "0" * 64,
                "version": 1,
                "created_at": now,
                "modified_at": now,
                "modified_by": owner,
                "object_key": f"accounts/{owner}/uploads/{new_id()}/content",
                **extra,
            }
        )

    async def add(self, owner: str, name: str, content: bytes, *, is_published: bool = True, **extra: Any) -> FileState:
        """A new file: its bytes stored, known to metadata, and published."""
        state = self.file(owner, name, content, **extra)
        if content:
            await self.objects.put(state.object_key, content)
        self.metadata.files[state.file_id] = Kept(state)
        if is_published:
            await self.publish(FileCreated(revision=1, **_about(state)))
        return state

    def keep(self, file_id: str, *, trashed: bool = False, **changes: Any) -> Kept:
        """A change of a file in metadata, not published yet."""
        kept = self.metadata.files[file_id]
        kept.revision += 1
        kept.state = kept.state.model_copy(update=changes)
        kept.trashed = trashed
        return kept

    async def modify(self, file_id: str, content: bytes) -> list[str]:
        state = self.metadata.files[file_id].state
        key = f"accounts/{state.owner_id}/uploads/{new_id()}/content"
        await self.objects.put(key, content)
        kept = self.keep(file_id, version=state.version + 1, object_key=key, size=len(content))
        return await self.publish(FileModified(revision=kept.revision, **_about(kept.state), added_bytes=len(content)))

    async def rename(self, file_id: str, name: str) -> None:
        kept = self.keep(file_id, name=name)
        await self.publish(FileMoved(revision=kept.revision, **_about(kept.state), previous_path="/old"))

    async def share(self, file_id: str, *readers: str) -> None:
        kept = self.keep(file_id, readers=readers)
        await self.publish(FileAccessChanged(revision=kept.revision, **_about(kept.state)))

    async def delete(self, file_id: str) -> None:
        kept = self.keep(file_id, trashed=True)
        await self.publish(FileDeleted(revision=kept.revision, **_about(kept.state)))

    async def restore(self, file_id: str) -> None:
        kept = self.keep(file_id)
        await self.publish(FileRestored(revision=kept.revision, **_about(kept.state)))

    async def purge(self, file_id: str) -> None:
        kept = self.metadata.files.pop(file_id)
        await self.publish(FilePurged(revision=kept.revision + 1, **_about(kept.state), freed_bytes=1))

    async def call(self, method: str, path: str, *, bearer: str, body: Any = None) -> HttpResponse:
        headers = {"content-type": "application/json", "authorization": f"Bearer {bearer}"}
        payload = b"" if body is None else orjson.dumps(body)
        return await LocalTransport(self.infra.indexer_url).send(method, path, headers, payload)

    def token(self, account_id: str, role: str = "user") -> str:
        now = int(time.time())
        claims = {"sub": account_id, "sid": "s", "role": role, "aud": "docstore", "iss": self.infra.issuer}
        return signed(claims | {"iat": now, "exp": now + 60})

    async def internal(self, method: str, path: str, body: Any = None) -> Any:
        return await ServiceCaller("indexer", self.infra).call(method, path, body)

    async def search(self, account_id: str, q: str = "", *, scope: str = "name", **filters: Any) -> Any:
        query = urlencode({"q": q, "in": scope, **filters}, doseq=True)
        answer = await self.call("GET", f"/v1/search?{query}", bearer=self.token(account_id))
        assert answer.status == 200, answer.body
        return answer.json()

    async def refused(self, account_id: str, query: str) -> tuple[int, str]:
        answer = await self.call("GET", f"/v1/search?{query}", bearer=self.token(account_id))
        assert answer.headers["content-type"] == "application/problem+json", answer.body
        return answer.status, answer.json()["code"]

    async def names(self, account_id: str, q: str = "", **filters: Any) -> list[str]:
        return sorted(item["file"]["name"] for item in (await self.search(account_id, q, **filters))["items"])

    async def finds(self, account_id: str, q: str, *names: str, **filters: Any) -> Any:
        """Wait until a search finds just these names; the last answer's items."""

        async def probe() -> bool:
            return await self.names(account_id, q, **filters) == sorted(names)

        await eventually(probe)
        return (await self.search(account_id, q, **filters))["items"]

    async def published(self, file_id: str) -> list[tuple[str, dict[str, Any]]]:
        """(type, data) of what the indexer has put into its outbox about a file, in order."""
        rows = await self.database["outbox"].find({"key": file_id}).sort("_id", 1).to_list(None)
        return [(dict(row["headers"])["ce_type"].decode(), orjson.loads(row["value"])) for row in rows]

    async def until_published(self, file_id: str, *kinds: str) -> list[dict[str, Any]]:
        """Wait until the indexer has published just these about a file."""

        async def probe() -> bool:
            return [kind for kind, _ in await self.published(file_id)] == list(kinds)

        await eventually(probe)
        return [data for _, data in await self.published(file_id)]

    async def settled(self) -> None:
        """Wait until nothing is pending."""

        async def probe() -> bool:
            return await self.database["documents"].find_one({"state": "pending"}) is None

        await eventually(probe)

    async def rebuilt(self) -> dict[str, Any]:
        """Wait until no rebuild is under way; how the last one ended."""

        async def probe() -> Any:
            status = await self.internal("GET", "/internal/rebuild")
            return status if status["state"] in ("done", "none") else None

        return dict(await eventually(probe))


def _about(state: FileState) -> dict[str, Any]:
    return {"file": state, "path": f"/{state.name}", "actor_id": state.owner_id}


def _account(account_id: str, plan: Plan, revision: int) -> dict[str, Any]:
    return {
        "revision": revision,
        "account_id": account_id,
        "email": "anna@example.org",
        "display_name": "Anna",
        "plan": plan,
        "role": "user",
        "status": "active",
        "home_region": "here",
        "created_at": utc_now(),
    }


def on_opensearch(url: str) -> dict[str, Any]:
    """Indexes of this test's own in the cluster at `url`."""
    names = {"opensearch_url": url, "opensearch_index": f"t{new_id()}"}
    return {"engine": "opensearch", "opensearch_replicas": 0, **names}
