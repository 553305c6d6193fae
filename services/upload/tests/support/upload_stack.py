"""The service on real servers, fakes of the services that it calls, and people who upload."""

import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import aiohttp
import orjson
from fake_accounts import signed
from fake_services import FakeMetadata, FakeQuota, FakeReactor, FakeServices
from fastapi import FastAPI, Request
from fastapi.responses import Response
from yarl import URL

from docstore_contents.s3.store import ObjectStore
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Database
from docstore_platform.service.client import HttpResponse, LocalTransport
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually

FAST: dict[str, float] = {
    "poll_interval_seconds": 0.05,
    "settle_first_delay_seconds": 0.2,
    "commit_retry_delay_seconds": 0.3,
    "lease_seconds": 3,
}
# The service looks for what was sent: in tests that are not about this it would race with the client's own `complete`.
LOOKS = {"check_first_delay_seconds": 0.2, "check_longest_delay_seconds": 0.4}


def fake_app(fake: FakeMetadata | FakeQuota | FakeReactor) -> FastAPI:
    """An ASGI app that hands every call to `fake.call`."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def answer(request: Request, path: str) -> Response:
        body = await request.body()
        try:
            answer = await fake.call(request.method, f"/{path}", orjson.loads(body) if body else None)
        except DomainError as error:
            return problem_of(error).response()
        return Response(orjson.dumps(answer), media_type="application/json")

    return app


@dataclass
class Client:
    """A signed-in person at the service's public routes."""

    app_url: str
    issuer: str
    account_id: str

    async def send(self, method: str, path: str, body: Any = None, *, login: bool = True) -> HttpResponse:
        now = int(time.time())
        claims = {"sub": self.account_id, "sid": "s1", "device": "laptop", "role": "user", "aud": "docstore"}
        claims |= {"iss": self.issuer, "iat": now, "exp": now + 600}
        token = signed(claims)
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if login else {})
        payload = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        return await LocalTransport(self.app_url).send(method, path, headers, payload)

    async def ok(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.send(method, path, body)
        assert answer.status < 300, answer.body
        return answer.json() if answer.body else None

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        answer = await self.send(method, path, body)
        assert answer.headers["content-type"] == "application/problem+json", answer.body
        return answer.status, answer.json()["code"]

    async def initiate(self, method: str, content: bytes, **extra: Any) -> Any:
        body = {"path": f"/docs/{new_id()}.txt", "size": len(content), "method": method}
        return await self.ok("POST", "/v1/uploads", body | extra)


class RunService(Protocol):
    """Starts one instance of the service; `looks`: it looks for objects that no client has completed."""

    def __call__(self, *, looks: bool = False, **settings: float) -> AbstractAsyncContextManager[None]: ...


@dataclass
class Stack:
    """Servers, fakes, and two people."""

    infra: InfraSettings
    services: FakeServices
    store: ObjectStore
    database: Database
    http: aiohttp.ClientSession
    run: RunService
    person: Client
    outsider: Client

    def for_next_test(self) -> "Stack":
        """The same instance with new people, and with fakes as new as at the start."""
        self.services.start_anew()
        person, outsider = (replace(self.person, account_id=new_id()) for _ in range(2))
        return replace(self, person=person, outsider=outsider)

    async def put(self, instructions: Any, content: bytes) -> int:
        """PUT with a signed URL and its headers; the status."""
        url = URL(instructions["url"], encoded=True)
        async with self.http.put(url, data=content, headers=instructions.get("headers", {})) as answer:
            return answer.status

    async def post(self, form: Any, content: bytes, **tampered: str) -> tuple[int, str | None]:
        """POST a form as a browser does; the status and where it leads."""
        fields = aiohttp.FormData()
        for name, value in (form["fields"] | tampered).items():
            fields.add_field(name, value)
        fields.add_field("file", content, filename="a.txt", content_type="text/plain")
        async with self.http.post(form["url"], data=fields, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location")

    @property
    def persons(self) -> dict[str, Any]:
        """A query for what belongs to the person, in any collection."""
        account = self.person.account_id
        return {"$or": [{"account_id": account}, {"_id": {"$regex": rf"^(accounts/)?{account}[./]"}}]}

    async def published(self, upload_id: str) -> list[Any]:
        """Rows of the events about an upload or a pack, in order, once it is finished: clients don't wait for that."""
        committing = {"_id": upload_id, "state": "committing"}

        async def is_finished() -> bool:
            found = [await self.database[name].find_one(committing) for name in ("uploads", "packs")]
            return found == [None, None]

        await eventually(is_finished)
        rows = await self.database["outbox"].find({"key": upload_id}).sort("sequence", 1).to_list(None)
        assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
        return rows

    async def events(self, upload_id: str) -> list[Any]:
        """Types of the events published about an upload, in order."""
        return [dict(row["headers"])["ce_type"].decode() for row in await self.published(upload_id)]

    def transport(self) -> LocalTransport:
        return LocalTransport(self.person.app_url)

    async def committed_key(self, upload_id: str) -> str:
        """The object that the version of a completed upload names."""
        return str(self.services.metadata.committed[upload_id]["item"]["object_key"])

    def key(self, upload_id: str) -> str:
        return f"accounts/{self.person.account_id}/uploads/{upload_id}/content"
