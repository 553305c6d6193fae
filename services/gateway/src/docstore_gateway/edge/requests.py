"""Requests as the client sends them and as services receive them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import unquote

from starlette.types import Receive, Scope

from docstore_gateway.edge.client_ip import client_address
from docstore_gateway.responses import HeaderList
from docstore_platform.http.body_limits import check_length, read_body, replaying
from docstore_platform.http.client_origins import HEADER, current_origins
from docstore_platform.ids import new_id
from docstore_platform.security.tokens import Principal
from docstore_platform.telemetry.request_metrics import UNMATCHED

CLIENT_IP_HEADER = b"x-forwarded-for"
"""Replaced by the address determined here: the client's own value is not forwarded."""
REPLACED = frozenset(
    (
        CLIENT_IP_HEADER,
        HEADER,
        b"forwarded",
        b"x-forwarded-host",
        b"x-real-ip",
        b"x-request-id",
        b"traceparent",
        b"transfer-encoding",
    )
)

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


@dataclass(slots=True)
class Exchange:
    """One request and its response."""

    method: str
    request_id: bytes
    client: str
    headers: dict[bytes, bytes]
    """The first header of each name, as services read them too."""
    route: str = UNMATCHED
    own: bool = False
    """Whether the gateway's own app answers and counts it."""
    by_cookie: bool = False
    """Whether the web page makes it: its token came in a cookie, which browsers send automatically."""
    principal: Principal | None = None
    """Principal of its token; None where none is needed."""
    read: tuple[str, ...] = ()
    """Files whose bytes, or URLs for them, the response contains."""
    status: int = 0
    complete: bool = False
    rate_limit: HeaderList = field(default_factory=list)
    """Headers for the response."""
    extra: HeaderList = field(default_factory=list)

    @property
    def account(self) -> str:
        return self.principal.account_id if self.principal else ""

    @property
    def session(self) -> str:
        return self.principal.session_id if self.principal else ""


def exchange_of(scope: Scope, trusted_proxies: Sequence[IPv4Network | IPv6Network]) -> Exchange:
    """Determine the client and its headers."""
    headers: dict[bytes, bytes] = {}
    forwarded_for: list[bytes] = []
    for name, value in scope["headers"]:
        headers.setdefault(name, value)
        if name == b"x-forwarded-for":
            forwarded_for.append(value)
    given = headers.get(b"x-request-id")
    request_id = given if given and _REQUEST_ID.fullmatch(given) else new_id().encode()
    peer = scope["client"][0] if scope.get("client") else None
    chain = b",".join(forwarded_for).decode("latin-1") if trusted_proxies else ""
    client = client_address(peer, chain, trusted_proxies)
    return Exchange(scope["method"], request_id, client, headers)


async def bounded(exchange: Exchange, receive: Receive, limit: int) -> Receive:
    """413 for a body over the limit. A body of unknown length is read first, so that the error is in time."""
    check_length(exchange.headers.get(b"content-length", b"0"), limit)
    if b"transfer-encoding" not in exchange.headers:
        return receive
    body = await read_body(receive, limit)
    exchange.headers[b"content-length"] = str(len(body)).encode()
    return replaying(body, receive)


def headers_for_service(exchange: Exchange, access_token: str) -> HeaderList:
    """Return the headers of calls that the gateway makes itself for a client."""
    return [
        (b"authorization", b"Bearer " + access_token.encode()),
        (b"x-request-id", exchange.request_id),
        (CLIENT_IP_HEADER, exchange.client.encode()),
    ]


def scope_for_service(scope: Scope, exchange: Exchange, path: str) -> Scope:
    """Return the request for the service that owns `path`."""
    chunked = b"transfer-encoding" in exchange.headers
    replaced = REPLACED | {b"content-length"} if chunked else REPLACED
    headers = [header for header in scope["headers"] if header[0] not in replaced]
    headers.append((b"x-request-id", exchange.request_id))
    headers.append((CLIENT_IP_HEADER, exchange.client.encode()))
    if origins := current_origins():
        headers.append((HEADER, origins.header()))
    if chunked:
        headers.append((b"content-length", exchange.headers[b"content-length"]))
    inner = dict(scope)
    inner["headers"] = headers
    inner["raw_path"] = path.encode()
    inner["path"] = unquote(path) if "%" in path else path
    return inner
