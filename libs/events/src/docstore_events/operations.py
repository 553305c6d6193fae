"""Internal routes every service has for its operators and for the upload workflow's final check."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from docstore_events.runtime import EventRuntime
from docstore_platform.mongo import Database
from docstore_platform.problems import Problem, not_found
from docstore_platform.routes import INTERNAL_PREFIX
from docstore_platform.service_identity import callers
from docstore_platform.services import ServiceName


class EventIds(BaseModel):
    event_ids: list[str] = Field(max_length=1000)


class ToRepublish(BaseModel):
    """Either events, or all that were sent since a moment before the broker lost them."""

    event_ids: list[str] = Field([], max_length=1000)
    since: AwareDatetime | None = None


Unsettled = Callable[[set[str]], Awaitable[set[str]]]
"""Of events that are handled, those from which work still follows in this service."""


def operations_router(
    runtime: EventRuntime,
    database: Database,
    *,
    republishers: Sequence[ServiceName] = (),
    waiting: Sequence[ServiceName] = (),
    unsettled: Unsettled | None = None,
) -> APIRouter:
    """Dead letters, inbox and outbox of one service, under `/internal`, for the gateway's operator routes.

    `republishers` may have events sent again too; those `waiting` may ask which events this service is done with.
    """
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["events"])
    operators = [callers("gateway")]

    @router.get("/health", dependencies=operators)
    async def health() -> dict[str, Any]:
        """Lag, outbox and dead letters: of the instance that answers, or of the service where they are shared."""
        return await runtime.health()

    @router.get("/dead-letters", dependencies=operators)
    async def list_dead_letters(after: str = "", limit: Annotated[int, Query(ge=1, le=500)] = 100) -> dict[str, Any]:
        letters = await runtime.dead_letters.page(after, limit)
        return {"items": [letter.summary(runtime.service) for letter in letters]}

    @router.post("/dead-letters/{letter_id}/replay", dependencies=operators)
    async def replay_dead_letter(letter_id: str) -> dict[str, Any]:
        letter = await runtime.dead_letters.get(letter_id)
        if letter is None:
            raise not_found("dead letter")
        replayed, error = await runtime.replay(letter)
        return {"replayed": replayed, "error": error}

    @router.delete("/dead-letters/{letter_id}", status_code=204, dependencies=operators)
    async def discard_dead_letter(letter_id: str) -> None:
        """Only one that can't be read: an event that could be is never given up."""
        if await runtime.dead_letters.discard(letter_id):
            return
        if await runtime.dead_letters.get(letter_id) is None:
            raise not_found("dead letter")
        raise Problem(409, "letter_readable", "This letter can be read: put right what it fails for and replay it.")

    @router.post("/events/republish", dependencies=[callers("gateway", *republishers)])
    async def republish_events(body: ToRepublish) -> dict[str, int]:
        """Send events of this service again, under their old ids: who has handled them ignores them."""
        if body.since is not None:
            return {"republished": await runtime.republish_since(body.since)}
        return {"republished": await runtime.republish(body.event_ids)}

    @router.post("/events/settled", dependencies=[callers(*waiting)])
    async def settled_events(body: EventIds) -> dict[str, list[str]]:
        """Which events this service is done with: handled, and nothing left to do that follows from them."""
        handled = await runtime.inbox.handled(body.event_ids)
        if handled and unsettled is not None:
            handled -= await unsettled(handled)
        return {"settled": sorted(handled)}

    return router
