"""The declared callers of internal routes are those in the source code."""

import ast
import json
from collections import Counter
from pathlib import Path

import generate_openapi
import pytest
from generate_internal_openapi import committed_file
from internal_clients import CLIENT_METHODS, Call, as_template, attribute_called
from source_reading import modules, modules_imported

from docstore_contracts.consistency import CHECKED_BY
from docstore_platform.security.service_identity import InternalRoute
from docstore_platform.security.service_keys import OPERATOR
from docstore_platform.services import INTERNAL_SERVICES, SERVICE_NAMES

ROOT = Path(__file__).parents[2]
SHARED = {"docstore_platform.domain.plans": ROOT / "libs/platform/src/docstore_platform/domain/plans.py"}
"""Modules that call in the name of each service that imports them."""
KEYS = ("GET", "/internal/keys")
"""Asked for by every service: `service_app` does."""
OWN_PAGE = "/internal/docs"
"""What the gateway shows operators itself."""


def calls_of(service: str) -> set[Call]:
    """Of the clients that a service imports, the methods that it calls."""
    imported = modules_imported(service)
    trees = [*modules(service).values()]
    for module, path in SHARED.items():
        if module in imported:
            trees.append(ast.parse(path.read_text()))
            imported |= {"docstore_contracts.accounts.AccountsClient"}
    known: dict[str, Call] = {}
    for name, methods in CLIENT_METHODS.items():
        if f"docstore_contracts.{name}.{name.capitalize()}Client" in imported:
            known |= methods
    called = {attribute_called(node) for tree in trees for node in ast.walk(tree)}
    return {KEYS, *(call for method, call in known.items() if method in called)}


@pytest.fixture(scope="module")
def calls() -> set[tuple[str, str, str]]:
    """Caller, method and path."""
    return {(service, *call) for service in SERVICE_NAMES for call in calls_of(service)}


@pytest.fixture(scope="module")
def routes() -> dict[str, list[InternalRoute]]:
    """By the service that has them."""
    return {name: app.state.internal_routes for name, app in generate_openapi.apps().items()}


def test_each_caller_is_allowed(routes: dict[str, list[InternalRoute]], calls: set[tuple[str, str, str]]) -> None:
    """A call of a route that does not declare its caller would be refused at run time."""
    allowed = {
        (caller, route.method, as_template(route.path))
        for own in routes.values()
        for route in own
        for caller in route.callers
    }
    signed = {("accounts", *call) for call in CLIENT_METHODS["replication"].values()}
    assert not calls - allowed - signed
    assert ("upload", "POST", "/internal/commits") in calls


def test_only_services_that_call_a_route_are_allowed(
    routes: dict[str, list[InternalRoute]], calls: set[tuple[str, str, str]]
) -> None:
    """Whoever takes over one service can call what that service calls, and nothing else."""
    for service, own in routes.items():
        for route in own:
            for caller in route.callers - {OPERATOR}:
                called = (caller, route.method, as_template(route.path))
                assert called in calls, f"{caller} does not call {route} of {service}"


def test_an_operators_route_is_no_services(routes: dict[str, list[InternalRoute]]) -> None:
    """What only people call is let in by their own key."""
    for own in routes.values():
        assert all(route.callers == {OPERATOR} for route in own if OPERATOR in route.callers)


def test_no_two_methods_of_clients_have_one_name() -> None:
    """Who calls a route is found by the name of its method."""
    names = Counter(method for methods in CLIENT_METHODS.values() for method in methods)
    assert max(names.values()) == 1


@pytest.mark.parametrize("service", INTERNAL_SERVICES)
def test_each_route_has_one_method_of_a_client(service: str) -> None:
    """No route is called by hand, and no method calls what is not there."""
    document = json.loads(committed_file(service).read_bytes())
    described = {(method.upper(), as_template(path)) for path, item in document["paths"].items() for method in item}
    modules_of = [service, "operations", *(["replication"] if service == "accounts" else [])]
    modules_of += ["consistency"] if service in CHECKED_BY.values() else []
    methods = Counter(call for name in modules_of for call in CLIENT_METHODS.get(name, {}).values())
    assert methods == Counter(described)


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_no_service_writes_a_path_of_another(service: str) -> None:
    """Paths of internal routes are written in docstore_contracts alone."""
    for module, tree in modules(service).items():
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        written = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
            if node.value.startswith("/internal/") and not node.value.startswith(OWN_PAGE)
        ]
        assert written == [], module
