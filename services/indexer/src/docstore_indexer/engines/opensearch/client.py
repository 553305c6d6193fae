"""The part of OpenSearch's HTTP API that the engine needs, with two kinds of failure."""

import base64
import ssl
from collections.abc import Collection, Sequence
from typing import Any

import aiohttp
import orjson
from yarl import URL

from docstore_indexer.engines.engine import EngineFailed
from docstore_platform.telemetry.tracing import client_span, http_answered, http_call

TIMEOUT_SECONDS = 60.0
CONNECT_SECONDS = 2.0
Json = dict[str, Any]


class Refused(EngineFailed):
    """OpenSearch responded with an error."""

    def __init__(self, status: int, kind: str, reason: str) -> None:
        super().__init__(f"OpenSearch responded with {status} {kind}: {reason}"[:1000])
        self.status = status
        self.kind = kind


class OpenSearchClient:
    """Pooled connections to one address, which may be a cluster's load balancer."""

    def __init__(self, url: str, user: str = "", password: str = "", ca_file: str = "") -> None:
        """`ca_file`: PEM certificates to verify the server with; empty: the system's."""
        self._url = url.rstrip("/")
        self._address = URL(url)
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"authorization": f"Basic {basic}"} if user else {}
        self._ca_file = ca_file
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(self, method: str, path: str, body: Json | None = None, *, but: Collection[int] = ()) -> Json:
        """Return the response, also one with a status in `but`. Raises Refused, or EngineFailed without a response."""
        return await self._send(method, path, b"" if body is None else orjson.dumps(body), "application/json", but)

    async def bulk(self, lines: Sequence[bytes], *, wait_until_found: bool) -> Json:
        """Write these lines of actions and documents; on return they are on disk in all copies."""
        refresh = "wait_for" if wait_until_found else "false"
        path = f"/_bulk?refresh={refresh}&filter_path=errors,items.*.status,items.*.error,items.*._id"
        return await self._send("POST", path, b"\n".join(lines) + b"\n", "application/x-ndjson", ())

    async def _send(self, method: str, path: str, body: bytes, kind: str, but: Collection[int]) -> Json:
        try:
            with client_span(method, lambda: http_call(method, self._address)) as current:
                async with self._opened().request(
                    method, self._url + path, data=body or None, headers={"content-type": kind}, allow_redirects=False
                ) as response:
                    content = await response.read()
                    status = response.status
                    http_answered(current, status)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EngineFailed(f"OpenSearch is unreachable: {error!r}") from error
        result = _json(content)
        if not (200 <= status < 300 or status in but):
            raise _refusal(status, result, content)
        return result

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            check: ssl.SSLContext | bool = True
            if self._ca_file:
                check = ssl.create_default_context(cafile=self._ca_file)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=check),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS, sock_connect=CONNECT_SECONDS),
                headers=self._headers,
            )
        return self._session


def _json(content: bytes) -> Json:
    try:
        response = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return response if isinstance(response, dict) else {}


def _refusal(status: int, response: Json, content: bytes) -> Refused:
    error = response.get("error")
    if isinstance(error, dict):
        return Refused(status, str(error.get("type")), str(error.get("reason")))
    return Refused(status, "error", content[:200].decode("utf-8", "replace"))
