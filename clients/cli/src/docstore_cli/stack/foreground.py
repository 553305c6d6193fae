"""Runs a stack in this process for `docstore up` and `docstore demo`. Importing it takes a second of CPU."""

import asyncio
import signal

from docstore_cli.options import console, failed
from docstore_cli.stack.next_steps import print_next_steps
from docstore_cli.stack.start_progress import StartDisplay
from docstore_standalone.embedded.binaries import ProgramMissing
from docstore_standalone.ports import PortTaken
from docstore_standalone.regions import Regions, start_regions
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import Stack, start_stack
from docstore_standalone.state import AlreadyRunning, HalfRestored, OtherLayout, SecretsMissing
from docstore_standalone.supervision.forker import Forker
from docstore_standalone.supervision.processes import ServerFailed

UNSTARTED = (
    AlreadyRunning,
    HalfRestored,
    OtherLayout,
    PortTaken,
    ProgramMissing,
    SecretsMissing,
    ServerFailed,
    ValueError,
)
"""Reasons why a stack does not start, each with a message for the user."""


async def stay(
    settings: StandaloneSettings, *, processes: bool, regions: list[str] | None, forker: Forker | None = None
) -> None:
    """Run the stack until Ctrl-C. `forker` has already begun to import the services."""
    stop = stop_signal()
    async with await _start_shown(settings, processes=processes, regions=regions, forker=forker) as running:
        stacks = {"": running} if isinstance(running, Stack) else running.stacks
        folders = {name: stack.servers.folder for name, stack in stacks.items()}
        print_next_steps(console, settings.data, folders, stop="Ctrl-C")
        await stop.wait()
        console.print("Stopping …")


def stop_signal() -> asyncio.Event:
    """Set by Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def start_shown(settings: StandaloneSettings) -> Stack:
    """Start one stack and show its progress; exit with the reason if it fails."""
    stack = await _start_shown(settings, processes=False, regions=None)
    assert isinstance(stack, Stack)
    return stack


async def _start_shown(
    settings: StandaloneSettings, *, processes: bool, regions: list[str] | None, forker: Forker | None = None
) -> Stack | Regions:
    display = StartDisplay(console)
    try:
        with display:
            if regions is None:
                return await start_stack(settings, processes=processes, on_change=display.on_change, forker=forker)
            return await start_regions(settings, regions, processes=processes, on_change=display.on_change)
    except UNSTARTED as error:
        raise failed(str(error)) from None
