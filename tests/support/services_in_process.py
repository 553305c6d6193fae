"""All services in this process, and a file that passes through all of them."""

import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from fastapi import FastAPI
from yarl import URL

from docstore_platform.service.client import LocalTransport, register_local_app
from docstore_platform.services import INTERNAL_SERVICES, SERVICE_NAMES, ServiceName
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually

CONTENT = b"A note about the harbour.\n"


class Gateway:
    """Calls of a client, straight into the gateway's app."""

    def __init__(self, url: str) -> None:
        self._transport = LocalTransport(url)
        self.token = ""

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        answer = await self._transport.send(method, path, headers, orjson.dumps(body) if body is not None else b"")
        return answer.status, answer.json() if answer.body else None


def _create_app(name: ServiceName, **settings: Any) -> FastAPI:
    kind = getattr(importlib.import_module(f"docstore_{name}.settings"), f"{name.capitalize()}Settings")
    app: FastAPI = importlib.import_module(f"docstore_{name}.app").create_app(kind(**settings))
    return app


@asynccontextmanager
async def running_services(
    infra: Mapping[ServiceName, InfraSettings], folder: Path, ses_endpoint: str
) -> AsyncIterator[Gateway]:
    """Each service runs with its own of these settings; their URLs are `local:` ones, the same in all."""
    own = {
        "indexer": {"folder": folder / "index"},
        "media": {"folder": folder / "media"},
        "notify": {"ses_endpoint": ses_endpoint},
    }
    apps = {name: _create_app(name, infra=infra[name], **own.get(name, {})) for name in SERVICE_NAMES}
    urls = {name: infra["gateway"].service_url(name) for name in INTERNAL_SERVICES}
    urls["gateway"] = urls["accounts"].replace("accounts", "gateway")
    async with AsyncExitStack() as stack:
        for name, app in apps.items():
            await stack.enter_async_context(app.router.lifespan_context(app))
            register_local_app(urls[name], app)
        yield Gateway(urls["gateway"])


async def carry_a_file(gateway: Gateway) -> None:
    """Sign up, upload, and return once the file is counted and found: every service has had its part in it."""

    async def ready() -> bool:
        status, _ = await gateway.call("GET", "/readyz")
        return status == 200

    await eventually(ready)
    person = {"email": "ada@example.org", "password": "correct horse battery"}
    status, account = await gateway.call("POST", "/v1/accounts", person)
    assert status == 201, account
    _, session = await gateway.call("POST", "/v1/sessions", person)
    gateway.token = session["access_token"]
    wanted = {"path": "/note.txt", "size": len(CONTENT), "method": "put"}

    async def begun() -> Any:
        status, upload = await gateway.call("POST", "/v1/uploads", wanted)
        return upload if status == 201 else None  # once metadata has handled the account's event

    upload = await eventually(begun)
    async with (
        aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as client,
        client.put(URL(upload["put"]["url"], encoded=True), data=CONTENT, headers=upload["put"]["headers"]) as sent,
    ):
        assert sent.status == 200
    status, done = await gateway.call("POST", f"/v1/uploads/{upload['id']}/complete")
    assert status == 200, done

    async def found() -> bool:
        status, answer = await gateway.call("GET", "/v1/search?q=note")
        return status == 200 and bool(answer["items"])

    async def counted() -> bool:
        _, me = await gateway.call("GET", "/v1/me")
        return bool(me["usage"]["used"] == len(CONTENT))

    await eventually(counted)
    await eventually(found)
