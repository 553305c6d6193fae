"""Options that several commands share, and how they answer."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import orjson
import typer
from rich.console import Console
from rich.markup import escape

from docstore_cli.api import ApiError
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.state import StackState, read_state, running_state

T = TypeVar("T")

Data = Annotated[Path | None, typer.Option("--data", help="Data folder of the stack.", show_default="~/.local/share")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]

console = Console() if sys.stdout.isatty() else Console(width=120)
errors = Console(stderr=True)


def settings_for(data: Path | None, **changes: Any) -> StandaloneSettings:
    """The settings of the environment, with what the command line says on top."""
    given = {name: value for name, value in {"data": data, **changes}.items() if value is not None}
    return StandaloneSettings(**given)


def failed(message: str) -> typer.Exit:
    """Says why on stderr; raise what it answers to end the command with status 1."""
    errors.print(f"[red]error:[/] {escape(message)}", soft_wrap=True)
    return typer.Exit(1)


def running_stack(data: Path | None) -> tuple[StandaloneSettings, StackState]:
    """The stack that runs on the data folder, of several regions the first; ends the command if none does.

    The folder of a region is a data folder too.
    """
    settings = settings_for(data)
    state = running_state(settings.data)
    if state is None:
        raise failed(f"no stack is running on {settings.data}; start one with `docstore up`")
    if state.regions:
        settings = settings.model_copy(update={"data": settings.data / state.regions[0], "region": state.regions[0]})
        state = read_state(settings.data)
    return settings, state


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work; a refusal of the gateway ends it with its reason."""
    try:
        return asyncio.run(work)
    except ApiError as error:
        raise failed(str(error)) from None


def print_json(value: Any) -> None:
    typer.echo(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode())
