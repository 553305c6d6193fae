"""Internal routes of every service, for operators and for upload's final check."""

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
from docstore_platform.errors import Conflict, not_found
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX
from docstore_platform.mongodb.client import Database
from docstore_platform.security.service_identity import callers
from docstore_platform.service.app import json_response
from docstore_platform.services import ServiceName

PendingWork = Callable[[set[str]], Awaitable[set[str]]]
"""Returns those of the handled events that this service still has work for."""


def operations_router(
    runtime: EventRuntime,
    database: Database,
    *,
    republishers: Sequence[ServiceName] = (),
    waiting: Sequence[ServiceName] = (),
    pending_events: PendingWork | None = None,
) -> APIRouter:
    """Return the `/internal` routes of one service's dead letters, inbox and outbox.

    Only `republishers` may have events republished; only those `waiting` may ask for acknowledgements.
    """
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["events"])
    operators = [callers("gateway")]

    @router.get("/health", dependencies=operators, response_model=described(Health))
    async def health() -> Response:
        """Get consumer lag of this instance, and outbox and dead letters of the service."""
        return json_response(await runtime.health())

    @router.get("/dead-letters", dependencies=operators, response_model=described(DeadLetterList))
    async def list_dead_letters(after: str = "", limit: Annotated[int, Query(ge=1, le=500)] = 100) -> Response:
        """List dead letters after this id."""
        dead_letters = await runtime.dead_letters.page(after, limit)
        return json_response(
            DeadLetterList(items=[dead_letter.summary(runtime.service) for dead_letter in dead_letters])
        )

    @router.post("/dead-letters/{letter_id}/replay", dependencies=operators, response_model=described(Replayed))
    async def replay_dead_letter(letter_id: str) -> Response:
        """Replay a dead letter and those that wait behind it."""
        dead_letter = await runtime.dead_letters.get(letter_id)
        if dead_letter is None:
            raise not_found("dead letter")
        replayed, error = await runtime.replay(dead_letter)
        return json_response(Replayed(replayed=replayed, error=error))

    @router.delete("/dead-letters/{letter_id}", status_code=204, dependencies=operators)
    async def discard_dead_letter(letter_id: str) -> None:
        """Discard an unreadable dead letter; a readable one can only be replayed."""
        if await runtime.dead_letters.discard(letter_id):
            return
        if await runtime.dead_letters.get(letter_id) is None:
            raise not_found("dead letter")
        raise Conflict("This dead letter is readable. Fix the cause and replay it.", code="letter_readable")

    republishing = [callers("gateway", *republishers)]

    @router.post("/events/republish", dependencies=republishing, response_model=described(Republished))
    async def republish_events(body: RepublishRequest) -> Response:
        """Republish events of this service under their old ids; consumers ignore those they have handled."""
        since = body.get("since")
        again = runtime.republish_since(since) if since else runtime.republish(body.get("event_ids", []))
        return json_response(Republished(republished=await again))

    @router.post("/events/settled", dependencies=[callers(*waiting)], response_model=described(Acknowledged))
    async def acknowledged_events(body: AcknowledgedRequest) -> Response:
        """List which of these events this service has handled, with no work left."""
        handled = await runtime.inbox.handled(body["event_ids"])
        if handled and pending_events is not None:
            handled -= await pending_events(handled)
        return json_response(Acknowledged(settled=sorted(handled)))

    return router
