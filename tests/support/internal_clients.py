"""Internal calls of the docstore_contracts clients, read from their source code."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

Call = tuple[str, str]
"""Method and path, each parameter of which is `{}`."""
CONTRACTS = Path(__file__).parents[2] / "libs/contracts/src/docstore_contracts"
NAMES = sorted(path.stem for path in CONTRACTS.glob("[!_]*.py") if path.stem != "caller")


def attribute_called(node: ast.AST) -> str:
    """The method that a node calls; empty if it calls none."""
    return getattr(node.func, "attr", "") if isinstance(node, ast.Call) else ""


def as_template(path: str) -> str:
    """A path with each parameter as `{}`, and without its query."""
    return re.sub(r"{[^}]*}", "{}", path).partition("?")[0]


def _methods(name: str) -> Iterator[tuple[str, Call]]:
    """The methods of the client in a module, each with what it calls."""
    for node in ast.walk(ast.parse((CONTRACTS / f"{name}.py").read_text())):
        if isinstance(node, ast.AsyncFunctionDef):
            [call] = [each for each in ast.walk(node) if attribute_called(each) == "_call"]
            assert isinstance(call, ast.Call)
            method, path = call.args[:2]
            yield node.name, (ast.literal_eval(method), as_template(_text(path, f"docstore_contracts.{name}")))


def _text(node: ast.expr, module: str) -> str:
    """The text of a path: constants of the module are resolved, anything else is `{}`."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, module) for part in node.values)
    if isinstance(node, ast.Name):
        return str(getattr(importlib.import_module(module), node.id))
    return str(node.value) if isinstance(node, ast.Constant) else "{}"


CLIENT_METHODS = {name: dict(_methods(name)) for name in NAMES}
"""By module of docstore_contracts, and by method."""
