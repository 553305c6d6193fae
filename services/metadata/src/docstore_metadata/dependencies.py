"""What routes of several features share: parameters, routes that bypass FastAPI, the response with one file."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from docstore_metadata.display_names import DisplayNames
from docstore_metadata.paging import MAX_LIMIT
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.views.presentation import named_json, people_of
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.security.tokens import Principal, current_principal
from docstore_platform.service.app import json_response

IfMatch = Annotated[str | None, Header()]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
NO_STORE = {"cache-control": "private, no-store"}
"""Also keeps the gateway from storing the response for an Idempotency-Key."""


def public_router(tag: str, route_class: type[APIRoute] = APIRoute) -> APIRouter:
    return APIRouter(prefix=PUBLIC_PREFIX, tags=[tag], route_class=route_class)


async def file_response(names: DisplayNames, principal: Principal, place: Place, status: int = 200) -> Response:
    """One file or folder that the caller may read, with the names of its people."""
    names_by_id = await names.of(people_of(place.node))
    return json_response(named_json(place, principal.account_id, names_by_id), status, {"etag": place.node.etag})


class DirectRoute(APIRoute):
    """Calls its endpoint with the request, the caller and the path's parameters.

    FastAPI's analysis of an endpoint's parameters takes a third of such a call. The documentation stays the same.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app = self._call

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        principal = await current_principal(request)
        response: Response = await self.endpoint(request=request, principal=principal, **scope["path_params"])
        await response(scope, receive, send)


def query_parameter(name: str, description: str, **schema: Any) -> dict[str, Any]:
    """Documentation of a parameter that a direct route reads by itself."""
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string", **schema}}
