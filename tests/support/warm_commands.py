"""Runs the `docstore` command in forks of one process that has imported its libraries, which takes most of its time.

The command's own modules are imported by each fork, as by a process of its own. Run as `python warm_commands.py SOCKET`
by `warm_commands`, which sends each command with its pipes.
"""

import asyncio
import gc
import json
import os
import signal
import socket
import sys
from asyncio import StreamReader, StreamReaderProtocol
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

LIBRARIES = ("docstore_cli.main", "docstore_client", "typer._adapters", "rich.console")
MAX_MESSAGE_BYTES = 128 * 1024


class WarmCommand:
    """A running command, with what tests use of an `asyncio.subprocess.Process`."""

    def __init__(self, stdin: int, stdout: StreamReader, stderr: StreamReader, report: StreamReader, pid: int) -> None:
        self.stdout, self.pid = stdout, pid
        self.returncode: int | None = None
        self._stdin, self._stderr, self._report = stdin, stderr, report

    async def communicate(self, given: bytes) -> tuple[bytes, bytes]:
        """Give it this much to read; return what it writes until it ends."""
        with suppress(BrokenPipeError):
            os.write(self._stdin, given)
        os.close(self._stdin)
        out, err, _ = await asyncio.gather(self.stdout.read(), self._stderr.read(), self.wait())
        return out, err

    async def wait(self) -> int:
        if self.returncode is None:
            self.returncode = int(await self._report.readline())
        return self.returncode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class WarmCommands:
    """Starts commands."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    async def start(self, arguments: list[str], environment: Mapping[str, str], cwd: Path) -> WarmCommand:
        theirs, stdin = os.pipe()
        (stdout, out), (stderr, err), (report, told) = os.pipe(), os.pipe(), os.pipe()
        message = json.dumps({"arguments": arguments, "environment": dict(environment), "cwd": str(cwd)}).encode()
        socket.send_fds(self._channel, [message], [theirs, out, err, told])
        for number in (theirs, out, err, told):
            os.close(number)
        reports = await _reader(report)
        pid = int(await reports.readline())
        return WarmCommand(stdin, await _reader(stdout), await _reader(stderr), reports, pid)


async def _reader(number: int) -> StreamReader:
    reader = StreamReader()
    pipe = os.fdopen(number, "rb", 0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: StreamReaderProtocol(reader), pipe)
    return reader


@asynccontextmanager
async def warm_commands() -> AsyncIterator[WarmCommands]:
    """Forks commands until the block ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, __file__, str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
            )
        yield WarmCommands(ours)
    assert await process.wait() == 0


def _wait_for_command(channel: socket.socket) -> bytes:
    """Fork for each command; return it in the child, and nothing at the end."""
    while True:
        message, numbers, _, _ = socket.recv_fds(channel, MAX_MESSAGE_BYTES, 4)
        if not message:
            return b""
        if os.fork() == 0:
            channel.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for standard, number in enumerate(numbers[:-1]):
                os.dup2(number, standard)
                os.close(number)
            _fork_and_report(numbers[-1])
            return message
        for number in numbers:
            os.close(number)


def _fork_and_report(report: int) -> None:
    """Return in the command's process; its parent reports its id and, later, its status."""
    pid = os.fork()
    if pid == 0:
        os.close(report)
        return
    os.closerange(0, 3)
    os.write(report, b"%d\n" % pid)
    _, status = os.waitpid(pid, 0)
    os.write(report, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no one waits for those that report
    for library in LIBRARIES:
        __import__(library)
    gc.freeze()
    command = _wait_for_command(socket.socket(fileno=int(sys.argv[1])))
    if command:
        given = json.loads(command)
        os.environ.clear()
        os.environ.update(given["environment"])
        os.chdir(given["cwd"])
        sys.argv[:] = ["docstore", *given["arguments"]]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.modules["docstore_cli.main"].main()


if __name__ == "__main__":
    main()
