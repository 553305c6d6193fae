"""Forwards a request to the service that owns it: into its app in this process, or over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Protocol

import aiohttp
from multidict import CIMultiDict
from opentelemetry.trace import Span
from starlette.types import Message, Receive, Scope, Send
from yarl import URL

from docstore_gateway.responses import HeaderList, send_response
from docstore_platform.errors import DomainError, unavailable
from docstore_platform.http.body_limits import ClientGone
from docstore_platform.http.problems import Problem
from docstore_platform.service.client import LOCAL, local_app
from docstore_platform.tasks import end_tasks
from docstore_platform.telemetry.tracing import client_span, current_traceparent, http_answered, http_call

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding "
    b"upgrade".split()
)
"""Headers of a single connection (RFC 9110, 7.6.1), which are not forwarded."""

END_TO_END = frozenset((b"authorization", b"content-length", b"content-type", b"x-forwarded-for", b"x-request-id"))
"""Forwarded even if `Connection` names them, so that a client can't drop our headers."""

KEEP_ALIVE_SECONDS = 4.0
"""Shorter than a service's keep-alive time (75 s), so that no call is sent into a closing connection."""
CONNECTIONS = 0
"""No limit: each serves one connection of a client, and those are limited. With one, slow downloads that hold all
connections to a service would put it out of reach for everybody.
"""
READ_AT_ONCE_BYTES = 256 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Forwarder(Protocol):
    async def forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward the request to the service and its response to the client; Unavailable or 504 without a response."""

    async def close(self) -> None: ...


class LocalForwarder:
    """Calls the service's app in this process without copying."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        await local_app(self._url)(scope, receive, send)

    async def close(self) -> None:
        return None


class HttpForwarder:
    """Sends requests over pooled connections and streams both ways. Must be created in the running loop."""

    def __init__(self, base_url: str, name: str, *, connect_seconds: float, answer_seconds: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._name = name
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE_SECONDS),
            timeout=aiohttp.ClientTimeout(total=None, connect=connect_seconds, sock_read=answer_seconds),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            middlewares=(_sent_once,),
        )

    async def forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        url = URL(self._base_url + (scope["raw_path"] + query).decode("latin-1"), encoded=True)
        with client_span(scope["method"], lambda: http_call(scope["method"], url)) as current:
            await self._forward(url, scope, receive, send, current)

    async def _forward(self, url: URL, scope: Scope, receive: Receive, send: Send, current: Span) -> None:
        headers, length = _request_headers(scope["headers"])
        answered = False

        async def send_and_note(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            async with self._session.request(
                scope["method"],
                url,
                headers=headers,
                data=await _request_body(receive, length),
                allow_redirects=False,
            ) as response:
                http_answered(current, response.status)
                await _pass_response(response, receive, send_and_note)
        except (aiohttp.ClientError, TimeoutError) as error:
            if answered:
                raise
            if isinstance(error.__cause__, ClientGone | DomainError):  # of the body, which aiohttp wraps
                raise error.__cause__ from None
            raise self._error(error) from error

    def _error(self, error: Exception) -> DomainError:
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return unavailable(f"The {self._name} service")
        if isinstance(error, TimeoutError):
            return Problem(504, "upstream_timeout", f"The {self._name} service did not respond in time.")
        return Problem(
            502,
            "upstream_failed",
            f"The {self._name} service closed the connection. The call may or may not have taken effect.",
            headers={"Retry-After": "1"},
        )

    async def close(self) -> None:
        await self._session.close()


async def _sent_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a PUT or DELETE whose connection is lost.

    The first one may have taken effect: a client would be told that what it has just deleted was never there.
    """
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method in SAFE_METHODS or isinstance(error, aiohttp.ClientConnectorError):
            raise
        raise aiohttp.ClientConnectionError(str(error)) from error


def open_forwarder(url: str, name: str, *, connect_seconds: float, answer_seconds: float) -> Forwarder:
    if url.startswith(LOCAL):
        return LocalForwarder(url)
    return HttpForwarder(url, name, connect_seconds=connect_seconds, answer_seconds=answer_seconds)


def without_hop_by_hop(headers: Iterable[tuple[bytes, bytes]]) -> HeaderList:
    """Return headers with lower-case names, without those of the connection."""
    lower = [(name.lower(), value) for name, value in headers]
    named = {token.strip().lower() for name, value in lower if name == b"connection" for token in value.split(b",")}
    dropped = HOP_BY_HOP | (named - END_TO_END) if named else HOP_BY_HOP
    return [(name, value) for name, value in lower if name not in dropped]


def _request_headers(incoming: HeaderList) -> tuple[CIMultiDict[str], int]:
    headers: CIMultiDict[str] = CIMultiDict()
    length = 0
    for name, value in without_hop_by_hop(incoming):
        if name == b"content-length":
            length = int(value)
        elif name not in (b"host", b"expect", b"traceparent"):
            headers.add(name.decode("latin-1"), value.decode("utf-8", "replace"))
    if length:
        headers["content-length"] = str(length)
    traceparent = current_traceparent()
    if traceparent:
        headers["traceparent"] = traceparent
    return headers, length


async def _request_body(receive: Receive, length: int) -> bytes | AsyncIterator[bytes] | None:
    """Return the body as bytes if it is complete, else as a stream; None without one. Exactly `length` bytes, or an
    error: with fewer, the service would take the rest from the next request on the connection."""
    if not length:
        return None
    first = await receive()
    if first.get("more_body", False):
        return _in_parts(first, receive, length)
    return _part(first, length)


async def _in_parts(message: Message, receive: Receive, left: int) -> AsyncIterator[bytes]:
    while True:
        part = _part(message, left)
        left -= len(part)
        yield part
        if not left:
            return
        message = await receive()


def _part(message: Message, left: int) -> bytes:
    """Return one message's bytes of a body with `left` bytes to come; the last message must have all of them."""
    if message["type"] == "http.disconnect":
        raise ClientGone
    part = bytes(message.get("body", b""))
    if len(part) > left or (len(part) < left and not message.get("more_body", False)):
        raise Problem(400, "wrong_length", "The length of the request's body differs from its Content-Length.")
    return part


async def _pass_response(response: aiohttp.ClientResponse, receive: Receive, send: Send) -> None:
    # The gateway's own server sets the date.
    headers = [header for header in without_hop_by_hop(response.raw_headers) if header[0] != b"date"]
    length = response.content_length
    if length is not None and length <= READ_AT_ONCE_BYTES:
        await send_response(send, response.status, headers, await response.read())
        return
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await pass_body(response, receive, send)


async def pass_body(response: aiohttp.ClientResponse, receive: Receive, send: Send) -> None:
    """Send a response's body to the client as it comes, until the client leaves."""
    gone = asyncio.create_task(_until_gone(receive, response))
    try:
        async for part in response.content.iter_any():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except aiohttp.ClientError:
        if not gone.done():
            raise
    finally:
        await end_tasks([gone])


async def _until_gone(receive: Receive, response: aiohttp.ClientResponse) -> None:
    """Close the service's stream when the client has left: an endless stream would be read in vain."""
    while (await receive())["type"] != "http.disconnect":
        pass
    response.close()
