"""Writes docs/reference/command.md, what `docstore COMMAND --help` shows: `python tools/generate_cli_page.py`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from tables import cell, table

from docstore_cli import main

TARGET = Path(__file__).parents[1] / "docs/reference/command.md"
HEAD = """# The docstore command

Every command and its options, as `docstore COMMAND --help` shows them. [clients/cli](../../clients/cli) describes
paths, exit statuses and JSON output.
"""


def text() -> str:
    """A section for each command, in the order of the help."""
    group: Any = typer.main.get_command(main.app)
    lines = [HEAD]
    for name in main.COMMANDS:
        lines += _sections(f"docstore {name}", group.get_command(None, name))
    return "\n".join(lines)


def _sections(path: str, command: Any, level: int = 2) -> Iterator[str]:
    context = typer.Context(command, info_name=path)
    _, _, usage = command.get_usage(context).partition(path)
    yield f"{'#' * level} {path}\n"
    yield " ".join((command.help or "").split()) + "\n"
    inside = getattr(command, "commands", {})
    if inside:
        for name, each in inside.items():
            yield from _sections(f"{path} {name}", each, level + 1)
        return
    yield f"```text\n{path} {' '.join(usage.split())}\n```\n"
    records = [each.get_help_record(context) for each in command.params]
    rows = [(f"`{record[0]}`", cell(record[1])) for record in records if record and "--help" not in record[0]]
    if rows:
        yield table(("option", ""), rows)


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text(), "utf-8")
