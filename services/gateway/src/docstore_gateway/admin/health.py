"""State of every service: readiness, lag, pending work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from docstore_contracts.operations import Health, OperationsClient
from docstore_platform.clock import rfc3339, utc_now
from docstore_platform.errors import DomainError

RESPONSE_SECONDS = 3.0
LAGGING_EVENTS = 1000
LATE_SECONDS = 60.0

GetHealth = Callable[[], Awaitable[Health]]


class HealthService:
    """Asks all services concurrently. Figures are those of the instance that responds."""

    def __init__(self, clients: Mapping[str, OperationsClient], own: Mapping[str, GetHealth]) -> None:
        self._clients = clients
        self._own = own

    async def report(self) -> dict[str, Any]:
        """Return each service's state; the whole is `ok` only if every service is."""
        names = sorted(self._clients)
        states = [_state_of(name, await ask(), ready=True) for name, ask in self._own.items()]
        states += await asyncio.gather(*map(self._state, names))
        states.sort(key=lambda state: str(state["name"]))
        worst = "ok" if all(state["status"] == "ok" for state in states) else "degraded"
        return {"status": worst, "at": rfc3339(utc_now()), "services": states}

    async def _state(self, name: str) -> dict[str, Any]:
        try:
            async with asyncio.timeout(RESPONSE_SECONDS):
                found = await self._clients[name].readiness()
                figures = await self._clients[name].health()
        except (ConnectionError, TimeoutError, DomainError) as error:
            return {"name": name, "status": "unreachable", "failed": {"call": str(error) or "no response in time"}}
        return _state_of(name, figures, ready=found["ready"], failed=found["failed"])


def _state_of(
    name: str, figures: Health, *, ready: bool, failed: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    late = figures["outbox"]["oldest_seconds"] > LATE_SECONDS
    lagging = sum(figures["lag"].values()) > LAGGING_EVENTS
    behind = late or lagging or figures["dead_letters"] or failed
    status = "unavailable" if not ready else "degraded" if behind else "ok"
    return {"name": name, "status": status, "failed": dict(failed), **figures}
