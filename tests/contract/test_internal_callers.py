"""Who may call an internal route is who does: as each route declares, and as the sources call it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import generate_openapi
import pytest

from docstore_platform.service_identity import InternalRoute
from docstore_platform.service_keys import OPERATOR
from docstore_platform.settings import SERVICE_NAMES

ROOT = Path(__file__).parents[2]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SHARED = {"docstore_platform.plans": ROOT / "libs/platform/src/docstore_platform/plans.py"}
"""Modules that call in the name of each service that imports them."""
KEYS = ("GET", "/internal/keys")
"""Asked for by every service: `service_app` does."""

Call = tuple[str, str]
"""Method and path, each parameter of which is `{}`."""


def calls_in(source: str) -> Iterator[Call]:
    """The calls of internal routes that a module makes: `client.call("GET", f"/internal/...")`."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "call" and len(node.args) > 1):
            continue
        method, path = node.args[0], _text(node.args[1])
        if isinstance(method, ast.Constant) and method.value in METHODS and path.startswith("/internal/"):
            yield method.value, path.partition("?")[0]


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""


def calls_of(service: str) -> set[Call]:
    found = {KEYS}
    for path in (ROOT / f"services/{service}/src/docstore_{service}").rglob("*.py"):
        source = path.read_text()
        found.update(calls_in(source))
        for module, shared in SHARED.items():
            if f"from {module} import" in source:
                found.update(calls_in(shared.read_text()))
    return found


CALLS = {(service, *call) for service in SERVICE_NAMES for call in calls_of(service)}


@pytest.fixture(scope="module")
def routes() -> dict[str, list[InternalRoute]]:
    """By the service that has them."""
    return {name: app.state.internal_routes for name, app in generate_openapi.apps().items()}


def called_as(route: InternalRoute) -> Call:
    return route.method, re.sub(r"{[^}]*}", "{}", route.path)


def test_whoever_calls_is_let_in(routes: dict[str, list[InternalRoute]]) -> None:
    """A call of a route that does not declare its caller would be refused at run time."""
    allowed = {(caller, *called_as(route)) for own in routes.values() for route in own for caller in route.callers}
    assert not CALLS - allowed
    assert ("upload", "POST", "/internal/commits") in CALLS


def test_nobody_is_let_in_who_does_not_call(routes: dict[str, list[InternalRoute]]) -> None:
    """Whoever takes over one service can call what that service calls, and nothing else."""
    for service, own in routes.items():
        for route in own:
            for caller in route.callers - {OPERATOR}:
                assert (caller, *called_as(route)) in CALLS, f"{caller} does not call {route} of {service}"


def test_an_operators_route_is_no_services(routes: dict[str, list[InternalRoute]]) -> None:
    """What only people call is let in by their own key."""
    for own in routes.values():
        assert all(route.callers == {OPERATOR} for route in own if OPERATOR in route.callers)
