"""Runs the work of a command in the background."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import typer
from rich.console import Console

from docstore_cli import options


def in_background(work: Callable[[], None], log_file: Path) -> int:
    """Fork a process that does the work and ends; return its id. It outlives this one, and prints to `log_file`.

    A fork has imported everything that this process has, which took a third of a second of CPU. Call it while this
    process has one thread.
    """
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        _detach(log_file)
        work()
        status = 0
    except typer.Exit as ended:
        status = ended.exit_code
    except BaseException:  # noqa: BLE001 - the log must contain it, whatever it is
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def has_ended(pid: int) -> bool:
    """Whether a child process has ended."""
    return os.waitpid(pid, os.WNOHANG) != (0, 0)


def _detach(log_file: Path) -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    for file, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(file, number)
    # The ones of before know the terminal's colours.
    options.console, options.errors = Console(width=120, emoji=False), Console(stderr=True, emoji=False)
