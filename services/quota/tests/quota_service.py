"""Instances of the service on real servers, a publisher of events, and callers."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from fake_accounts import fake_accounts, signed
from fastapi import FastAPI
from service_calls import ServiceCaller

from docstore_events.catalogue.event import Event
from docstore_events.catalogue.files import FileCreated, FileState
from docstore_events.runtime import EventRuntime
from docstore_events.transaction import Transaction
from docstore_platform.clock import utc_now
from docstore_platform.errors import not_found
from docstore_platform.http.problems import problem_of
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.service.client import HttpResponse, LocalTransport, register_local_app
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually
from docstore_quota.app import create_app
from docstore_quota.settings import QuotaSettings


def fake_known_accounts(accounts: dict[str, dict[str, Any]]) -> FastAPI:
    """Knows the accounts that the tests define, too."""
    app = fake_accounts()

    @app.get("/internal/accounts/{account_id}")
    async def account(account_id: str) -> Any:
        if account_id not in accounts:
            return problem_of(not_found("account")).response()
        return accounts[account_id]

    return app


def fake_metadata(stored: dict[str, dict[str, int]]) -> FastAPI:
    """Answers with the storage that the tests define."""
    app = FastAPI()

    @app.get("/internal/accounts/{account_id}/storage")
    async def storage(account_id: str) -> dict[str, int]:
        return stored.get(account_id, {"bytes": 0, "documents": 0})

    return app


def file_created(account_id: str, size: int, upload_id: str | None = None) -> FileCreated:
    """A new file of an account, as metadata publishes it."""
    now = utc_now()
    file = FileState(
        file_id=new_id(),
        owner_id=account_id,
        parent_id=account_id,
        kind="file",
        name="a.txt",
        size=size,
        content_type="text/plain",
        sha256="0" * 64,
        version=1,
        created_at=now,
        modified_at=now,
        modified_by=account_id,
    )
    return FileCreated(revision=1, file=file, path="/a.txt", actor_id=account_id, upload_id=upload_id)


@dataclass
class Quota:
    """Several instances of the service, a publisher of events, and a caller."""

    infra: InfraSettings
    mongo: Mongo
    url: str
    stored: dict[str, dict[str, int]] = field(default_factory=dict)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.mongo.database(f"{self.infra.database_prefix}quota")

    def publisher(self) -> EventRuntime:
        return EventRuntime(
            "publisher", self.infra, self.mongo, self.mongo.database(f"{self.infra.database_prefix}publisher")
        )

    @asynccontextmanager
    async def running(self, instances: int = 1, *, grouped: bool = False, **settings: Any) -> AsyncIterator[None]:
        """`instances` apps, reached under `url`, `url`-1, ... and a relay for the tests' events.

        `grouped`: they share the events in a consumer group, which takes seconds to join.
        """
        infra = self.infra.model_copy(update={"single_instance": not grouped})
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.publisher().running())
            for number in range(instances):
                app = create_app(QuotaSettings(infra=infra, **settings))
                register_local_app(self.url + (f"-{number}" if number else ""), app)
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    async def publish(self, *events: Event) -> list[str]:
        async def work(transaction: Transaction) -> list[str]:
            return [transaction.publish(event) for event in events]

        return await self.publisher().transactor.run(work)

    async def send(
        self, method: str, path: str, body: Any = None, *, instance: int = 0, bearer: str = ""
    ) -> HttpResponse:
        url = self.url + (f"-{instance}" if instance else "")
        headers = {"content-type": "application/json", "authorization": f"Bearer {bearer}"}
        if path.startswith("/internal/") and not bearer:
            headers["authorization"] = ServiceCaller("quota", self.infra, url).authorization(method, path)
        return await LocalTransport(url).send(method, path, headers, orjson.dumps(body) if body is not None else b"")

    async def ok(self, method: str, path: str, body: Any = None, *, instance: int = 0) -> Any:
        answer = await self.send(method, path, body, instance=instance)
        assert answer.status == 200, answer.body
        return answer.json()

    async def reserve(
        self, account_id: str, sizes: dict[str, int], *, seconds: float = 3600, instance: int = 0
    ) -> tuple[list[str], dict[str, Any]]:
        """Ids of the uploads that got their room, and the usage with them."""
        expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
        items = [{"upload_id": upload_id, "size": size} for upload_id, size in sizes.items()]
        body = {"account_id": account_id, "items": items, "expires_at": expires_at.isoformat()}
        answer = await self.ok("POST", "/internal/reservations", body, instance=instance)
        return [row["upload_id"] for row in answer["results"] if row["accepted"]], answer["usage"]

    async def usage(self, account_id: str) -> dict[str, Any]:
        usage: dict[str, Any] = await self.ok("GET", f"/internal/accounts/{account_id}/usage")
        return usage

    async def usage_becomes(self, account_id: str, **figures: Any) -> None:
        async def probe() -> bool:
            usage = await self.usage(account_id)
            return figures.items() <= usage.items()

        await eventually(probe)

    async def published(self, account_id: str) -> list[tuple[str, dict[str, Any]]]:
        """(type, data) of what quota has published about an account, in order."""
        rows = await self.database["outbox"].find({"key": account_id}).sort("sequence", 1).to_list(None)
        assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
        return [(dict(row["headers"])["ce_type"].decode(), orjson.loads(row["value"])) for row in rows]

    def token(self, role: str) -> str:
        now = int(time.time())
        claims = {"sub": "root", "sid": "s", "role": role, "aud": "docstore", "iss": self.infra.issuer}
        return signed(claims | {"iat": now, "exp": now + 60})
