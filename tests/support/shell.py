"""The `docstore` command as a process with its own home."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from people import PASSWORD, Person
from warm_commands import WarmCommand

DOCSTORE = Path(sys.executable).with_name("docstore")

Command = Process | WarmCommand
Start = Callable[[list[str], Mapping[str, str], Path], Awaitable[Command]]
"""Starts a command: its arguments, its environment, its current folder."""


async def start_process(arguments: list[str], environment: Mapping[str, str], cwd: Path) -> Process:
    pipes = {"stdin": PIPE, "stdout": PIPE, "stderr": PIPE}
    return await asyncio.create_subprocess_exec(
        DOCSTORE, *arguments, env=environment, cwd=cwd, preexec_fn=_heed_ctrl_c, **pipes
    )


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.status == 0, self.err
        return json.loads(self.out)


class Shell:
    """Commands with one home folder, in the current folder `cwd`."""

    def __init__(self, home: Path, start: Start = start_process, **environment: str) -> None:
        self.home = home
        self.cwd = home / "work"
        self.cwd.mkdir(parents=True, exist_ok=True)
        self._start, self._environment = start, environment

    @property
    def session(self) -> Path:
        """Where the credentials are."""
        return self.home / "state" / "docstore" / "session.json"

    def through(self, proxy: str) -> "Shell":
        """The same, by an HTTP proxy."""
        return Shell(self.home, self._start, HTTP_PROXY=proxy)

    async def start(self, *arguments: str | Path) -> Command:
        environment = {**os.environ, "HOME": str(self.home), "XDG_STATE_HOME": str(self.home / "state")}
        return await self._start([*map(str, arguments)], {**environment, **self._environment}, self.cwd)

    async def run(self, *arguments: str | Path, stdin: str = "") -> Result:
        """To its end, whichever that is."""
        return await ended(await self.start(*arguments), stdin)

    async def done(self, *arguments: str | Path, stdin: str = "") -> str:
        """What it printed; it has to succeed."""
        result = await self.run(*arguments, stdin=stdin)
        assert result.status == 0, result
        return result.out

    async def log_in(self, person: Person) -> None:
        arguments = ["login", "--server", person.gateway, "--email", person.email, "--password-stdin"]
        await self.done(*arguments, stdin=f"{PASSWORD}\n")


def _heed_ctrl_c() -> None:
    """As in a terminal: what a shell starts in the background ignores it, these tests perhaps among that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def ended(process: Command, stdin: str = "") -> Result:
    """How it ends."""
    out, err = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return Result(process.returncode, out.decode(), err.decode())
