"""HTTP client for untrusted addresses: calls permitted IP addresses only, without redirects or proxies.

The name is resolved once, all its addresses must be permitted, and the connection goes to one of these addresses, not
to the name. The last check is at the socket, on the address it is about to connect to. So no other connection is made,
in whatever form a host is written and however often its DNS changes.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from docstore_notify.channels.safe_http.public_addresses import AddressRule, Network
from docstore_platform.telemetry.tracing import client_span, http_answered, http_call

MAX_RESPONSE_BYTES = 4096
LOOK_UPS = 32
"""Concurrent look-ups: many, since a name server without a response blocks a thread beyond the timeout."""

LookUp = Callable[[str, int], Awaitable[Collection[str]]]
"""Resolves a name to addresses. Raises OSError."""


log = structlog.get_logger(__name__)


class ForbiddenAddress(Exception):
    """The address is not permitted; no connection was made."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    status: int
    headers: Mapping[str, str]
    """Keys of any case."""
    body: bytes
    """The first 4 KB; less if the rest did not arrive in time."""


class SafeHttp:
    """A client for POSTs. `allowed`: permitted networks that are not public; `look_up` and `tls`: for tests."""

    def __init__(
        self,
        allowed: Collection[Network],
        seconds: float,
        *,
        look_up: LookUp | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._rule = AddressRule(allowed)
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(LOOK_UPS, thread_name_prefix="webhook-dns")
        self._look_up = look_up or self._system_look_up
        self._tls = tls or True  # the system's authorities
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpResponse:
        """Send a POST. Raises ForbiddenAddress, aiohttp.InvalidURL, TimeoutError, or aiohttp.ClientError."""
        address = _address(url)
        # Many receivers trust whoever knows their URL, so that traces must not contain it.
        with client_span("POST", lambda: http_call("POST", address), with_messages=False) as current:
            async with self._opened().post(address, data=body, headers=headers, allow_redirects=False) as response:
                http_answered(current, response.status)
                result = HttpResponse(response.status, response.headers, await _beginning(response))
                response.close()
                return result

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=_CheckingResolver(self._look_up, self._rule),
                use_dns_cache=False,
                socket_factory=self._socket,
                ssl=self._tls,
                force_close=True,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=self._seconds, ceil_threshold=60),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                headers={"User-Agent": "DocStore-Webhooks/1.0", "Accept-Encoding": "identity"},
            )
        return self._session

    def _socket(self, connection: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, (address, *_) = connection
        if not self._rule.permits(str(address)):
            raise ForbiddenAddress
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    async def _system_look_up(self, host: str, port: int) -> Collection[str]:
        find = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, find)
        return [str(sockaddr[0]) for *_, sockaddr in found]


class _CheckingResolver(AbstractResolver):
    """Refuses a name if any of its addresses is not permitted."""

    def __init__(self, look_up: LookUp, rule: AddressRule) -> None:
        self._look_up = look_up
        self._rule = rule

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = list(dict.fromkeys(await self._look_up(host, port)))
        forbidden = [address for address in addresses if not self._rule.permits(address)]
        if forbidden:
            log.info("webhook_address_forbidden", host=host, address=forbidden[0])
            raise ForbiddenAddress
        if not addresses:
            raise OSError(None, f"{host} has no address")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
            for address in addresses
        ]

    async def close(self) -> None:
        return None


def _address(url: str) -> URL:
    try:
        return URL(url)
    except ValueError as error:
        raise aiohttp.InvalidURL(url) from error


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """Read the start of the body; the status is decisive, so a slow or truncated rest is ignored."""
    read = bytearray()
    try:
        while len(read) < MAX_RESPONSE_BYTES:
            chunk = await response.content.read(MAX_RESPONSE_BYTES - len(read))
            if not chunk:
                break
            read += chunk
    except (TimeoutError, aiohttp.ClientError):
        pass
    return bytes(read)
