"""Internal API of every service: health, dead letters, republished and acknowledged events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, NotRequired

from pydantic import AwareDatetime, Field
from typing_extensions import TypedDict

from docstore_contracts.caller import MAX_ITEMS, Client, Timestamp

EventIds = Annotated[list[str], Field(max_length=MAX_ITEMS)]


class Readiness(TypedDict):
    ready: bool
    failed: dict[str, str]
    """Errors by failing component."""


class OutboxHealth(TypedDict):
    pending: int
    oldest_seconds: float


class Health(TypedDict):
    """Consumer lag of the instance that responds; outbox and dead letters of the service."""

    consumes: bool
    joined: bool
    lag: dict[str, int]
    """Events not yet handled, by topic."""
    outbox: OutboxHealth
    dead_letters: int


class DeadLetterSummary(TypedDict):
    id: str
    service: str
    topic: str
    key: str
    position: str
    type: str
    reason: str
    error: str
    at: Timestamp
    value: str


class DeadLetterList(TypedDict):
    items: list[DeadLetterSummary]


class Replayed(TypedDict):
    replayed: int
    """Events that were handled, including those that had waited behind it."""
    error: str | None


class RepublishRequest(TypedDict):
    """Either event ids, or all events since a moment before the broker lost them."""

    event_ids: NotRequired[EventIds]
    since: NotRequired[AwareDatetime | None]


class Republished(TypedDict):
    republished: int


class AcknowledgedRequest(TypedDict):
    event_ids: EventIds


class Acknowledged(TypedDict):
    settled: list[str]


class OperationsClient(Client):
    async def openapi(self) -> dict[str, Any]:
        """The service's internal OpenAPI document."""
        document: dict[str, Any] = await self._call("GET", "/internal/openapi.json")
        return document

    async def readiness(self) -> Readiness:
        readiness: Readiness = await self._call("GET", "/internal/readiness")
        return readiness

    async def health(self) -> Health:
        health: Health = await self._call("GET", "/internal/health")
        return health

    async def dead_letters(self, after: str, limit: int) -> list[DeadLetterSummary]:
        """Return dead letters by id."""
        response: DeadLetterList = await self._call("GET", f"/internal/dead-letters?after={after}&limit={limit}")
        return response["items"]

    async def replay_dead_letter(self, letter_id: str) -> Replayed:
        """Replay a dead letter and those that wait behind it; 404 if it does not exist."""
        replayed: Replayed = await self._call("POST", f"/internal/dead-letters/{letter_id}/replay")
        return replayed

    async def discard_dead_letter(self, letter_id: str) -> None:
        """Discard an unreadable dead letter; 404 if it does not exist, 409 if it is readable."""
        await self._call("DELETE", f"/internal/dead-letters/{letter_id}")

    async def republish_events(self, event_ids: Sequence[str] = (), since: datetime | None = None) -> int:
        """Have the service republish events under their old ids; return how many it had published before."""
        body: RepublishRequest = {"event_ids": list(event_ids), "since": since}
        response: Republished = await self._call("POST", "/internal/events/republish", body)
        return response["republished"]

    async def acknowledged_events(self, event_ids: Sequence[str]) -> list[str]:
        """Return the events that the service has handled, with no work left."""
        body: AcknowledgedRequest = {"event_ids": list(event_ids)}
        response: Acknowledged = await self._call("POST", "/internal/events/settled", body)
        return response["settled"]
