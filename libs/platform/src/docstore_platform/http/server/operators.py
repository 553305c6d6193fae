"""A separate port for operators, with metrics and the details of readiness."""

from fastapi import HTTPException, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from docstore_platform.errors import not_found
from docstore_platform.http.problems import problem_of

PATHS = frozenset({"/metrics", "/readyz", "/healthz", "/internal/openapi.json", "/internal/docs"})
FOLDER = "/internal/docs/"
"""Assets of the page at `/internal/docs`."""
_FROM_OPERATORS = "docstore.from_operators"


def is_from_operators(scope: Scope) -> bool:
    """Whether a request arrived at the operators' port."""
    return bool(scope.get(_FROM_OPERATORS, False))


async def operators_only(request: Request) -> None:
    """FastAPI dependency: 404 for a request that arrived at another port."""
    if not is_from_operators(request.scope):
        raise HTTPException(404)


class OperatorsPort:
    """ASGI middleware of a process with two ports: marks requests to the operators' port, and allows only their paths
    there. The socket shows the port."""

    def __init__(self, app: ASGIApp, port: int | None) -> None:
        self.app = app
        self.port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = scope.get("server")
        if scope["type"] != "http" or self.port is None or not server or server[1] != self.port:
            await self.app(scope, receive, send)
        elif scope["path"] in PATHS or scope["path"].startswith(FOLDER):
            await self.app({**scope, _FROM_OPERATORS: True}, receive, send)
        else:
            await problem_of(not_found("route")).response()(scope, receive, send)
