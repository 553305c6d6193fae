"""Who may call an internal route is who does: as each route declares, and as the sources call it."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import generate_openapi
import pytest

from docstore_platform.service_identity import InternalRoute
from docstore_platform.service_keys import OPERATOR
from docstore_platform.services import SERVICE_NAMES

ROOT = Path(__file__).parents[2]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SHARED = {"docstore_platform.plans": ROOT / "libs/platform/src/docstore_platform/plans.py"}
"""Modules that call in the name of each service that imports them."""
KEYS = ("GET", "/internal/keys")
"""Asked for by every service: `service_app` does."""

Call = tuple[str, str]
"""Method and path, each parameter of which is `{}`."""


def calls_in(module: str, source: str) -> Iterator[Call]:
    """The calls of internal routes that a module makes: `client.call("GET", f"/internal/...")`."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "call" and len(node.args) > 1):
            continue
        method, path = node.args[0], _text(node.args[1], module)
        if isinstance(method, ast.Constant) and method.value in METHODS and path.startswith("/internal/"):
            yield method.value, path.partition("?")[0]


def _text(node: ast.expr, module: str) -> str:
    """The text of an expression: constants of the module are resolved, anything else is `{}`."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, module) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, module)
    if isinstance(node, ast.Name):
        constant = getattr(importlib.import_module(module), node.id, None) if node.id.isupper() else None
        return constant if isinstance(constant, str) else "{}"
    return str(node.value) if isinstance(node, ast.Constant) else "{}"


def calls_of(service: str) -> set[Call]:
    found = {KEYS}
    sources = ROOT / f"services/{service}/src"
    for path in sources.rglob("*.py"):
        source = path.read_text()
        found.update(calls_in(".".join(path.relative_to(sources).with_suffix("").parts), source))
        for module, shared in SHARED.items():
            if f"from {module} import" in source:
                found.update(calls_in(module, shared.read_text()))
    return found


@pytest.fixture(scope="module")
def calls() -> set[tuple[str, str, str]]:
    """Caller, method and path."""
    return {(service, *call) for service in SERVICE_NAMES for call in calls_of(service)}


@pytest.fixture(scope="module")
def routes() -> dict[str, list[InternalRoute]]:
    """By the service that has them."""
    return {name: app.state.internal_routes for name, app in generate_openapi.apps().items()}


def called_as(route: InternalRoute) -> Call:
    return route.method, re.sub(r"{[^}]*}", "{}", route.path)


def test_whoever_calls_is_let_in(routes: dict[str, list[InternalRoute]], calls: set[tuple[str, str, str]]) -> None:
    """A call of a route that does not declare its caller would be refused at run time."""
    allowed = {(caller, *called_as(route)) for own in routes.values() for route in own for caller in route.callers}
    assert not calls - allowed
    assert ("upload", "POST", "/internal/commits") in calls


def test_nobody_is_let_in_who_does_not_call(
    routes: dict[str, list[InternalRoute]], calls: set[tuple[str, str, str]]
) -> None:
    """Whoever takes over one service can call what that service calls, and nothing else."""
    for service, own in routes.items():
        for route in own:
            for caller in route.callers - {OPERATOR}:
                assert (caller, *called_as(route)) in calls, f"{caller} does not call {route} of {service}"


def test_an_operators_route_is_no_services(routes: dict[str, list[InternalRoute]]) -> None:
    """What only people call is let in by their own key."""
    for own in routes.values():
        assert all(route.callers == {OPERATOR} for route in own if OPERATOR in route.callers)
