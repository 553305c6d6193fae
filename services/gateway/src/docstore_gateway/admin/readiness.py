"""Readiness of the system: the gateway's own components and every service's `/readyz`."""

import asyncio
import time
from collections.abc import Mapping

from docstore_platform.errors import DomainError
from docstore_platform.service.app import Check
from docstore_platform.service.client import Transport

CACHED_SECONDS = 1.0
RESPONSE_SECONDS = 3.0


class ServicesReady:
    """Asks all services concurrently, at most once a second for any number of probes."""

    def __init__(self, transports: Mapping[str, Transport]) -> None:
        self._transports = transports
        self._asked_at = float("-inf")
        self._failed: dict[str, str] = {}
        self._lock = asyncio.Lock()

    def check(self, name: str) -> Check:
        """A readiness check of one service."""

        async def check_service() -> None:
            failed = await self._snapshot()
            if name in failed:
                raise RuntimeError(failed[name])

        return check_service

    async def _snapshot(self) -> dict[str, str]:
        async with self._lock:
            if time.monotonic() - self._asked_at > CACHED_SECONDS:
                results = await asyncio.gather(*(self._ask(name) for name in self._transports))
                self._failed = dict(response for response in results if response is not None)
                self._asked_at = time.monotonic()
            return self._failed

    async def _ask(self, name: str) -> tuple[str, str] | None:
        """Return why the service is not ready. A stopping instance is not, and closes the connection: the second
        request reaches another one.
        """
        return await self._ask_once(name) and await self._ask_once(name)

    async def _ask_once(self, name: str) -> tuple[str, str] | None:
        try:
            async with asyncio.timeout(RESPONSE_SECONDS):
                response = await self._transports[name].send("GET", "/readyz", {}, b"")
        except (ConnectionError, TimeoutError, DomainError) as error:
            return name, f"no response: {error}"
        if response.status != 200:
            return name, f"status {response.status}"
        return None
