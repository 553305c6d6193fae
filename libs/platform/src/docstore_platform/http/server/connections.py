"""Connection limits of clients: uvicorn has none for endless requests and unread responses."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
"""Bytes of request line and headers."""
TOO_MANY_CONNECTIONS = (
    b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How long a connection may be idle during a request or a response, and how many a client may have."""

    head_seconds: float = 10.0
    """From the first byte of a request, or the start of the connection, to the end of the headers."""
    body_seconds: float = 15.0
    """`body_bytes` of a body must arrive in each such period, unless the service itself reads slowly."""
    body_bytes: int = 4 * 1024
    answer_seconds: float = 60.0
    """How long a client may read nothing of a pending response."""
    per_client: int = 0
    """Connections of one address, or of one IPv6 /64, to this process; 0: unlimited."""
    uncounted: Sequence[IPv4Network | IPv6Network] = ()
    """Proxies, whose connections belong to many clients."""


def bounded_protocol(limits: ConnectionLimits) -> type[HttpToolsProtocol]:
    """Return the protocol class of one server, for `uvicorn.Config(http=...)`."""
    return type("Bounded", (_BoundedProtocol,), {"limits": limits, "open_by_client": Counter()})


class _BoundedProtocol(HttpToolsProtocol):
    limits: ConnectionLimits
    open_by_client: Counter[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._counted_as: str | None = None
        self._refused = False
        self._head: asyncio.TimerHandle | None = None
        self._body: asyncio.TimerHandle | None = None
        self._answer: asyncio.TimerHandle | None = None
        self._in_head = False
        self._was_held_back = False
        self._head_bytes = 0
        self._body_bytes = 0

    # --- the connection ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        client = self._client_of(transport)
        if client is not None:
            if self.open_by_client[client] >= self.limits.per_client:
                self._refused = True
                transport.write(TOO_MANY_CONNECTIONS)
                transport.close()
                return
            self.open_by_client[client] += 1
            self._counted_as = client
        super().connection_made(transport)
        self._head = self._after(self.limits.head_seconds, self.transport.close)

    def _client_of(self, transport: asyncio.Transport) -> str | None:
        """Return the client that a connection counts for; None if it does not count."""
        peer = transport.get_extra_info("peername")
        if not self.limits.per_client or not peer:
            return None
        address = _plain_address(peer[0])
        if any(address in network for network in self.limits.uncounted):
            return None
        return str(ip_network((address, 64), strict=False) if isinstance(address, IPv6Address) else address)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._counted_as is not None:
            self.open_by_client[self._counted_as] -= 1
            if not self.open_by_client[self._counted_as]:
                del self.open_by_client[self._counted_as]
        for timer in (self._head, self._body, self._answer):
            _cancelled(timer)
        if not self._refused:
            super().connection_lost(exc)

    def _after(self, seconds: float, do: Callable[[], object]) -> asyncio.TimerHandle:
        return self.loop.call_later(seconds, do)

    # --- the request -------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        if self.transport.is_closing():
            return
        done = self.cycle is None or self.cycle.response_complete
        # Neither a request nor silence: blank lines, or the rest of a refused body.
        noise = done and self.timeout_keep_alive_task is None
        if not (self._in_head or noise):
            self._head = _cancelled(self._head)
        elif self._head is None:
            self._head = self._after(self.limits.head_seconds, self.transport.close)
        if done or not self.cycle.more_body:
            self._body = _cancelled(self._body)
        elif self._body is None:
            self._body = self._after(self.limits.body_seconds, self._check_body)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_head(len(name) + len(value))
        super().on_header(name, value)

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            raise ValueError("the request's headers are too long")

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._body_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def _check_body(self) -> None:
        """Close a connection whose body arrives too slowly although the service would read it."""
        self._body = None
        if self.cycle.response_complete or not self.cycle.more_body or self.transport.is_closing():
            return
        held_back = self.flow.read_paused or self.cycle.waiting_for_100_continue
        if self._body_bytes < self.limits.body_bytes and not (held_back or self._was_held_back):
            self.transport.close()
            return
        self._was_held_back = held_back
        self._body_bytes = 0
        self._body = self._after(self.limits.body_seconds, self._check_body)

    # --- the response ------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._answer is None:
            self._answer = self._after(self.limits.answer_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._answer = _cancelled(self._answer)
        super().resume_writing()


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Cancel a timer that is no longer needed; return None in its place."""
    if timer is not None:
        timer.cancel()
    return None


def _plain_address(text: str) -> IPv4Address | IPv6Address:
    address = ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def listening_sockets(host: str, ports: Sequence[int]) -> list[socket.socket]:
    """Open a socket for each port; OSError if one is not available."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened: list[socket.socket] = []
    try:
        for port in ports:
            opened.append(socket.create_server((host, port), family=family, backlog=2048))
    except OSError:
        for each in opened:
            each.close()
        raise
    return opened
