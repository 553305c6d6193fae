"""Reads of contents from a replica in another region while this region's store is away.

The operator's store replicates contents (S3 replication, SeaweedFS); nothing is ever written to the replica here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from prometheus_client import Gauge

from docstore_contents.s3.cdn import SignedCookies
from docstore_contents.s3.presigned import S3Config
from docstore_contents.s3.store import ObjectStore, ObjectStoreError, Tail
from docstore_platform.clock import Clock, utc_now
from docstore_platform.settings import InfraSettings

log = structlog.get_logger(__name__)

reads_from_replica = Gauge(
    "docstore_store_reads_from_replica", "1 while contents are read from the replica in another region"
)

PROBED_KEY = "accounts/probe"
"""There is no such object: a store that responds so is reachable."""
PROBE_SECONDS = 3.0
PROBES_TO_SWITCH = 3
"""As many in a row, so that one lost request redirects no reads."""


def replica_config(settings: InfraSettings) -> S3Config | None:
    """The replica of the content bucket; None if the operator has none."""
    if not settings.s3_replica_endpoint:
        return None
    key_id, secret = settings.s3_replica_access_key_id, settings.s3_replica_secret_access_key
    return replace(
        S3Config.of(settings),
        endpoint=settings.s3_replica_endpoint,
        public_endpoint=settings.public_s3_replica,
        region=settings.s3_replica_region,
        bucket=settings.s3_replica_bucket,
        access_key_id=(key_id or settings.s3_access_key_id).get_secret_value(),
        secret_access_key=(secret or settings.s3_secret_access_key).get_secret_value(),
        cdn=None,  # its origin is the home store
    )


@dataclass(slots=True)
class Switch:
    """Decides which store is read: a circuit breaker fed by probes, not by requests."""

    on_replica: bool = False
    _against: int = 0

    def record(self, *, home: bool, replica: bool) -> bool:
        """Take the result of a probe of both; return whether that changes the store that is read."""
        wanted = not home and replica if not self.on_replica else not home
        self._against = self._against + 1 if wanted != self.on_replica else 0
        if self._against < PROBES_TO_SWITCH:
            return False
        self.on_replica, self._against = wanted, 0
        return True


class FailoverReads:
    """Reads contents, and signs URLs to them, at the home store or at its replica. Without a replica: at home."""

    def __init__(self, home: ObjectStore, replica: S3Config | None, clock: Clock = utc_now) -> None:
        self._home = home
        self._replica = ObjectStore(replica, clock) if replica else None
        self._switch = Switch()
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._replica is not None:
            await self._closing.enter_async_context(self._replica)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._closing.aclose()

    @property
    def _current(self) -> ObjectStore:
        return self._replica if self._replica is not None and self._switch.on_replica else self._home

    async def probe(self) -> None:
        """Ask both stores whether they respond, and change over if it is time to."""
        if self._replica is None:
            return
        home, replica = await asyncio.gather(_responds(self._home.head), _responds(self._replica.head))
        if self._switch.record(home=home, replica=replica):
            log.warning("store_switched", to_replica=self._switch.on_replica, bucket=self._current.config.bucket)
        reads_from_replica.set(self._switch.on_replica)

    def presign_get(
        self, key: str, *, filename: str, content_type: str, expires_in: int, by_cookies: bool = False
    ) -> str:
        return self._current.presign_get(
            key, filename=filename, content_type=content_type, expires_in=expires_in, by_cookies=by_cookies
        )

    def cookies(self, prefix: str, *, expires_in: int) -> SignedCookies | None:
        return self._current.cookies(prefix, expires_in=expires_in)

    async def get(self, key: str) -> bytes:
        return await self._current.get(key)

    async def get_range(self, key: str, start: int, length: int, *, etag: str | None = None) -> bytes:
        return await self._current.get_range(key, start, length, etag=etag)

    async def get_tail(self, key: str, length: int) -> Tail:
        return await self._current.get_tail(key, length)

    async def download(self, key: str, path: Path, max_bytes: int) -> int:
        return await self._current.download(key, path, max_bytes)


async def _responds(head: Callable[[str], Awaitable[object]]) -> bool:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await head(PROBED_KEY)
    except (ObjectStoreError, TimeoutError):
        return False
    return True
