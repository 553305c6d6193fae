"""Query parameters: a route refuses those that it does not declare, so that a misspelt filter is never ignored."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from fastapi import params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from docstore_platform.domain.custom_metadata import (
    INVALID_METADATA,
    MAX_PAIRS,
    MAX_VALUE_CHARS,
    NAME_PATTERN,
    check_metadata,
)
from docstore_platform.errors import invalid
from docstore_platform.http.problems import Problem, field_place
from docstore_platform.http.routes import INTERNAL_PREFIX, PUBLIC_PREFIX

UNKNOWN_PARAMETER = "unknown_parameter"
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"
_METADATA_PREFIX = "meta."
METADATA_FILTER = {
    "name": "meta",
    "in": "query",
    "style": "form",
    "explode": True,
    "description": "Only items with exactly this custom metadata: `meta.author=Ada`. Several: all of them.",
    "schema": {
        "type": "object",
        "maxProperties": MAX_PAIRS,
        "patternProperties": {
            rf"^meta\.{NAME_PATTERN}$": {"type": "string", "maxLength": MAX_VALUE_CHARS, "pattern": PRINTABLE}
        },
        "additionalProperties": False,
    },
}
"""Documentation of the parameters that `metadata_filter` reads."""


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


def metadata_filter(parameters: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the pairs of `meta.NAME=VALUE`; 422 `invalid_metadata` for those that no file can have."""
    given = [(name, value) for name, value in parameters if name.startswith(_METADATA_PREFIX)]
    if len(given) > MAX_PAIRS:
        raise invalid(f"At most {MAX_PAIRS} pairs can be filtered by.", INVALID_METADATA)
    return tuple(
        pair for name, value in given for pair in check_metadata({name.removeprefix(_METADATA_PREFIX): value}).items()
    )
