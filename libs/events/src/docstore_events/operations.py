"""Internal routes every service has for its operators and for the upload workflow's final check."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from docstore_contracts.operations import (
    Acknowledged,
    AcknowledgedRequest,
    DeadLetterList,
    Health,
    Replayed,
    Republished,
    RepublishRequest,
)
from docstore_events.runtime import EventRuntime
from docstore_platform.answers import described
from docstore_platform.errors import Conflict, not_found
from docstore_platform.mongo import Database
from docstore_platform.routes import INTERNAL_PREFIX
from docstore_platform.service_identity import callers
from docstore_platform.services import ServiceName
from docstore_platform.web import json_response

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

    @router.get("/health", dependencies=operators, response_model=described(Health))
    async def health() -> Response:
        """Lag, outbox and dead letters: of the instance that answers, or of the service where they are shared."""
        return json_response(await runtime.health())

    @router.get("/dead-letters", dependencies=operators, response_model=described(DeadLetterList))
    async def list_dead_letters(after: str = "", limit: Annotated[int, Query(ge=1, le=500)] = 100) -> Response:
        """Dead letters after this id."""
        letters = await runtime.dead_letters.page(after, limit)
        body: DeadLetterList = {"items": [letter.summary(runtime.service) for letter in letters]}
        return json_response(body)

    @router.post("/dead-letters/{letter_id}/replay", dependencies=operators, response_model=described(Replayed))
    async def replay_dead_letter(letter_id: str) -> Response:
        """Handle a dead letter again, and those that wait behind it."""
        letter = await runtime.dead_letters.get(letter_id)
        if letter is None:
            raise not_found("dead letter")
        replayed, error = await runtime.replay(letter)
        body: Replayed = {"replayed": replayed, "error": error}
        return json_response(body)

    @router.delete("/dead-letters/{letter_id}", status_code=204, dependencies=operators)
    async def discard_dead_letter(letter_id: str) -> None:
        """Only one that can't be read: an event that could be is never given up."""
        if await runtime.dead_letters.discard(letter_id):
            return
        if await runtime.dead_letters.get(letter_id) is None:
            raise not_found("dead letter")
        raise Conflict("This letter can be read: put right what it fails for and replay it.", code="letter_readable")

    republishing = [callers("gateway", *republishers)]

    @router.post("/events/republish", dependencies=republishing, response_model=described(Republished))
    async def republish_events(body: RepublishRequest) -> Response:
        """Send events of this service again, under their old ids: who has handled them ignores them."""
        since = body.get("since")
        again = runtime.republish_since(since) if since else runtime.republish(body.get("event_ids", []))
        republished: Republished = {"republished": await again}
        return json_response(republished)

    @router.post("/events/settled", dependencies=[callers(*waiting)], response_model=described(Acknowledged))
    async def acknowledged_events(body: AcknowledgedRequest) -> Response:
        """Which events this service is done with: handled, and nothing left to do that follows from them."""
        handled = await runtime.inbox.handled(body["event_ids"])
        if handled and unsettled is not None:
            handled -= await unsettled(handled)
        acknowledged: Acknowledged = {"settled": sorted(handled)}
        return json_response(acknowledged)

    return router
