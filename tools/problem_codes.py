"""Reads from the sources which `code` values problem responses can have."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from docstore_platform.http.problems import CODE_BY_STATUS
from docstore_platform.services import SERVICE_NAMES

ROOT = Path(__file__).parents[1]
SOURCES = (
    *(ROOT / "services" / name / "src" for name in SERVICE_NAMES),
    ROOT / "libs/platform/src",
    ROOT / "libs/contents/src",
    ROOT / "libs/contracts/src",
    ROOT / "libs/events/src",
)
CODE_POSITIONS = {"invalid": 1, "Problem": 1, "broken_rule": 0}
"""Position of the code in the arguments of what raises or returns an error."""
RAISES = re.compile(rf"\bcode ?= ?|\b({'|'.join(CODE_POSITIONS)})\(")
"""What a module contains that has codes; parsing all of them would take seconds."""
CONSTANT = re.compile(r'^([A-Z][A-Z_]+) = "([a-z_]+)"$', re.MULTILINE)
INTERNAL = frozenset({"error", "caller_not_allowed"})
"""The base class's, and that of calls between services."""


def problem_codes() -> list[str]:
    """Return all codes of public problem responses, sorted."""
    texts = [path.read_text("utf-8") for folder in SOURCES for path in sorted(folder.rglob("*.py"))]
    constants = {name: value for text in texts for name, value in CONSTANT.findall(text)}
    trees = [ast.parse(text) for text in texts if RAISES.search(text)]
    found = {code for tree in trees for node in ast.walk(tree) for code in _codes(node, constants)}
    return sorted((found | set(CODE_BY_STATUS.values())) - INTERNAL)


def _codes(node: ast.AST, constants: dict[str, str]) -> Iterator[str]:
    given: list[ast.expr] = []
    if isinstance(node, ast.Call):
        given = [each.value for each in node.keywords if each.arg == "code"]
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        position = CODE_POSITIONS.get(name)
        if position is not None:
            given += node.args[position : position + 1]
    elif isinstance(node, ast.ClassDef):
        given = [
            statement.value
            for statement in node.body
            if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "code"
        ]
    for expression in given:
        if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
            yield expression.value
        elif isinstance(expression, ast.Name) and expression.id in constants:
            yield constants[expression.id]
