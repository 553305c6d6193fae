"""Reads from the services' sources what they ask of others."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
RUN_BY_OPERATORS = {"analytics": "maintenance.py"}
"""What a restore does inside a service, with the rights of whoever restores: the service's role has none for it."""


@cache
def trees(service: str) -> tuple[ast.Module, ...]:
    """Every module that a service runs, parsed."""
    folder = ROOT / "services" / service / "src" / f"docstore_{service}"
    modules = [path for path in sorted(folder.rglob("*.py")) if path != folder / RUN_BY_OPERATORS.get(service, "")]
    return tuple(ast.parse(path.read_text()) for path in modules)


def modules_imported(service: str) -> set[str]:
    """Dotted names of modules, and of what is imported from them."""
    found = set()
    for node in (node for tree in trees(service) for node in ast.walk(tree)):
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


def functions_called(service: str) -> set[str]:
    """Names of what is called without a dot."""
    return {node.func.id for node in _calls(service) if isinstance(node.func, ast.Name)}


def _calls(service: str) -> Iterator[ast.Call]:
    for tree in trees(service):
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))
