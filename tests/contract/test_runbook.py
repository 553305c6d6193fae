"""What the pages of the runbook tell operators to run exists: commands, options, addresses, metrics, modules."""

import importlib.util
import json
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from runbook_pages import RUNBOOK, alerts, commands, drilled
from typer.main import get_command

from docstore_cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted(RUNBOOK.glob("*.md"))
ROUTE = re.compile(r"(?:(GET|POST|PUT|PATCH|DELETE) )?(/(?:v1|internal)(?:/[\w{}.-]+)+)")
OPERATIONS = {"/readyz", "/healthz", "/metrics", "/internal/docs"}
"""Of the operators' port."""
SYSTEM = {"cat", "cp", "curl", "date", "db.currentOp()", "docker", "export", "kubectl", "unset"}
"""Programs that are not ours, named on the pages."""
MODULE = re.compile(r"python -m ([\w.]+)")
ADDRESS = re.compile(r"(?<![\w.])/(?:readyz|healthz|metrics)\b")
TABLE_ROW = re.compile(
    r"^\| \[(\w+)\]\(([\w-]+\.md)\) \| (page|ticket|page, ticket) \| (drilled|checked) \|$", re.MULTILINE
)


@cache
def routes() -> set[str]:
    """Paths of all services, public and internal, with `{}` for what varies."""
    documents = [
        *(ROOT / "services").glob("*/src/*/internal-openapi.json"),
        *(ROOT / "services").glob("*/src/*/openapi.json"),
    ]
    found: set[str] = set()
    for document in documents:
        for path, methods in json.loads(document.read_text("utf-8"))["paths"].items():
            found |= {_shape(path)} | {f"{method.upper()} {_shape(path)}" for method in methods}
    return found


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def parsed(words: list[str]) -> None:
    """Raise if `docstore` refuses the words, without running anything. A command's name alone is a mention of it."""
    command: Any = get_command(main.app)
    context = typer.Context(command, info_name="docstore")
    while hasattr(command, "get_command"):
        default = getattr(command, "default", "")
        if default and (not words or words[0] not in command.commands):
            words = [default, *words]
        name, command, words = command.resolve_command(context, words)
        context = typer.Context(command, info_name=name, parent=context)
    if words:
        command.make_context(context.info_name, words, parent=context.parent).close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_on_a_page_is_one(page: Path) -> None:
    """A command or option that is renamed, or was never there, fails here before someone needs it at night."""
    for command in commands(page):
        words = shlex.split(command, comments=True)
        if words[0] == "docstore":
            parsed(words[1:])
        elif words[0] == "python":
            assert MODULE.match(command), command
        else:
            assert words[0] in SYSTEM, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_address_and_module_on_a_page_is_there(page: Path) -> None:
    """Paths of the API and of internal routes, with their methods, the operators' port, and `python -m`."""
    text = page.read_text("utf-8")
    for method, path in ROUTE.findall(text):
        assert path in OPERATIONS or _shape(f"{method} {path}".strip()) in routes(), path
    assert set(ADDRESS.findall(text)) <= OPERATIONS
    for module in MODULE.findall(text):
        assert importlib.util.find_spec(module), module


def test_a_command_that_is_none_is_noticed() -> None:
    """The check itself can fail."""
    for wrong in (["admin", "nothing"], ["admin", "backups", "--soon"], ["events", "republish", "--json"]):
        with pytest.raises(Exception, match=r"(?i)no such|missing"):
            parsed(wrong)


def test_the_table_of_pages_has_every_alert_and_how_its_page_is_tested() -> None:
    """`drilled`: a test provokes the alert's condition in a running stack and ends it as the page says."""
    table = TABLE_ROW.findall((RUNBOOK / "README.md").read_text("utf-8"))
    severities: dict[tuple[str, str], list[str]] = {}
    for rule in alerts():
        page = Path(rule["annotations"]["runbook"]).name
        severities.setdefault((rule["alert"], page), []).append(rule["labels"]["severity"])
    assert {row[:2]: row[2] for row in table} == {alert: ", ".join(each) for alert, each in severities.items()}
    assert {alert for alert, _, _, how in table if how == "drilled"} == drilled()
