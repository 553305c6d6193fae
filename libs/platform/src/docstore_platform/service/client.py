"""Calls between services: over HTTP, or directly to the app of a service in the same process."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import orjson
import structlog
from starlette.types import ASGIApp, Message, Scope
from yarl import URL

from docstore_platform.errors import DomainError, Unauthenticated, unavailable
from docstore_platform.http.client_origins import HEADER, current_origins
from docstore_platform.http.problems import error_of
from docstore_platform.security.service_identity import CALLER_NOT_ALLOWED, token_source
from docstore_platform.services import CallerName, ServiceName
from docstore_platform.settings import InfraSettings
from docstore_platform.telemetry.tracing import (
    client_span,
    current_traceparent,
    http_answered,
    http_call,
    traceparent_of,
)

log = structlog.get_logger(__name__)

LOCAL = "local:"
TIMEOUT_SECONDS = 30.0
TRIES = 3

_local_apps: dict[str, ASGIApp] = {}


def register_local_app(url: str, app: ASGIApp) -> None:
    """Make `app` reachable in this process under `url`, which begins with `local:`."""
    _local_apps[url] = app


def local_app(url: str) -> ASGIApp:
    """The app registered under `url`; 503 while it has not started."""
    app = _local_apps.get(url)
    if app is None:
        raise unavailable(url)
    return app


@dataclass(frozen=True, slots=True)
class HttpResponse:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


class Transport(Protocol):
    async def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Send one request; ConnectionError or TimeoutError without a response."""

    async def close(self) -> None: ...


class HttpTransport:
    """Pooled keep-alive connections to one base address."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._address = URL(base_url)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS, connect=2)
            self._session = aiohttp.ClientSession(timeout=timeout, auto_decompress=False)
        with client_span(method, lambda: http_call(method, self._address)) as current:
            if current.is_recording():
                headers = {**headers, "traceparent": traceparent_of(current) or ""}
            try:
                async with self._session.request(
                    method, self._base_url + path, headers=headers, data=body, allow_redirects=False
                ) as response:
                    http_answered(current, response.status)
                    return HttpResponse(response.status, response.headers, await response.read())
            except aiohttp.ClientError as error:
                raise ConnectionError(str(error)) from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


class LocalTransport:
    """Calls an ASGI app in this process, without sockets."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        route, _, query = path.partition("?")
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": route,
            "raw_path": route.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": None,
            "server": None,
            "state": {},
        }
        status = 500
        response_headers: dict[str, str] = {}
        parts: list[bytes] = []

        given = False

        async def receive() -> Message:
            nonlocal given
            if given:  # the caller waits for the response and never disconnects
                await asyncio.Event().wait()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                response_headers.update((k.decode(), v.decode()) for k, v in message["headers"])
            else:
                parts.append(message.get("body", b""))

        app = local_app(self._url)
        try:
            await app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - an app has responded with 500 before it raises
            log.debug("in_process_call_failed", url=self._url, path=route, error=repr(error))
        return HttpResponse(status, response_headers, b"".join(parts))

    async def close(self) -> None:
        return None


def open_transport(url: str) -> Transport:
    return LocalTransport(url) if url.startswith(LOCAL) else HttpTransport(url)


class ServiceClient:
    """Calls `/internal/...` routes of one service. All are idempotent, so a lost response is requested again."""

    def __init__(self, name: ServiceName, settings: InfraSettings, caller: CallerName) -> None:
        self._name = name
        self._caller = caller
        self._tokens = token_source(caller, name, settings)
        self._shared_secret = settings.internal_secret.get_secret_value()
        self._transport = open_transport(settings.service_url(name))

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON response; raise the other service's error, or Unavailable if it is unreachable."""
        headers = {"authorization": self._authorization(), "content-type": "application/json"}
        traceparent = current_traceparent()
        if traceparent:
            headers["traceparent"] = traceparent
        if origins := current_origins():
            headers[HEADER.decode()] = origins.header().decode()
        payload = b"" if body is None else orjson.dumps(body)
        response = await self._send(method, path, headers, payload)
        if response.status == 401 and self._tokens and self._shared_secret:  # a service of the previous version
            headers["authorization"] = f"Bearer {self._shared_secret}"
            response = await self._send(method, path, headers, payload)
        if response.status >= 400:
            raise self._error(response, path)
        return response.json() if response.body else None

    def _authorization(self) -> str:
        return f"Bearer {self._tokens.token() if self._tokens else self._shared_secret}"

    async def _send(self, method: str, path: str, headers: Mapping[str, str], payload: bytes) -> HttpResponse:
        for attempt in range(1, TRIES + 1):
            try:
                return await self._transport.send(method, path, headers, payload)
            except (ConnectionError, TimeoutError):
                if attempt == TRIES:
                    raise unavailable(self._name) from None
                await asyncio.sleep(random.uniform(0, 0.1 * 2**attempt))
        raise AssertionError("the loop above returns or raises")

    def _error(self, response: HttpResponse, path: str) -> DomainError:
        """Convert to an error for the caller's own client. A refused service is a matter for operators, not clients."""
        error = _error(response)
        if isinstance(error, Unauthenticated) or error.code == CALLER_NOT_ALLOWED:
            log.error("service_call_refused", service=self._name, caller=self._caller, path=path, code=error.code)
            return unavailable(self._name)
        return error

    async def close(self) -> None:
        await self._transport.close()


def _error(response: HttpResponse) -> DomainError:
    try:
        wait = next((value for name, value in response.headers.items() if name.lower() == "retry-after"), None)
        return error_of(response.json() | {"status": response.status}, wait)
    except (ValueError, KeyError, TypeError):
        return unavailable("A service")
