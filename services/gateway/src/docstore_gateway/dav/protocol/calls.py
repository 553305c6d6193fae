"""Calls of the services' public API on behalf of a WebDAV client: the services check its rights as for any other."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
import structlog
from starlette.types import Message, Receive, Scope, Send

from docstore_gateway.proxy.service import Forwarder
from docstore_gateway.responses import CapturedResponse, HeaderList
from docstore_platform.services import ServiceName

log = structlog.get_logger(__name__)

CONNECTION_KEYS = ("type", "asgi", "http_version", "scheme", "client", "server")


class Api:
    """The public API as one client may use it. `scope` has the headers that identify the client, and no others.

    `lock_tokens`: the locks that the client claims to hold.
    """

    def __init__(self, forwarders: Mapping[ServiceName, Forwarder], scope: Scope) -> None:
        self._forwarders = forwarders
        self._connection = {key: scope[key] for key in CONNECTION_KEYS if key in scope}
        self._headers: HeaderList = scope["headers"]
        self.lock_tokens: tuple[str, ...] = ()

    async def get(self, service: ServiceName, route: str, /, **query: object) -> Any:
        """Return the JSON of a GET; raises the service's error."""
        return await self._json(service, "GET", route, None, query)

    async def send(self, service: ServiceName, method: str, path: str, body: Any = None) -> Any:
        """Make a change; return the JSON of the response, or raise the service's error."""
        return await self._json(service, method, path, body, {})

    async def _json(self, service: ServiceName, method: str, path: str, body: Any, query: Mapping[str, object]) -> Any:
        captured = CapturedResponse()
        given = {name: value for name, value in query.items() if value is not None}
        try:
            await self.forward(service, method, path, captured.send, query=urlencode(given), body=body)
        except Exception as error:
            # An app in this process answers 500 before it raises an error again: only the response matters here.
            if not captured.status:
                raise
            log.debug("dav_call_failed", path=path, error=repr(error))
        return captured.json()

    async def forward(
        self,
        service: ServiceName,
        method: str,
        path: str,
        send: Send,
        *,
        query: str = "",
        body: Any = None,
        headers: HeaderList | None = None,
        client: Receive | None = None,
    ) -> None:
        """Make a call whose response goes to `send`.

        `client`: the connection that it goes to, so that the call ends when that client leaves; None for a short one.
        """
        payload = b"" if body is None else orjson.dumps(body)
        scope: Scope = {**self._connection, "method": method, "path": path, "raw_path": path.encode()}
        scope["query_string"], scope["root_path"], scope["state"] = query.encode(), "", {}
        scope["headers"] = [*self._headers, *(headers or [])]
        if self.lock_tokens and method != "GET":
            named = ", ".join(f"<{token}>" for token in self.lock_tokens)
            scope["headers"].append((b"lock-token", named.encode("latin-1", "replace")))
        if payload:
            scope["headers"] += [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(payload)).encode()),
            ]
        given = False

        async def receive() -> Message:
            nonlocal given
            if given and client is not None:
                return await client()
            if given:  # the client of this call never leaves
                await asyncio.Event().wait()
            given = True
            return {"type": "http.request", "body": payload, "more_body": False}

        await self._forwarders[service].forward(scope, receive, send)
