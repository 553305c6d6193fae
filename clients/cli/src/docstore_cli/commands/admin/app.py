"""The app of `docstore admin`, and what its commands share."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from docstore_cli.options import console, shown

app = typer.Typer(help="Administration: reports, accounts, audit log, health, event archive.", no_args_is_help=True)

From = Annotated[
    str | None, typer.Option("--from", help="Start time, like 2026-05-01T00:00:00Z; by default 30 days before --to.")
]
To = Annotated[str | None, typer.Option("--to", help="End time, exclusive; by default now.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500)]


def print_table(rows: list[Any]) -> None:
    """Print rows with the columns of the first one."""
    if not rows:
        console.print("Nothing.")
        return
    table = Table()
    for name in rows[0]:
        table.add_column(str(name), overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else escape(shown(str(value))) for value in row.values()))
    console.print(table)
