"""Writes clients/cli/man, manual pages with what `--help` shows: `python tools/generate_man_pages.py`.

docstore(1) has the commands and exit statuses; docstore-NAME(1) has a command, with its sub-commands.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from docstore_cli import main

FOLDER = Path(__file__).parents[1] / "clients/cli/man"
STATUSES = (
    ("0", "Done."),
    ("1", "Refused or failed."),
    ("2", "Wrong usage."),
    ("3", "Not logged in; of \\fBstatus\\fR: nothing runs."),
    ("4", "Not found, on the server or locally."),
    ("5", "Over quota."),
    ("6", "Server or object store unreachable."),
    ("130", "Stopped by Ctrl-C."),
)
ENVIRONMENT = (
    ("DOCSTORE_PROFILE", "Log-in to use, unless \\fB\\-\\-profile\\fR names one."),
    ("DOCSTORE_TOKEN", "API token in place of a log-in."),
    ("DOCSTORE_SERVER", "Server at which that token is valid."),
)


def texts() -> dict[str, str]:
    """Pages by file name."""
    group: Any = typer.main.get_command(main.app)
    pages = {"docstore.1": _overview(group)}
    for name in main.COMMANDS:
        pages[f"docstore-{name}.1"] = _page(name, group.get_command(None, name))
    return pages


def _overview(group: Any) -> str:
    context = typer.Context(group, info_name="docstore")
    lines = [*_head("docstore", "DocStore's command"), ".SH SYNOPSIS", ".B docstore", "[OPTIONS] COMMAND [ARGS]..."]
    lines += [".SH DESCRIPTION", *_paragraphs(group.help), *_options(group, context), ".SH COMMANDS"]
    for name, (_, summary) in main.COMMANDS.items():
        lines += [".TP", f".BR docstore\\-{_name(name)} (1)", _text(summary)]
    lines += [".SH EXIT STATUS", *_list(STATUSES), ".SH ENVIRONMENT", *_list(ENVIRONMENT)]
    return "\n".join([*lines, ""])


def _page(name: str, command: Any) -> str:
    lines = _head(f"docstore-{name}", main.COMMANDS[name][1].rstrip("."))
    inside = getattr(command, "commands", {})
    if not inside:
        lines += _described(f"docstore {name}", command, "SH")
    else:
        lines += [".SH SYNOPSIS", f".B docstore {_name(name)}", "COMMAND [ARGS]...", ".SH DESCRIPTION"]
        lines += _paragraphs(command.help)
        for each, one in inside.items():
            lines += [
                f".SH {_name(f'docstore {name} {each}').upper()}",
                *_described(f"docstore {name} {each}", one, "SS"),
            ]
    lines += [".SH SEE ALSO", ".BR docstore (1)"]
    return "\n".join([*lines, ""])


def _head(title: str, summary: str) -> list[str]:
    return [
        f'.TH "{_name(title).upper()}" "1" "" "DocStore" "DocStore"',
        ".SH NAME",
        f"{_name(title)} \\- {_text(summary)}",
    ]


def _described(path: str, command: Any, heading: str) -> list[str]:
    """A command: as a whole page (`SH`), or as a part of one (`SS`)."""
    context = typer.Context(command, info_name=path)
    _, _, usage = command.get_usage(context).partition(path)
    title, then = ("Synopsis", ".PP") if heading == "SS" else ("SYNOPSIS", ".SH DESCRIPTION")
    lines = [f".{heading} {title}", f".B {_name(path)}", _text(" ".join(usage.split())), then]
    return [*lines, *_paragraphs(command.help), *_options(command, context, heading)]


def _options(command: Any, context: Any, heading: str = "SH") -> list[str]:
    records = [record for each in command.params if (record := each.get_help_record(context))]
    lines = [f".{heading} {'Options' if heading == 'SS' else 'OPTIONS'}"] if records else []
    for names, help_ in records:
        lines += [".TP", f".B {_name(names)}", _text(help_)]
    return lines


def _list(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    for name, meaning in rows:
        yield from (".TP", f".B {name}", meaning)


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.strip().split("\n\n")):
        if number:
            yield ".PP"
        yield _text(" ".join(paragraph.split()))


def _text(text: str) -> str:
    """Escape a line: backslashes, and dots and quotes at its beginning, which would be requests."""
    escaped = text.replace("\\", "\\e").replace("--", "\\-\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _name(text: str) -> str:
    """Escape names and options: their dashes are what people type."""
    return text.replace("\\", "\\e").replace("-", "\\-")


def write() -> None:
    """Write all pages, and remove those of former commands."""
    FOLDER.mkdir(exist_ok=True)
    pages = texts()
    for path in FOLDER.glob("*.1"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    write()
