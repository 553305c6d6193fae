"""Origins at which the client of the current request reaches the deployment, where clients use different addresses.

The gateway determines them and sends them with the request to the services, which write them into URLs for this client.
A client that forged the header would only change the URLs in its own response.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from docstore_platform.settings import InfraSettings

HEADER = b"docstore-client-origins"
_ORIGIN = r"https?://[A-Za-z0-9.\-\[\]:]{1,262}"
_BOTH = re.compile(rf"({_ORIGIN}) ({_ORIGIN})")


@dataclass(frozen=True, slots=True)
class ClientOrigins:
    """Scheme, host and port of the gateway and of the object store, as one client uses them."""

    gateway: str
    store: str

    def header(self) -> bytes:
        return f"{self.gateway} {self.store}".encode()


_current: ContextVar[ClientOrigins | None] = ContextVar("client_origins", default=None)


def current_origins() -> ClientOrigins | None:
    """Return the origins of the current request's client; None if all clients use the public addresses."""
    return _current.get()


def origins_or_public(infra: InfraSettings) -> ClientOrigins:
    """Return the origins of the current request's client, else the public addresses."""
    return _current.get() or ClientOrigins(infra.public_url.rstrip("/"), infra.public_s3.rstrip("/"))


@contextmanager
def client_at(origins: ClientOrigins | None) -> Iterator[None]:
    """Set the origins for what runs in this block."""
    token = _current.set(origins)
    try:
        yield
    finally:
        _current.reset(token)


class ClientOriginsReader:
    """ASGI middleware of a service: takes the origins from the gateway's header.

    Without the header they stay as they are: a caller in this process has set them already.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = next((value for name, value in scope.get("headers", ()) if name == HEADER), None)
        found = _BOTH.fullmatch(given.decode("latin-1")) if given else None
        if found is None:
            await self.app(scope, receive, send)
            return
        with client_at(ClientOrigins(found[1], found[2])):
            await self.app(scope, receive, send)
