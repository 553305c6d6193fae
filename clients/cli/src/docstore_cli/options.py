"""Options that several commands share, and how they answer."""

import sys
from datetime import datetime
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape

AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]

console = Console(emoji=False) if sys.stdout.isatty() else Console(width=120, emoji=False)
errors = Console(stderr=True, emoji=False)

JOINERS = "\u200c\u200d"


def failed(message: str, status: int = 1) -> typer.Exit:
    """Says why on stderr, in one line; raise what it answers to end the command with the status."""
    errors.print(f"[red]error:[/] {escape(message)}", soft_wrap=True, highlight=False)
    return typer.Exit(status)


def print_json(value: Any) -> None:
    typer.echo(orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2).decode())


def print_json_line(value: Any) -> None:
    typer.echo(orjson.dumps(value, default=_plain).decode())


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)


def shown(text: str) -> str:
    """A name as it is safe to print: what a terminal would act on is replaced."""
    return "".join(char if char.isprintable() or char in JOINERS else "\ufffd" for char in text)


def size_text(size: int) -> str:
    """Bytes as people read them, in powers of 1024, by the units that the page and mails have."""
    amount, units = float(size), ["B", "KB", "MB", "GB", "TB"]
    while amount >= 1024 and len(units) > 1:
        amount, units = amount / 1024, units[1:]
    return f"{amount:.0f} B" if units[0] == "B" else f"{amount:.1f} {units[0]}"


def time_text(moment: datetime) -> str:
    """In the time zone of this machine."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
