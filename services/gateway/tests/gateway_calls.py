"""A fake service behind the gateway, tokens, and callers of the gateway without and with sockets."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote

import jwt
import orjson
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docstore_platform.http.server.operators import OperatorsPort
from docstore_platform.security.revocations import Revocation


class Issuer:
    """Makes access tokens as accounts does."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        jwk = OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self.keys = {"keys": [{**jwk, "kid": "k1", "alg": "EdDSA"}]}

    def token(self, account: str, *, role: str = "user", seconds: float = 300, **claims: Any) -> str:
        now = time.time()
        body = {"sub": account, "sid": "s1", "role": role, "iss": "docstore", "aud": "docstore"}
        body |= {"iat": now, "exp": now + seconds, **claims}
        return jwt.encode(body, self._key, "EdDSA", headers={"kid": "k1"})

    def bearer(self, account: str = "ann", **claims: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(account, **claims)}"}


@dataclass
class Request:
    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


@dataclass
class Reply:
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    body: bytes = b'{"ok":true}'


class FakeService:
    """An ASGI app that notes what it is asked. `behave` may be replaced to answer otherwise."""

    def __init__(self, issuer: Issuer) -> None:
        self.keys = issuer.keys
        self.requests: list[Request] = []
        self.revoked: list[Revocation] = []
        self._news = asyncio.Event()
        self.ready = True
        self.behave: Callable[[Request], Awaitable[Reply]] = self._answer_ok

    def forget(self) -> None:
        """Behave as new, for the next test of a shared gateway."""
        self.requests.clear()
        self.ready, self.behave = True, self._answer_ok

    def revoke(self, revocation: Revocation) -> None:
        self.revoked.append(revocation)
        self._news.set()
        self._news = asyncio.Event()

    async def _revocations(self, request: Request) -> dict[str, Any]:
        after = int(request.query.partition("&")[0].partition("=")[2] or -1)
        if after == len(self.revoked):
            await self._news.wait()
        items = [revocation.to_json() for revocation in self.revoked[max(after, 0) :]]
        return {"items": items, "cursor": str(len(self.revoked))}

    async def _answer_ok(self, _: Request) -> Reply:
        return Reply()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = [(name.decode(), value.decode()) for name, value in scope["headers"]]
        request = Request(scope["method"], scope["path"], scope["query_string"].decode(), headers, body)
        if request.path == "/internal/keys":
            reply = Reply(body=orjson.dumps(self.keys))
        elif request.path == "/internal/revocations":
            reply = Reply(body=orjson.dumps(await self._revocations(request)))
        elif request.path == "/readyz":
            reply = Reply(200 if self.ready else 503)
        elif request.path == "/internal/readiness":
            reply = Reply(body=orjson.dumps({"ready": self.ready, "failed": {} if self.ready else {"mongo": "away"}}))
        else:
            self.requests.append(request)
            reply = await self.behave(request)
        raw = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
        raw.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        await send({"type": "http.response.body", "body": reply.body})


@dataclass
class Received:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def json(self) -> Any:
        return orjson.loads(self.body)


class Caller:
    """Calls an ASGI app as a client at `address` would, with its raw path as it is."""

    def __init__(self, app: ASGIApp, address: str = "198.51.100.7", port: int = 80) -> None:
        self.app = app
        self.address = address
        self.port = port

    def at(self, address: str) -> "Caller":
        return Caller(self.app, address)

    def at_operators_port(self) -> "Caller":
        return Caller(OperatorsPort(self.app, 9000), self.address, 9000)

    async def call(
        self,
        method: str,
        target: str,
        headers: dict[str, str] | None = None,
        body: bytes | list[bytes] = b"",
    ) -> Received:
        path, _, query = target.partition("?")
        parts = [body] if isinstance(body, bytes) else list(body)
        raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        if isinstance(body, list):
            raw.append((b"transfer-encoding", b"chunked"))
        elif body:
            raw.append((b"content-length", str(len(body)).encode()))
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": raw,
            "client": (self.address, 40000),
            "server": ("127.0.0.1", self.port),
            "state": {},
        }
        messages: list[Message] = []

        async def receive() -> Message:
            if not parts:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

        async def send(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        start = messages[0]
        response_headers = [(name.decode().lower(), value.decode()) for name, value in start["headers"]]
        return Received(start["status"], response_headers, b"".join(m.get("body", b"") for m in messages[1:]))


class RunningGateway(Caller):
    """A gateway that tests share, with the service behind it and the issuer of its tokens."""

    def __init__(self, app: ASGIApp, service: FakeService, issuer: Issuer) -> None:
        super().__init__(app)
        self.service, self.issuer = service, issuer


class OpenGateway(Protocol):
    def __call__(
        self, *, urls: dict[str, str] | None = None, public_url: str = ..., **settings: Any
    ) -> AbstractAsyncContextManager[Caller]: ...


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(app, lifespan="off", log_level="warning", proxy_headers=False, ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        server.force_exit = True
        await task
        listener.close()


class Listening(Protocol):
    def __call__(self, app: ASGIApp) -> AbstractAsyncContextManager[str]: ...
