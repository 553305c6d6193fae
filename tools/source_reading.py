"""Reads from the services' sources what they ask of others."""

import ast
import importlib
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

from docstore_platform.services import SERVICE_NAMES

ROOT = Path(__file__).parents[1]
RUN_BY_OPERATORS = {"analytics": "maintenance.py"}
"""What a restore does inside a service, with the rights of whoever restores: the service's role has none for it."""
KINDS_OF_CALLS = ("ServiceClient", "service_url")


@cache
def modules(service: str) -> dict[str, ast.Module]:
    """Every module that a service runs, parsed, by its dotted name."""
    source = ROOT / "services" / service / "src"
    folder = source / f"docstore_{service}"
    paths = [path for path in sorted(folder.rglob("*.py")) if path != folder / RUN_BY_OPERATORS.get(service, "")]
    return {".".join(path.relative_to(source).with_suffix("").parts): ast.parse(path.read_text()) for path in paths}


@cache
def nodes(service: str) -> dict[str, list[ast.AST]]:
    """All nodes of each of them: walking through them takes longer than parsing."""
    return {module: list(ast.walk(tree)) for module, tree in modules(service).items()}


def modules_imported(service: str) -> set[str]:
    """Dotted names of modules, and of what is imported from them."""
    found = set()
    for node in (node for each in nodes(service).values() for node in each):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{each.name}" for each in node.names)}
    return found


def methods_called(service: str) -> set[tuple[str, str]]:
    """(what it is called on, method): the last name before the dot, without leading underscores."""
    found = set()
    for node in _calls(service):
        if isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
            found.add((name.lstrip("_"), node.func.attr))
    return found


@cache
def functions_called(service: str) -> set[str]:
    """Names of what is called without a dot."""
    return {node.func.id for node in _calls(service) if isinstance(node.func, ast.Name)}


@cache
def _calls(service: str) -> list[ast.Call]:
    return [node for each in nodes(service).values() for node in each if isinstance(node, ast.Call)]


def uses_object_store(service: str) -> bool:
    """Whether it has keys of the object store."""
    return "ObjectStore" in functions_called(service)


def reaches_object_store(service: str) -> bool:
    """Whether it connects to the object store: with its keys, or without any by URLs that others have signed."""
    return uses_object_store(service) or "ObjectUrls" in functions_called(service)


def callers() -> dict[str, list[str]]:
    """By service, those that call it."""
    called = {service: callees(service) for service in SERVICE_NAMES}
    return {service: [each for each in SERVICE_NAMES if service in called[each]] for service in SERVICE_NAMES}


@cache
def callees(service: str) -> Collection[str]:
    """Services that one calls: the names its clients are made with, and accounts, whose keys every service asks for."""
    found = {"accounts"}
    for module, inside in nodes(service).items():
        scopes = [node for node in inside if isinstance(node, ast.For | ast.ListComp | ast.DictComp)]
        for node in inside:
            if isinstance(node, ast.Call) and _called(node) in KINDS_OF_CALLS:
                found |= _names(node.args[0], module, node, scopes)
    return found - {service}


def _called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _names(argument: ast.expr, module: str, call: ast.Call, scopes: list[Any]) -> set[str]:
    """The constant, or every value of the loop's variable: AssertionError where neither can be found."""
    if isinstance(argument, ast.Constant):
        return {str(argument.value)}
    assert isinstance(argument, ast.Name), ast.dump(argument)
    for scope in scopes:
        loops = [scope] if isinstance(scope, ast.For) else scope.generators
        for loop in loops:
            inside = any(node is call for node in ast.walk(scope))
            if inside and isinstance(loop.target, ast.Name) and loop.target.id == argument.id:
                assert isinstance(loop.iter, ast.Name)
                return set(getattr(importlib.import_module(module), loop.iter.id))
    raise AssertionError(f"{module}: which service does {ast.unparse(call)} call?")
