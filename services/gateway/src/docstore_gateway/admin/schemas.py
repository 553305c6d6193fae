"""What the gateway's own public routes answer, as the API's description shows it."""

from datetime import datetime
from typing import Literal

from docstore_platform.answers import Answer, Page, sometimes
from docstore_platform.bodies import Body
from docstore_platform.values import Moment


class OutboxHealth(Answer):
    """What a service has still to say."""

    pending: int
    """Events."""
    oldest_seconds: float
    """For how long the first of them waits."""


class ServiceHealth(Answer):
    """How one service is. Of one that can't be reached only `failed` is known."""

    name: str
    """Of the service."""
    status: Literal["ok", "degraded", "unavailable", "unreachable"]
    """`degraded`: it works, but is far behind or has dead letters."""
    failed: dict[str, str]
    """Parts that do not work, with the reason."""
    consumes: bool = sometimes()
    """Whether it hears events at all."""
    joined: bool = sometimes()
    """Whether it hears them now."""
    lag: dict[str, int] = sometimes()
    """Events it has still to hear, by topic."""
    outbox: OutboxHealth = sometimes()
    dead_letters: int = sometimes()
    """Messages that it could not handle."""


class HealthReport(Answer):
    """How every service is."""

    status: Literal["ok", "degraded"]
    """`ok` only if every service is."""
    at: datetime
    """When they were asked."""
    services: list[ServiceHealth]
    """By name."""


class DeadLetter(Answer):
    """A message that a service could not handle."""

    id: str
    """Service and event; what replaying and discarding take."""
    service: str
    """Who could not handle it."""
    topic: str
    """Where it was said."""
    key: str
    """The aggregate that the event is of."""
    position: str
    """Topic, partition and offset."""
    type: str
    """Of the event; `unknown` if it could not be read."""
    reason: str
    """`unreadable`, `failed`, `refused`, or `waits_for:` and the dead letter before it."""
    error: str
    """What went wrong, for people."""
    at: datetime
    """When it was dead-lettered."""
    value: str
    """The message's text."""


class DeadLetterPage(Page[DeadLetter]):
    """A page of the dead letters of all services."""

    unreachable: list[str]
    """Services that did not answer, whose letters are left out."""


class Replay(Answer):
    """How handling a letter again ended."""

    replayed: int
    """Events that were handled, those that waited behind it included."""
    error: str | None
    """Why no more were; null if all were."""


class Republished(Answer):
    """What services send again."""

    republished: dict[str, int]
    """Events, by service."""
    unreachable: list[str]
    """Services that did not answer."""


class Republish(Body):
    since: Moment
