"""The service on real servers, fakes of the services that it calls, and people who use it."""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol
from urllib.parse import quote

import orjson
from fake_accounts import signed
from fastapi import FastAPI, Request
from fastapi.responses import Response
from service_calls import ServiceCaller

from docstore_contents.s3.store import ObjectStore
from docstore_events.catalogue.accounts import AccountCreated
from docstore_events.catalogue.event import Event
from docstore_events.consuming.inbox import Inbox
from docstore_events.testing import InMemoryEvents
from docstore_events.transaction import Transactor
from docstore_metadata.sharing.pending import PendingShares
from docstore_metadata.storage import Store
from docstore_metadata.subscribers import MetadataSubscribers
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.projection_repository import MongoProjection
from docstore_platform.clock import rfc3339, utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import MAJORITY_READS, Database, Mongo
from docstore_platform.service.client import HttpResponse, LocalTransport
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually


@dataclass
class FakeQuota:
    """Keeps reservations, up to `room` bytes."""

    room: int = 1 << 40
    reserved: dict[str, int] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)
    """Accounts that were charged."""
    released: set[str] = field(default_factory=set)

    async def call(self, path: str, body: Any) -> Any:
        if path.endswith("/release"):
            self.released.update(body["upload_ids"])
            return {}
        results = []
        self.accounts.add(body["account_id"])
        for item in body["items"]:
            fits = sum(self.reserved.values()) + item["size"] <= self.room
            if fits:
                self.reserved[item["upload_id"]] = item["size"]
            results.append({"upload_id": item["upload_id"], "accepted": fits})
        return {"results": results, "usage": {}}


@dataclass
class FakeUploads:
    """Accepts every release, and archives what is reported as unused as soon as a test asks for it."""

    unused: dict[str, int] = field(default_factory=dict)
    """Last turn of each content that was reported."""
    archived: set[str] = field(default_factory=set)
    steps: int = 1
    """How many calls a retrieval takes."""
    asked: list[str] = field(default_factory=list)
    """Contents that were asked about, in order."""
    down: bool = False

    async def call(self, path: str, body: Any) -> Any:
        if self.down:
            raise RuntimeError("upload is down")
        match path.removeprefix("/internal/contents/"):
            case "release":
                return None
            case "unused":
                self.unused |= {item["key"]: item["turn"] for item in body["items"]}
                return None
            case "use":
                self.asked += body["keys"]
                return {"archived": [key for key in body["keys"] if key in self.archived]}
            case "retrieve":
                self.steps -= 1
                if self.steps <= 0:
                    self.archived -= set(body["keys"])
                waiting = [key for key in body["keys"] if key in self.archived]
                return {"waiting": waiting, "progressed": True}
        raise AssertionError(path)


@dataclass
class FakeMedia:
    """Has a preview of every file, unless it is down."""

    calls: list[Any] = field(default_factory=list)
    down: bool = False

    async def call(self, path: str, body: Any) -> Any:
        if self.down:
            raise RuntimeError("media is down")
        self.calls.append(body)
        signed_url = "https://pictures.example/{}.{}?signature=1&more=2"
        if path == "/internal/pictures":
            return {"url": signed_url.format(body["file"]["file_id"], f"{body['watermark']}.{body['page']}")}
        assert path == "/internal/previews"
        return {"urls": [signed_url.format(item["file_id"], body["size"]) for item in body["items"]]}


class Fake(Protocol):
    async def call(self, path: str, body: Any) -> Any: ...


def fake_app(fake: Fake) -> FastAPI:
    """An ASGI app that hands every call to `fake.call`."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def answer(request: Request, path: str) -> Response:
        body = await request.body()
        return Response(orjson.dumps(await fake.call(f"/{path}", orjson.loads(body) if body else None)))

    return app


@dataclass
class Person:
    """A signed-in person at the service's public routes."""

    app_url: str
    issuer: str
    account_id: str
    device: str = "laptop"

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        now = int(time.time())
        claims: dict[str, Any] = {
            "sub": self.account_id,
            "sid": "s1",
            "device": self.device,
            "role": "user",
            "aud": "docstore",
        }
        claims |= {"iss": self.issuer, "iat": now, "exp": now + 600}
        token = signed(claims)
        sent = {"content-type": "application/json", "authorization": f"Bearer {token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        payload = b"" if body is None else orjson.dumps(body)
        return await LocalTransport(self.app_url).send(method, path, sent, payload)

    async def ok(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = await self.send(method, path, body, **headers)
        assert answer.status < 300, answer.body
        return answer.json() if answer.body else None

    async def refused(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        answer = await self.send(method, path, body, **headers)
        assert answer.headers["content-type"] == "application/problem+json", answer.body
        return answer.status, answer.json()["code"]

    async def get(self, file: Any) -> Any:
        return await self.ok("GET", f"/v1/files/{file['id']}")

    async def at(self, path: str) -> Any:
        return await self.ok("GET", f"/v1/files/by-path?path={quote(path)}")

    async def names(self, query: str = "") -> list[str]:
        return [item["name"] for item in (await self.ok("GET", f"/v1/files?{query}"))["items"]]

    async def folder(self, path: str) -> Any:
        return await self.ok("POST", "/v1/folders", {"path": path})


@dataclass
class Stack:
    """The service with its servers, and two people."""

    infra: InfraSettings
    quota: FakeQuota
    objects: ObjectStore
    mongo: Mongo
    database: Database
    run: Callable[..., AbstractAsyncContextManager[FastAPI]]
    person: Person
    other: Person
    internal: ServiceCaller
    media: FakeMedia
    uploads: FakeUploads

    def item(self, path: str | None = None, content: bytes = b"hello", **extra: Any) -> dict[str, Any]:
        """One item of a commit."""
        upload_id = extra.pop("upload_id", None) or new_id()
        return {
            "upload_id": upload_id,
            "account_id": self.person.account_id,
            "device": "laptop",
            "path": path,
            "file_id": None,
            "size": len(content),
            "content_type": "text/plain",
            "sha256": "ab" * 32,
            "object_key": f"accounts/{self.person.account_id}/uploads/{upload_id}/content",
            "base_version": None,
            "on_conflict": "copy",
            "tags": [],
            "uploaded_at": rfc3339(utc_now()),
            **extra,
        }

    def for_next_test(self) -> "Stack":
        """The same instance with new people, and with fakes as new as at the start."""
        for fake in (self.quota, self.media, self.uploads):
            vars(fake).clear()
            vars(fake).update(vars(type(fake)()))
        return replace(self, person=self.new_person(), other=self.new_person())

    async def commit(self, *items: dict[str, Any]) -> list[Any]:
        return list((await self.internal.call("POST", "/internal/commits", {"items": list(items)}))["results"])

    async def put(self, path: str | None = None, content: bytes = b"hello", **extra: Any) -> Any:
        """Commit one upload; returns the file."""
        result = (await self.commit(self.item(path, content, **extra)))[0]
        assert "file" in result, result
        return result["file"]

    async def store_object(self, item: dict[str, Any], content: bytes) -> None:
        await self.objects.put(item["object_key"], content)

    def new_person(self) -> Person:
        """A new person without any access."""
        return replace(self.person, account_id=new_id())

    async def register(
        self, person: Person, email: str, revision: int = 1, name: str = "Somebody", *, verified: bool = True
    ) -> None:
        """Create an account with this address, by its event."""
        state = self.account(person, email, name) | {"email_verified": verified}
        await self.handle(AccountCreated(revision=revision, status="active", **state))

    def account(self, person: Person, email: str, name: str = "Somebody") -> dict[str, Any]:
        """Fields of account events, except for the status."""
        return {
            "account_id": person.account_id,
            "email": email,
            "display_name": name,
            "plan": "free",
            "role": "user",
            "home_region": self.infra.region,
            "email_verified": True,
            "created_at": utc_now(),
        }

    async def handle(self, *events: Event) -> None:
        """Handle these events in one batch, as if they came from the broker."""
        store = Store.in_mongo(self.database, lease_seconds=30)
        pending = PendingShares(store, Tree(store.nodes))
        subscribers = MetadataSubscribers(partial(MongoProjection, self.database["nodes"]), pending, store.jobs)
        transactor = Transactor(self.mongo, self.database, "metadata", self.infra.topic_prefix)
        await InMemoryEvents(subscribers, transactor, Inbox(self.database)).deliver(*events)

    async def jobs_done(self) -> None:
        """Wait until no job is left, and its journal entries can be read."""
        jobs = self.database["jobs"].with_options(read_concern=MAJORITY_READS)

        async def none_left() -> bool:
            return await jobs.count_documents({}) == 0

        await eventually(none_left)

    async def events(self, file_id: str) -> list[str]:
        """Types of a file's events, in order; asserts that their sequence has no gap."""
        rows = await self.database["outbox"].find({"key": file_id}).sort("sequence", 1).to_list(None)
        assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
        return [dict(row["headers"])["ce_type"].decode() for row in rows]

    async def event(self, file_id: str, event_type: str) -> Any:
        """A file's latest event of a type."""
        rows = await self.database["outbox"].find({"key": file_id}).sort("sequence", -1).to_list(None)
        return next(
            orjson.loads(row["value"]) for row in rows if dict(row["headers"])["ce_type"].decode() == event_type
        )
