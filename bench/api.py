"""A client of the public API, as small as measuring needs."""

import asyncio
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from docstore_platform.ids import new_id

PASSWORD = "correct horse battery staple"


class Api:
    """One signed-up account talking to one gateway."""

    def __init__(self, gateway: str) -> None:
        self.gateway = gateway
        self.token = ""
        self.account_id = ""
        self.session = aiohttp.ClientSession(json_serialize=lambda value: orjson.dumps(value).decode())

    async def __aenter__(self) -> Self:
        email = f"{new_id()}@example.org"
        account = await self.call("POST", "/v1/accounts", {"email": email, "password": PASSWORD})
        self.account_id = account["id"]
        session = await self.call("POST", "/v1/sessions", {"email": email, "password": PASSWORD})
        self.token = session["access_token"]
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.session.close()

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer; RuntimeError with the problem otherwise."""
        async with self.session.request(method, self.gateway + path, json=body, headers=self.headers) as response:
            text = await response.read()
            if response.status >= 400:
                raise RuntimeError(f"{method} {path}: {response.status} {text[:500]!r}")
            return orjson.loads(text) if text else None

    async def put(self, target: dict[str, Any], content: bytes) -> None:
        """Send bytes to a signed URL."""
        async with self.session.put(target["url"], headers=target["headers"], data=content) as response:
            response.raise_for_status()

    async def upload_batch(self, files: dict[str, bytes]) -> list[dict[str, Any]]:
        """Upload small files: one call to begin, the bytes in parallel, one call to complete."""
        uploads = [{"path": path, "size": len(content), "method": "put"} for path, content in files.items()]
        begun = (await self.call("POST", "/v1/uploads/batch", {"uploads": uploads}))["items"]
        contents = list(files.values())
        puts = (self.put(item["put"], content) for item, content in zip(begun, contents, strict=True))
        await asyncio.gather(*puts)
        ids = [{"id": item["id"]} for item in begun]
        done: list[dict[str, Any]] = (await self.call("POST", "/v1/uploads/complete-batch", {"uploads": ids}))["items"]
        refused = [item for item in done if "problem" in item]
        if refused:
            raise RuntimeError(f"complete-batch refused {refused[0]}")
        return done
