"""The gateway's own routes: the operators' dead letters, the API's description and its pages."""

import hashlib
from datetime import timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from docstore_gateway import answers
from docstore_gateway.admin_events import FeedStream
from docstore_gateway.admin_health import HealthDesk
from docstore_gateway.dead_letters import DeadLetterDesk
from docstore_gateway.settings import GatewaySettings
from docstore_gateway.sse import LATEST, EventStream
from docstore_platform.bodies import Body
from docstore_platform.clock import Clock, rfc3339, utc_now
from docstore_platform.problems import Problem, not_found
from docstore_platform.tokens import Principal, bearer_token, current_principal
from docstore_platform.values import Cursor, Moment
from docstore_platform.web import json_response

OPENAPI_FILE = "openapi.json"
UI_PACKAGE = "fastapi_offline"
UI_FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}
SECURITY_TXT_VALID = timedelta(days=180)
CACHE_A_DAY = "public, max-age=86400"


class Republish(Body):
    since: Moment


async def _admin(principal: Annotated[Principal, Depends(current_principal)]) -> Principal:
    if not principal.is_admin:
        raise Problem(403, "forbidden", "This is for operators.")
    return principal


def operators_router(desk: DeadLetterDesk, health: HealthDesk) -> APIRouter:
    """Public routes under `/v1` that the gateway answers itself."""
    router = APIRouter(dependencies=[Depends(_admin)])

    @router.get("/admin/health", response_model=answers.HealthReport)
    async def get_health() -> Response:
        """How every service is: ready or not, events it has still to read or say, dead letters."""
        return json_response(await health.report())

    @router.get("/admin/events", response_class=_Streamed, status_code=200)
    async def watch_events(
        request: Request,
        principal: Annotated[Principal, Depends(_admin)],
        topic: Annotated[list[str] | None, Query(description="Only these topics; all if none is named.")] = None,
    ) -> Response:
        """Everything that the services say, as they say it, as server-sent events; nothing of before."""
        token = bearer_token(request.headers.get("authorization"))
        return _Streamed(request.app.state.feed_streams(principal, token, topic or ()))

    @router.get("/admin/dead-letters", response_model=answers.DeadLetterPage)
    async def list_dead_letters(cursor: Cursor = None, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Response:
        """Events that services could not handle, with the reason, by service and id."""
        return json_response(await desk.page(cursor, limit))

    @router.post("/admin/dead-letters/{letter_id}/replay", response_model=answers.Replay)
    async def replay_dead_letter(letter_id: str) -> Response:
        """Have the service handle the event again, and those of the same aggregate that wait behind it."""
        return json_response(await desk.replay(letter_id))

    @router.delete("/admin/dead-letters/{letter_id}", status_code=204)
    async def discard_dead_letter(letter_id: str) -> None:
        """Give up a message that can't be read. One that can is answered with 409: it is to be replayed."""
        await desk.discard(letter_id)

    @router.post("/admin/events/republish", response_model=answers.Republished)
    async def republish_events(body: Republish) -> Response:
        """Have every service send again what it said since a moment; who has handled an event ignores it."""
        return json_response(await desk.republish(body.since))

    return router


class _Streamed(Response):
    """An answer that goes on until its client leaves."""

    media_type = "text/event-stream"

    def __init__(self, stream: EventStream | FeedStream) -> None:
        super().__init__()
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._stream.serve(scope, receive, send)


def events_router() -> APIRouter:
    """The stream of changes and notifications."""
    router = APIRouter()

    @router.get("/events", response_class=_Streamed, status_code=200)
    async def stream_events(
        request: Request,
        principal: Annotated[Principal, Depends(current_principal)],
        last_event_id: Annotated[str | None, Query(description="Where to go on, for who can't set the header.")] = None,
        last_event: Annotated[str | None, Header(alias="Last-Event-ID", description="Where to go on.")] = None,
    ) -> Response:
        """Changes (`change`, its id is a cursor) and notifications as they come, as server-sent events.

        Begins after the given event, else with what comes from now on. Ends with `cursor_expired` or `token_expired`.
        """
        token = bearer_token(request.headers.get("authorization"))
        stream = request.app.state.event_streams(principal, token, begin=last_event or last_event_id or LATEST)
        return _Streamed(stream)

    return router


def pages_router(settings: GatewaySettings, now: Clock = utc_now) -> APIRouter:
    """The API's description, and pages that need nothing from other sites."""
    router = APIRouter()

    @router.get("/.well-known/security.txt")
    async def security_txt() -> Response:
        """Whom to tell of a vulnerability (RFC 9116)."""
        if not settings.security_contact:
            raise not_found("page")
        lines = [
            f"Contact: {settings.security_contact}",
            f"Expires: {rfc3339(now() + SECURITY_TXT_VALID)}",
            f"Canonical: {settings.infra.public_url.rstrip('/')}/.well-known/security.txt",
            "Preferred-Languages: en",
        ]
        return Response("\n".join(lines) + "\n", media_type="text/plain; charset=utf-8")

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        return HTMLResponse(_page("docs.html"), headers=PAGE_HEADERS)

    @router.get("/docs/start.js")
    async def start() -> Response:
        return Response(_page("docs.js"), media_type="text/javascript")

    @router.get("/docs/assets/{name}")
    async def asset(name: str) -> Response:
        if name not in UI_FILES:
            raise not_found("page")
        content = files(UI_PACKAGE).joinpath("static", name).read_bytes()
        return Response(content, media_type=UI_FILES[name], headers={"Cache-Control": CACHE_A_DAY})

    @router.get("/openapi.json")
    async def openapi(request: Request) -> Response:
        text, etag = _openapi()
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return Response(text, media_type="application/json", headers={"ETag": etag, "Cache-Control": "no-cache"})

    return router


def _page(name: str) -> str:
    return files("docstore_gateway").joinpath("pages", name).read_text("utf-8")


@lru_cache(maxsize=1)
def _openapi() -> tuple[bytes, str]:
    text = files("docstore_gateway").joinpath(OPENAPI_FILE).read_bytes()
    return text, f'"{hashlib.sha256(text).hexdigest()[:16]}"'
