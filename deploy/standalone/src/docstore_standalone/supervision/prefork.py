"""A process that imports every service and forks to start one, because importing takes most of a start's time.

`forker.Forker` runs it as `python -m docstore_standalone.supervision.prefork SOCKET FOLDER`, and sends jobs over the
socket.

A fork copies only one thread, with the locks that others hold. So this process has one thread, no event loop and no
connections; if a library has started a thread anyway, the child starts the program from its beginning.
"""

import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from setproctitle import setproctitle

from docstore_platform.service.start_signal import START_SIGNAL, WAITS_FOR_SIGNAL
from docstore_standalone.supervision.processes import die_with_parent

MAX_MESSAGE_BYTES = 128 * 1024
STANDARD_OUTPUTS = (1, 2)
WARM = (
    "docstore_standalone.services",
    "docstore_platform.service.serve",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
)
"""Imported before the first fork; the first module imports every service."""


@dataclass(frozen=True, slots=True)
class Job:
    """A module to run as a program, in its own environment."""

    module: str
    environment: dict[str, str]
    log_file: str
    title: str
    waits: bool = False
    """It prepares itself, and begins at the start signal."""

    def run(self, *, forked_safely: bool) -> None:
        """Run the program; return when it ends."""
        log = os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for number in STANDARD_OUTPUTS:
            os.dup2(log, number)
        os.close(log)
        if not self.waits:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {START_SIGNAL})
        environment = {**self.environment, WAITS_FOR_SIGNAL: "true"} if self.waits else self.environment
        if not forked_safely:
            os.execve(sys.executable, [sys.executable, "-m", self.module], environment)
        os.environ.clear()
        os.environ.update(environment)
        setproctitle(self.title)
        main = getattr(sys.modules.get(self.module), "main", None)
        if main is not None:
            main()
        else:
            runpy.run_module(self.module, run_name="__main__", alter_sys=True)


def wait_for_job(channel: socket.socket) -> tuple[Job, bool] | None:
    """Fork for each job; return in the child with whether that was safe, and without a job at the end."""
    poll, children = select.poll(), dict[int, int]()
    poll.register(channel, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready in children:
                poll.unregister(ready)
                os.close(ready)
                pid = children.pop(ready)
                _report(channel, ended=pid, status=os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                continue
            message = channel.recv(MAX_MESSAGE_BYTES)
            if not message:
                return None
            threads, parent = len(list(Path("/proc/self/task").iterdir())), os.getpid()
            pid = os.fork()
            if pid == 0:
                channel.close()
                for child in children:
                    os.close(child)
                _detach(parent)
                return Job(**json.loads(message)), threads == 1
            watch = os.pidfd_open(pid)
            children[watch] = pid
            poll.register(watch, select.POLLIN)
            _report(channel, started=pid)


def _detach(parent: int) -> None:
    os.setsid()  # Ctrl-C in a terminal does not reach it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    die_with_parent(parent)


def _report(channel: socket.socket, **what: object) -> None:
    channel.send(json.dumps(what).encode())


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {START_SIGNAL})  # sent to a child that does not wait yet, it is kept
    channel, folder = socket.socket(fileno=int(sys.argv[1])), sys.argv[2]
    setproctitle(f"docstore prefork {folder}")  # before the environment changes, next to which the title is stored
    gc.disable()  # collecting takes a fifth of the time of importing and finds next to nothing
    for module in WARM:
        __import__(module)
    gc.freeze()  # frozen objects are not written to, and stay shared with the children
    gc.enable()
    if found := wait_for_job(channel):
        job, forked_safely = found
        job.run(forked_safely=forked_safely)


if __name__ == "__main__":
    main()
