"""The service on real servers, a publisher of events, and people who follow files."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from fake_accounts import signed
from fastapi import FastAPI
from receivers import Machines, MoodySes
from service_calls import ServiceCaller

from docstore_events.catalogue.accounts import AccountCreated, Language
from docstore_events.catalogue.event import Event
from docstore_events.catalogue.files import FileState
from docstore_events.catalogue.uploads import UploadCompleted
from docstore_events.runtime import EventRuntime
from docstore_events.transaction import Transaction
from docstore_notify.app import create_app
from docstore_notify.settings import NotifySettings
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.service.client import HttpResponse, LocalTransport, register_local_app
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually


def fake_metadata(readable: set[tuple[str, str]]) -> FastAPI:
    """Answers with the files that the tests let an account read."""
    app = FastAPI()

    @app.post("/internal/files/lookup")
    async def lookup(body: dict[str, Any]) -> dict[str, Any]:
        return {"files": [{"id": one} for one in body["ids"] if (body["account_id"], one) in readable]}

    @app.post("/internal/access")
    async def access(body: dict[str, Any]) -> dict[str, Any]:
        requested = [(item["account_id"], item["file_id"]) for item in body["items"]]
        return {"permissions": ["viewer" if one in readable else None for one in requested]}

    return app


@dataclass
class Person:
    """Someone with an account, at the service's public routes."""

    notify: "Notify"
    id: str = field(default_factory=new_id)

    @property
    def email(self) -> str:
        return f"{self.id}@example.org"

    def signed_up(self, revision: int = 1, language: Language | None = None) -> AccountCreated:
        return AccountCreated(
            revision=revision,
            account_id=self.id,
            email=self.email,
            display_name="Anna",
            plan="free",
            role="user",
            status="active",
            home_region="here",
            created_at=utc_now(),
            language=language,
        )

    def uploaded(self, name: str = "plan.pdf") -> UploadCompleted:
        return UploadCompleted(
            revision=2,
            upload_id=new_id(),
            account_id=self.id,
            path=f"/docs/{name}",
            size=1536,
            method="put",
            file_id=new_id(),
            version=1,
            sha256="0" * 64,
        )

    def file(self, *, ancestors: tuple[str, ...] = (), readers: tuple[str, ...] = ()) -> dict[str, Any]:
        """What events of a new file of this person's have in common."""
        now = utc_now()
        state = FileState(
            file_id=new_id(),
            owner_id=self.id,
            parent_id=ancestors[-1] if ancestors else self.id,
            ancestors=(self.id, *ancestors),
            kind="file",
            name="plan.pdf",
            size=5,
            content_type="text/plain",
            sha256="0" * 64,
            version=1,
            created_at=now,
            modified_at=now,
            modified_by=self.id,
            readers=readers,
        )
        return {"revision": 1, "file": state, "path": "/docs/plan.pdf", "actor_id": self.id}

    async def send(
        self, method: str, path: str, body: Any = None, *, login: bool = True, idempotency_key: str = ""
    ) -> HttpResponse:
        now = int(time.time())
        claims = {"sub": self.id, "sid": "s", "aud": "docstore", "iss": self.notify.infra.issuer, "iat": now}
        token = signed(claims | {"exp": now + 60})
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if login else {})
        headers |= {"idempotency-key": idempotency_key} if idempotency_key else {}
        payload = orjson.dumps(body) if body is not None else b""
        return await LocalTransport(self.notify.url).send(method, path, headers, payload)

    async def get(self, path: str) -> Any:
        answer = await self.send("GET", path)
        assert answer.status == 200, answer.body
        return answer.json()

    async def hook(self, file_id: str, name: str = "one", **more: Any) -> Any:
        """Follow by a webhook to the machine of that name."""
        return await self.follow(file_id, channel="webhook", target={"url": f"https://{name}.example/"}, **more)

    async def follow(self, file_id: str, **more: Any) -> Any:
        self.notify.readable.add((self.id, file_id))
        answer = await self.send("POST", "/v1/subscriptions", {"file_id": file_id, "channel": "email", **more})
        assert answer.status in (200, 201), answer.body
        return answer.json()


@dataclass
class Notify:
    """The service, a publisher of events, and an SES that may fail."""

    infra: InfraSettings
    mongo: Mongo
    url: str
    ses: MoodySes
    readable: set[tuple[str, str]] = field(default_factory=set)
    machines: Machines = field(default_factory=Machines)
    logged_out: set[str] = field(default_factory=set)
    """Accounts whose sessions have ended."""

    @property
    def database(self) -> Database:
        return self.mongo.database(f"{self.infra.database_prefix}notify")

    def publisher(self) -> EventRuntime:
        database = self.mongo.database(f"{self.infra.database_prefix}publisher")
        return EventRuntime("publisher", self.infra, self.mongo, database)

    def person(self) -> Person:
        return Person(self)

    def settings(self, **settings: Any) -> NotifySettings:
        return NotifySettings.model_validate({"infra": self.infra, "ses_endpoint": self.ses.url, **settings})

    @asynccontextmanager
    async def running(self, instances: int = 1, **settings: Any) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.publisher().running())
            for _ in range(instances):
                app = create_app(self.settings(**settings), replaced_channels={"webhook": self.machines})
                register_local_app(self.url, app)
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    async def publish(self, *events: Event) -> list[str]:
        async def work(transaction: Transaction) -> list[str]:
            return [transaction.publish(event) for event in events]

        return await self.publisher().transactor.run(work)

    async def internal(self, method: str, path: str, body: Any = None) -> Any:
        headers = {
            "content-type": "application/json",
            "authorization": ServiceCaller("notify", self.infra, self.url).authorization(method, path),
        }
        answer = await LocalTransport(self.url).send(method, path, headers, orjson.dumps(body) if body else b"")
        assert answer.status == 200, answer.body
        return answer.json()

    async def published(self, channel: str = "email") -> list[tuple[str, dict[str, Any]]]:
        """(type, data) of what notify has published about one channel."""
        rows = await self.database["outbox"].find().sort("_id", 1).to_list(None)
        sent_events = [(dict(row["headers"])["ce_type"].decode(), orjson.loads(row["value"])) for row in rows]
        return [(kind, data) for kind, data in sent_events if data["channel"] == channel]

    async def until_notified(self, *event_ids: str, channel: str = "email") -> list[dict[str, Any]]:
        """What was sent by a channel, once it contains all the events; each exactly once."""

        async def probe() -> list[dict[str, Any]] | None:
            sent = [data for kind, data in await self.published(channel) if kind == "notification-sent"]
            notified = [event_id for data in sent for event_id in data["cause_ids"]]
            assert len(notified) == len(set(notified))
            return sent if set(event_ids) <= set(notified) else None

        return await eventually(probe)
