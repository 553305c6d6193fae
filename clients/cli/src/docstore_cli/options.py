"""Options and output helpers shared by commands."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.markup import escape

Data = Annotated[Path | None, typer.Option("--data", help="Data folder of the stack.", show_default="~/.local/share")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

console = Console(emoji=False) if sys.stdout.isatty() else Console(width=120, emoji=False)
errors = Console(stderr=True, emoji=False)

JOINERS = "\u200c\u200d"


def failed(message: str, status: int = 1) -> typer.Exit:
    """Print an error line on stderr. Return the exception that ends the command with the status."""
    errors.print(f"[red]error:[/] {escape(message)}", soft_wrap=True, highlight=False)
    return typer.Exit(status)


def print_json(value: object) -> None:
    typer.echo(orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2).decode())


def print_json_line(value: object) -> None:
    typer.echo(orjson.dumps(value, default=_plain).decode())


def _plain(value: object) -> object:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)


def shown(text: str) -> str:
    """Make a name safe to print: replace control characters."""
    return "".join(char if char.isprintable() or char in JOINERS else "\ufffd" for char in text)


def size_text(size: int) -> str:
    """Format bytes in powers of 1024, with the units of the page and emails."""
    amount, units = float(size), ["B", "KB", "MB", "GB", "TB"]
    while amount >= 1024 and len(units) > 1:
        amount, units = amount / 1024, units[1:]
    return f"{amount:.0f} B" if units[0] == "B" else f"{amount:.1f} {units[0]}"


def time_text(moment: datetime) -> str:
    """Format a time in this machine's time zone."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
