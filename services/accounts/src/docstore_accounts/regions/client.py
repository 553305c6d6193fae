"""Signed calls between the accounts services of two regions, through the other region's gateway."""

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from docstore_accounts.settings import AccountsSettings
from docstore_platform.clock import Clock, utc_now
from docstore_platform.security.tokens import unauthorized
from docstore_platform.service.client import Transport, open_transport

REGION_HEADER = "x-docstore-region"
TIME_HEADER = "x-docstore-time"
SIGNATURE_HEADER = "x-docstore-signature"
MAX_AGE_SECONDS = 300
"""Most that clocks of two regions may differ. A request repeated within it is harmless: all are idempotent."""
REFUSALS = (400, 413, 422)
TRIES = 2
"""The other side may have just closed a kept connection."""


class RegionUnreachable(Exception):
    """No response, or one that a retry may change."""


class RegionRefused(Exception):
    """The region refuses this request, however often it is sent."""


def sign(secret: str, *, path: str, sender: str, receiver: str, time: str, body: bytes) -> str:
    """HMAC-SHA-256 over everything that the receiver acts on; a request to one region is invalid in another."""
    signed = "\n".join(("docstore-peer-1", path, sender, receiver, time, hashlib.sha256(body).hexdigest()))
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()


class OtherRegion(Protocol):
    """Client of another region's accounts service."""

    @property
    def name(self) -> str: ...

    @property
    def public_url(self) -> str: ...

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the region and return the response's JSON. Raises RegionUnreachable or RegionRefused."""


class Signatures:
    """Signs requests of this region and verifies those of others."""

    def __init__(self, settings: AccountsSettings, clock: Clock = utc_now) -> None:
        self._secret = settings.peer_secret.get_secret_value()
        self._here = settings.infra.region
        self._others = frozenset(settings.peers)
        self._clock = clock

    def headers(self, path: str, receiver: str, body: bytes) -> dict[str, str]:
        time = str(int(self._clock().timestamp()))
        signature = sign(self._secret, path=path, sender=self._here, receiver=receiver, time=time, body=body)
        return {
            "content-type": "application/json",
            REGION_HEADER: self._here,
            TIME_HEADER: time,
            SIGNATURE_HEADER: signature,
        }

    def sender(self, path: str, headers: Mapping[str, str], body: bytes) -> str:
        """Return the region that sent this; 401 if the signature is invalid or old."""
        refused = unauthorized("Only other regions of this DocStore can call this route.")
        sender, time = headers.get(REGION_HEADER, ""), headers.get(TIME_HEADER, "")
        wanted = sign(self._secret, path=path, sender=sender, receiver=self._here, time=time, body=body)
        given = headers.get(SIGNATURE_HEADER, "")
        if sender not in self._others or not hmac.compare_digest(given.encode(), wanted.encode()):
            raise refused
        if abs(self._clock().timestamp() - int(time)) > MAX_AGE_SECONDS:
            raise unauthorized("The clocks of the two regions differ too much.")
        return sender


class RegionClient:
    """Calls the other region's gateway over HTTP."""

    def __init__(self, region: str, settings: AccountsSettings, signatures: Signatures) -> None:
        self.name = region
        self.public_url = settings.peers[region].rstrip("/")
        self._seconds = settings.peer_timeout_seconds
        self._signatures = signatures
        self._transport: Transport = open_transport(settings.peer_links.get(region, self.public_url))

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        payload = orjson.dumps(body)
        try:
            async with asyncio.timeout(self._seconds):
                return await self._call(method, path, payload)
        except TimeoutError:
            raise RegionUnreachable(f"{self.name} did not respond within {self._seconds} s") from None

    async def ping(self) -> None:
        """Ask the region's gateway whether it responds. Raises RegionUnreachable."""
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._transport.send("GET", "/healthz", {}, b"")
        except (ConnectionError, TimeoutError) as error:
            raise RegionUnreachable(f"{self.name}: {error}") from error
        if response.status != 200:
            raise RegionUnreachable(f"{self.name} responded {response.status}")

    async def _call(self, method: str, path: str, payload: bytes) -> Any:
        for attempt in range(1, TRIES + 1):
            headers = self._signatures.headers(path, self.name, payload)
            try:
                response = await self._transport.send(method, path, headers, payload)
                break
            except ConnectionError as error:
                if attempt == TRIES:
                    raise RegionUnreachable(f"{self.name}: {error}") from error
        if response.status == 200:
            try:
                return response.json()
            except ValueError:
                raise RegionUnreachable(f"{self.name}: there is no DocStore") from None
        text = f"{self.name} responded {response.status}: {response.body[:200].decode(errors='replace')}"
        # Any other status depends on settings or time, not on this request.
        raise RegionRefused(text) if response.status in REFUSALS else RegionUnreachable(text)

    async def close(self) -> None:
        await self._transport.close()
