"""HTTP route of the stream of changes and notifications."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response

from docstore_gateway.push.stream import LATEST, StreamResponse
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.security.tokens import Principal, bearer_token, current_principal


def events_router() -> APIRouter:
    """Return the route of the stream of changes and notifications."""
    router = APIRouter(prefix=PUBLIC_PREFIX)

    @router.get("/events", response_class=StreamResponse, status_code=200)
    async def stream_events(
        request: Request,
        principal: Annotated[Principal, Depends(current_principal)],
        last_event_id: Annotated[str | None, Query(description="Id of the last event, if not in the header.")] = None,
        last_event: Annotated[str | None, Header(alias="Last-Event-ID", description="Id of the last event.")] = None,
    ) -> Response:
        """Stream changes (`change`, its id is a cursor) and notifications as server-sent events.

        Begins after the given event, by default now. Ends with `cursor_expired` or `token_expired`.
        """
        token = bearer_token(request.headers.get("authorization"))
        stream = request.app.state.event_streams(principal, token, begin=last_event or last_event_id or LATEST)
        return StreamResponse(stream)

    return router
