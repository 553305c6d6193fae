"""Analytics' real app on the real servers, a publisher of events, and an administrator's calls."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from analytics_events import SETTINGS
from fake_accounts import signed

from docstore_analytics.app import create_app
from docstore_analytics.settings import AnalyticsSettings
from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_events.catalogue.event import Event
from docstore_events.runtime import EventRuntime
from docstore_events.transaction import Transaction
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.service.client import HttpResponse, LocalTransport, register_local_app
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually


@dataclass
class Analytics:
    infra: InfraSettings
    mongo: Mongo
    url: str
    published: list[str] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.mongo.database(f"{self.infra.database_prefix}analytics")

    @property
    def store(self) -> ObjectStore:
        return ObjectStore(S3Config.of(self.infra))

    def publisher(self) -> EventRuntime:
        database = self.mongo.database(f"{self.infra.database_prefix}publisher")
        return EventRuntime("publisher", self.infra, self.mongo, database)

    @asynccontextmanager
    async def running(self, **settings: Any) -> AsyncIterator[None]:
        """The service, and a relay of the events that the tests publish. Nothing is sealed unless set by `settings`."""
        app = create_app(AnalyticsSettings(infra=self.infra, **{**SETTINGS, **settings}))
        register_local_app(self.url, app)
        async with self.publisher().running(), app.router.lifespan_context(app):
            yield

    async def publish(self, *events: Event) -> list[str]:
        """Publish events; their ids."""

        async def work(transaction: Transaction) -> list[str]:
            return [transaction.publish(event) for event in events]

        ids = await self.publisher().transactor.run(work)
        self.published += ids
        return ids

    async def publish_and_wait(self, *events: Event) -> list[str]:
        """The same; returns once analytics has handled them."""
        ids = await self.publish(*events)
        await self.handled(ids)
        return ids

    async def handled(self, ids: list[str]) -> None:
        async def has_all() -> bool:
            return bool(await self.database["inbox"].count_documents({"_id": {"$in": ids}}) == len(ids))

        await eventually(has_all)

    async def get(self, path: str, role: str = "admin", account_id: str = "root") -> HttpResponse:
        headers = {"authorization": f"Bearer {self.token(role, account_id)}"}
        return await LocalTransport(self.url).send("GET", path, headers, b"")

    async def ok(self, path: str) -> Any:
        answer = await self.get(path)
        assert answer.status == 200, answer.body
        return answer.json()

    async def verified(self) -> dict[str, Any]:
        """What verifying the whole audit log finds, page after page."""
        after, checked = 0, 0
        while True:
            page = await self.ok(f"/v1/admin/audit/verify?after={after}&limit=7")
            checked += page["checked"]
            if page["broken"] or page["next_after"] is None:
                return {**page, "checked": checked}
            after = page["next_after"]

    def token(self, role: str, account_id: str = "root") -> str:
        now = int(time.time())
        claims = {"sub": account_id, "sid": "s", "role": role, "aud": "docstore", "iss": self.infra.issuer}
        return signed(claims | {"iat": now, "exp": now + 60})
