"""A push service (RFC 8030) that hands messages to browsers, which decrypt them (RFC 8291)."""

import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import http_ece
import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_decode, base64url_encode
from local_server import served


@dataclass
class FakeBrowser:
    """A browser that was registered with a server's key; keeps what it could decrypt."""

    endpoint: str
    server_key: str
    statuses: list[int] = field(default_factory=list)
    """Responses to the next messages; then 201."""
    messages: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    _key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    _auth: bytes = field(default_factory=lambda: os.urandom(16))

    def registration(self) -> dict[str, Any]:
        """What `PushSubscription.toJSON` returns."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": base64url_encode(point).decode(), "auth": base64url_encode(self._auth).decode()}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def take(self, body: bytes) -> None:
        clear = http_ece.decrypt(body, private_key=self._key, auth_secret=self._auth, version="aes128gcm")
        self.messages.append(json.loads(clear))


class PushService:
    """Accepts only messages of at most 4 KiB that are signed with the key that the browser was registered with."""

    def __init__(self) -> None:
        self.url = ""
        self.requests = 0
        self._browsers: dict[str, FakeBrowser] = {}

    def browser(self, server_key: str) -> FakeBrowser:
        """Register a new browser."""
        name = f"/push/{len(self._browsers)}"
        self._browsers[name] = FakeBrowser(self.url + name, server_key)
        return self._browsers[name]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["PushService"]:
        app = web.Application()
        app.router.add_post("/push/{number}", self._push)
        async with served(web.AppRunner(app, shutdown_timeout=1)) as self.url:
            yield self

    async def _push(self, request: web.Request) -> web.Response:
        self.requests += 1
        body, browser = await request.read(), self._browsers[request.path]
        if browser.statuses:
            return web.Response(status=browser.statuses.pop(0))
        if not self._is_signed(request, browser):
            return web.Response(status=403)
        if len(body) > 4096 or request.headers.get("Content-Encoding") != "aes128gcm" or "TTL" not in request.headers:
            return web.Response(status=400)
        browser.take(body)
        browser.headers.append(dict(request.headers))
        return web.Response(status=201)

    def _is_signed(self, request: web.Request, browser: FakeBrowser) -> bool:
        """RFC 8292, 2 to 4.2."""
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        if scheme != "vapid" or fields["k"] != browser.server_key:
            return False
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), base64url_decode(fields["k"]))
        claims = jwt.decode(fields["t"], key, algorithms=["ES256"], audience=self.url)
        return bool(claims["exp"] <= time.time() + 24 * 3600) and str(claims["sub"]).startswith("mailto:")
