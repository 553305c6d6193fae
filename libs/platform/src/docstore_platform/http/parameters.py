"""Query parameters: a route refuses those that it does not declare, so that a misspelt filter is never ignored."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from fastapi import params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from docstore_platform.http.problems import Problem, field_place
from docstore_platform.http.routes import INTERNAL_PREFIX, PUBLIC_PREFIX

UNKNOWN_PARAMETER = "unknown_parameter"


class DeclaredParameters:
    """ASGI app of a route: 400 `unknown_parameter` for a query parameter outside its OpenAPI description."""

    def __init__(self, app: ASGIApp, route: APIRoute) -> None:
        self._app = app
        names = [each.alias for each in get_flat_params(route.dependant) if isinstance(each.field_info, params.Query)]
        patterns = []
        for described in (route.openapi_extra or {}).get("parameters", ()):
            if described.get("explode"):  # each property of the object is a parameter of its own
                patterns += described["schema"]["patternProperties"]
            else:
                names.append(described["name"])
        self._names = frozenset(names)
        self._plain = frozenset(name.encode() for name in names)
        self._patterns = [re.compile(pattern) for pattern in patterns]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["query_string"]:
            self._check(scope["query_string"])
        await self._app(scope, receive, send)

    def _check(self, query: bytes) -> None:
        if all(pair.partition(b"=")[0] in self._plain for pair in query.split(b"&")):
            return
        for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
            if name not in self._names and not any(pattern.search(name) for pattern in self._patterns):
                shown = field_place((name,))
                raise Problem(400, UNKNOWN_PARAMETER, f"There is no query parameter {shown} here.", parameter=shown)


def refuse_unknown_parameters(routes: Iterable[BaseRoute]) -> None:
    """Check the query of each public and internal route.

    Not of pages and health checks: browsers, mail programs and load balancers add parameters of their own.
    """
    for route in routes:
        if isinstance(route, APIRoute) and route.path.startswith((PUBLIC_PREFIX, INTERNAL_PREFIX)):
            route.app = DeclaredParameters(route.app, route)
