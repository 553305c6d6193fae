"""Minimal HTTP client of the public API for demo, benchmarks and tests. Programs use docstore_client."""

import asyncio
from collections.abc import Mapping
from hashlib import sha256
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from docstore_cli.sessions.this_machine import device_name
from docstore_client.errors import ApiError, error_of
from docstore_client.network.connection import ApiResponse, home_gateway

LOG_IN = "/v1/sessions"


class ApiClient:
    """Calls one gateway, for one account after log-in."""

    def __init__(self, gateway: str) -> None:
        self.gateway = gateway.rstrip("/")
        self.access_token = ""
        self.refresh_token = ""
        self.account: dict[str, Any] = {}
        self._session = aiohttp.ClientSession()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self._session.close()

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.access_token}"} if self.access_token else {}

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> ApiResponse:
        """Send a request. Return any response, errors and redirects included."""
        sent = None if body is None else orjson.dumps(body)
        given = {**self.headers, **({} if body is None else {"content-type": "application/json"}), **(headers or {})}
        async with self._session.request(
            method, self.gateway + path, data=sent, headers=given, allow_redirects=False
        ) as response:
            return ApiResponse(response.status, response.headers, await response.read())

    async def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """Send a request. Return the JSON body or None; ApiError on an error status."""
        response = await self.ask(method, path, body, headers)
        if response.status >= 400:
            raise error_of(response.status, response.body)
        return response.json()

    async def sign_up(self, email: str, password: str) -> None:
        """Create an account and log in."""
        await self.call("POST", "/v1/accounts", {"email": email, "password": password})
        await self.log_in(email, password)

    async def log_in(self, email: str, password: str) -> None:
        """Log in, following a redirect to the account's home region: `gateway` then names that region."""
        credentials = {"email": email, "password": password, "device_name": device_name()}
        response = await self.ask("POST", LOG_IN, credentials)
        if response.status == 307:
            self.gateway = home_gateway(self.gateway, response.headers.get("location", ""))
            response = await self.ask("POST", LOG_IN, credentials)
        if response.status != 201:  # follow one redirect only, to avoid loops
            raise error_of(response.status, response.body)
        self._take(response.json())

    async def refresh(self) -> None:
        """Replace the tokens; the old ones become invalid."""
        self._take(await self.call("POST", f"{LOG_IN}/refresh", {"refresh_token": self.refresh_token}))

    def _take(self, session: dict[str, Any]) -> None:
        self.access_token, self.refresh_token = session["access_token"], session["refresh_token"]
        self.account = session["account"]

    async def put(self, target: dict[str, Any], content: bytes) -> None:
        """Send bytes to a signed URL."""
        async with self._session.put(target["url"], headers=target["headers"], data=content) as response:
            await _raise_for_store(response)

    async def post_form(self, form: dict[str, Any], content: bytes, filename: str) -> str:
        """Send a form upload as a browser does. Return the redirect target."""
        data = aiohttp.FormData()
        for name, value in form["fields"].items():
            data.add_field(name, value)
        data.add_field("file", content, filename=filename)
        async with self._session.post(form["url"], data=data, allow_redirects=False) as response:
            await _raise_for_store(response)
            return response.headers.get("location", "")

    async def put_part(self, url: str, content: bytes) -> str:
        """Send one part of a multipart upload. Return its ETag."""
        async with self._session.put(url, data=content) as response:
            await _raise_for_store(response)
            return str(response.headers["etag"])

    async def send(self, upload: dict[str, Any], content: bytes) -> dict[str, Any]:
        """Send the bytes of an upload by form, PUT or in parts. Return the body for `complete`."""
        if upload["method"] == "form":
            await self.post_form(upload["form"], content, upload["path"].rpartition("/")[2])
            return {}
        if upload["method"] == "put":
            await self.put(upload["put"], content)
            return {}
        size, parts = upload["multipart"]["part_size"], upload["multipart"]["parts"]
        pieces = (content[(part["number"] - 1) * size : part["number"] * size] for part in parts)
        sending = (self.put_part(part["url"], piece) for part, piece in zip(parts, pieces, strict=True))
        etags = await asyncio.gather(*sending)
        return {"parts": [{"number": part["number"], "etag": etag} for part, etag in zip(parts, etags, strict=True)]}

    async def upload(self, path: str, content: bytes, method: str = "put", **wishes: Any) -> dict[str, Any]:
        """Upload one small file. Return the file."""
        body = {"path": path, "size": len(content), "method": method, **wishes}
        upload = await self.call("POST", "/v1/uploads", body)
        done = await self.send(upload, content)
        file: dict[str, Any] = await self.call("POST", f"/v1/uploads/{upload['id']}/complete", done)
        return file

    async def upload_batch(self, files: dict[str, bytes]) -> list[dict[str, Any]]:
        """Upload small files: one call to begin, the bytes in parallel, one call to complete. Return the files."""
        uploads = [
            {"path": path, "size": len(content), "sha256": sha256(content).hexdigest(), "method": "put"}
            for path, content in files.items()
        ]
        accepted = _accepted(await self.call("POST", "/v1/uploads/batch", {"uploads": uploads}))
        pairs = zip(accepted, files.values(), strict=True)
        await asyncio.gather(*(self.put(item["put"], content) for item, content in pairs))
        ids = [{"id": item["id"]} for item in accepted]
        return _accepted(await self.call("POST", "/v1/uploads/complete-batch", {"uploads": ids}))


def _accepted(response: dict[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = response["items"]
    for item in items:
        if "problem" in item:
            raise ApiError(item["problem"]["status"], item["problem"]["code"], item["problem"]["detail"])
    return items


async def _raise_for_store(response: aiohttp.ClientResponse) -> None:
    if response.status >= 400:
        raise ApiError(response.status, "object_store", (await response.text())[:300])
