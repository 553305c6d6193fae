"""Selects the local stack that a command uses."""

from pathlib import Path
from typing import Any

from docstore_cli.options import failed
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.state import StackState, read_state, running_state


def settings_for(data: Path | None, **changes: Any) -> StandaloneSettings:
    """Settings of the environment, overridden by the command line."""
    given = {name: value for name, value in {"data": data, **changes}.items() if value is not None}
    return StandaloneSettings(**given)


def lan_options(settings: StandaloneSettings) -> list[str]:
    """Return the options of `docstore up` by which another process reaches others as these settings do."""
    if not settings.lan:
        return []
    named = {"--host": settings.lan_host, "--tls": settings.lan_tls, "--acme": settings.lan_acme}
    return ["--lan", *(word for option, value in named.items() if value for word in (option, value))]


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
