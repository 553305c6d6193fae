"""HTTP routes of operators: health of the services, dead letters and events."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from docstore_gateway.admin.backups import BackupsService
from docstore_gateway.admin.consistency import ConsistencyService
from docstore_gateway.admin.dead_letters import DeadLetterService
from docstore_gateway.admin.health import HealthService
from docstore_gateway.admin.logs import LogFilter, LogService
from docstore_gateway.admin.schemas import (
    Backups,
    Checks,
    ConsistencyCheck,
    ConsistencyPage,
    DeadLetterPage,
    HealthReport,
    LogPage,
    Replay,
    Republish,
    Republished,
)
from docstore_gateway.push.stream import StreamResponse
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.http.values import Cursor, Moment
from docstore_platform.security.tokens import Principal, administrator, bearer_token
from docstore_platform.service.app import json_response

Level = Literal["debug", "info", "warning", "error", "critical"]


def operation_router(health: HealthService, backups: BackupsService, logs: LogService) -> APIRouter:
    """Return the routes of the services' state, backups and logs."""
    router = APIRouter(prefix=PUBLIC_PREFIX, dependencies=[Depends(administrator)])

    @router.get("/admin/health", response_model=HealthReport)
    async def get_health() -> Response:
        """Get the state of every service: readiness, unread and unpublished events, dead letters."""
        return json_response(await health.report())

    @router.get("/admin/backups", response_model=Backups)
    async def get_backups() -> Response:
        """Get the state of the stack's scheduled backups."""
        return json_response(backups.report())

    @router.post("/admin/backups", response_model=Backups, status_code=202)
    async def request_backup() -> Response:
        """Have a backup taken as soon as possible. 409 `backups_not_scheduled` where the stack takes none."""
        return json_response(backups.request(), 202)

    @router.get("/admin/logs", response_model=LogPage)
    async def search_logs(
        service: Annotated[str, Query(max_length=64, description="Only this service.")] = "",
        level: Annotated[Level, Query(description="This level and worse ones.")] = "debug",
        trace_id: Annotated[str, Query(max_length=32, description="Only this trace, in all services.")] = "",
        contains: Annotated[str, Query(max_length=256, description="Only lines with this text.")] = "",
        before: Annotated[Moment | None, Query(description="Only older lines.")] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Response:
        """Search the logs of all services. 409 `logs_not_stored` where another system collects them."""
        return json_response(await logs.search(LogFilter(service, level, trace_id, contains, before), limit))

    return router


def admin_events_router(dead_letters: DeadLetterService) -> APIRouter:
    """Return the routes of events and of those that could not be handled."""
    router = APIRouter(prefix=PUBLIC_PREFIX, dependencies=[Depends(administrator)])

    @router.get("/admin/events", response_class=StreamResponse, status_code=200)
    async def stream_admin_events(
        request: Request,
        principal: Annotated[Principal, Depends(administrator)],
        topic: Annotated[list[str] | None, Query(description="Only these topics; default: all.")] = None,
    ) -> Response:
        """Stream all events from now on, as server-sent events."""
        token = bearer_token(request.headers.get("authorization"))
        return StreamResponse(request.app.state.feed_streams(principal, token, topic or ()))

    @router.get("/admin/dead-letters", response_model=DeadLetterPage)
    async def list_dead_letters(cursor: Cursor = None, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Response:
        """List events that services could not handle, with the reason, by service and id."""
        return json_response(await dead_letters.page(cursor, limit))

    @router.post("/admin/dead-letters/{letter_id}/replay", response_model=Replay)
    async def replay_dead_letter(letter_id: str) -> Response:
        """Replay a dead letter, and those of the same aggregate that wait behind it."""
        return json_response(await dead_letters.replay(letter_id))

    @router.delete("/admin/dead-letters/{letter_id}", status_code=204)
    async def discard_dead_letter(letter_id: str) -> None:
        """Discard an unreadable message. 409 for a readable one: it can only be replayed."""
        await dead_letters.discard(letter_id)

    @router.post("/admin/events/republish", response_model=Republished)
    async def republish_events(body: Republish) -> Response:
        """Have every service republish its events since a moment; consumers ignore those they have handled."""
        return json_response(await dead_letters.republish(body.since))

    return router


def verification_router(consistency: ConsistencyService) -> APIRouter:
    """Return the routes that check what services store."""
    router = APIRouter(prefix=PUBLIC_PREFIX, dependencies=[Depends(administrator)])

    @router.get("/admin/verify", response_model=Checks)
    async def list_consistency_checks() -> Response:
        """List the checks of `POST /v1/admin/verify`, in the order in which they should run."""
        return json_response(consistency.checks())

    @router.post("/admin/verify", response_model=ConsistencyPage)
    async def verify_consistency(body: ConsistencyCheck) -> Response:
        """Check whether what one service stores fits together, and with what others store; one page of it.

        Go on with `next_cursor` until it is null. Findings are looked at twice before they are reported.
        """
        options = {"repair": body.repair, "checksums": body.checksums}
        return json_response(await consistency.check(body.check, body.cursor, body.limit, **options))

    return router
