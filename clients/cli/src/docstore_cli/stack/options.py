"""Selects the local stack that a command uses."""

from pathlib import Path
from typing import Annotated, Any

import typer

from docstore_cli.options import failed
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.state import StackState, read_state, running_state

Data = Annotated[Path | None, typer.Option("--data", help="Data folder of the stack.", show_default="~/.local/share")]


def settings_for(data: Path | None, **changes: Any) -> StandaloneSettings:
    """Settings of the environment, overridden by the command line."""
    given = {name: value for name, value in {"data": data, **changes}.items() if value is not None}
    return StandaloneSettings(**given)


def running_stack(data: Path | None) -> tuple[StandaloneSettings, StackState]:
    """State of the running stack, or of its first region; exits if none runs.

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
