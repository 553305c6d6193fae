"""Supervises the components of a stack: starts them in dependency order, restarts those that end, stops all."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import structlog

from docstore_standalone.ports import PortBook
from docstore_standalone.supervision.processes import ProcessId, Server, ServerFailed, ServerProcess, log_tail

READY_SECONDS = 60.0
START_ATTEMPTS = 3  # a port may be taken between its choice and its use
QUICK_TRIES = 3
FIRST_BACKOFF, LONGEST_BACKOFF = 0.05, 10.0  # seconds; the first one for each of the quick attempts
STABLE_SECONDS = 30.0  # a server that ran this long starts over with the first backoff

log = structlog.get_logger(__name__)


class ComponentState(StrEnum):
    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


OnChange = Callable[[str, ComponentState], None]
OnProcesses = Callable[[dict[str, ProcessId]], None]


@dataclass(frozen=True, slots=True)
class Component:
    """A server with its dependencies: those must be ready at each of its starts, and end after it."""

    server: Server
    needs: tuple[str, ...] = ()
    starts_after: tuple[str, ...] = ()
    """Must be ready before its first start, too, and end after it; restarts do not wait for them."""

    @property
    def ends_before(self) -> tuple[str, ...]:
        return (*self.needs, *self.starts_after)


def backoff_before(tries: int) -> float:
    """Return the delay after so many starts in a row that did not last."""
    return float(min(FIRST_BACKOFF * 2 ** max(0, tries - QUICK_TRIES + 1), LONGEST_BACKOFF))


def ignore(*_: object) -> None:
    """Ignore changes."""


class Supervisor:
    """Starts components repeatedly and stops once. Not thread-safe."""

    def __init__(
        self,
        ports: PortBook,
        *,
        on_change: OnChange = ignore,
        on_processes: OnProcesses = ignore,
    ) -> None:
        self.components: dict[str, Component] = {}
        self.ports = ports
        self._on_change, self._on_processes = on_change, on_processes
        self._running: dict[str, ServerProcess] = {}
        self._ready: dict[str, asyncio.Event] = {}
        self._ended: dict[str, asyncio.Event] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}

    def process_id(self, name: str) -> ProcessId:
        """Return the component's current process; KeyError if it has none."""
        return self._running[name].id

    def is_ready(self, name: str) -> bool:
        return self._ready[name].is_set()

    def secure_ports(self, server: Server) -> None:
        """Ensure that the server's ports are free; choose others in place of those that are taken."""
        for port, (old, new) in self.ports.secure(server.port_names).items():
            log.warning("port_taken", server=server.name, port=port, was=old, now=new)

    def renew(self, name: str) -> None:
        """Let a component's process end gracefully; it is started again, with its settings of then."""
        if process := self._running.get(name):
            process.terminate()

    def signal(self, name: str, number: int) -> bool:
        """Send a signal to a component's process; return whether one was ready to get it."""
        return self.is_ready(name) and self._running[name].send_signal(number)

    async def start(self, components: Sequence[Component]) -> None:
        """Start components; return when all are ready. ServerFailed or OSError if one fails; then still call `stop`."""
        names = [component.server.name for component in components]
        for name, component in zip(names, components, strict=True):
            self.components[name] = component
            self._ready[name], self._ended[name] = asyncio.Event(), asyncio.Event()
        for name in names:
            self._report(name, ComponentState.WAITING)
            self._watchers[name] = asyncio.create_task(self._keep_running(self.components[name]), name=f"keep {name}")
        everything = asyncio.create_task(self._all_ready(names))
        try:
            await asyncio.wait(
                {everything, *(self._watchers[name] for name in names)}, return_when=asyncio.FIRST_COMPLETED
            )
            for name in names:
                if self._watchers[name].done():
                    self._watchers[name].result()
        finally:
            everything.cancel()

    async def _all_ready(self, names: Sequence[str]) -> None:
        for name in names:
            await self._ready[name].wait()

    async def stop(self) -> None:
        """Stop all components, each after those that depend on it."""
        for watcher in self._watchers.values():
            watcher.cancel()
        await asyncio.gather(*self._watchers.values(), return_exceptions=True)
        await asyncio.gather(*(self._stop(name) for name in self.components))

    async def _stop(self, name: str) -> None:
        users = [other for other, component in self.components.items() if name in component.ends_before]
        await asyncio.gather(*(self._ended[user].wait() for user in users))
        try:
            if process := self._running.get(name):
                self._report(name, ComponentState.STOPPING)
                await process.stop()
                del self._running[name]
                self._report(name, ComponentState.STOPPED)
        finally:
            self._ended[name].set()

    async def _keep_running(self, component: Component) -> None:
        """Keep one component running. ServerFailed if its first start fails for good."""
        name = component.server.name
        await self._all_ready(component.ends_before)
        await self._start_first(component.server)
        tries = 0
        while True:
            since = time.monotonic()
            status = await self._running[name].wait()
            self._ready[name].clear()
            self._report(name, ComponentState.RESTARTING)
            tries = 0 if time.monotonic() - since > STABLE_SECONDS else tries
            backoff = backoff_before(tries)
            tries += 1
            tail = log_tail(component.server.log_file)
            log.warning("server_ended", server=name, status=status, restart_in=backoff, log=tail[-500:])
            await asyncio.sleep(backoff)
            await self._all_ready(component.needs)
            try:
                component.server.clean_up()
                await self._run(component.server)
            except Exception as error:  # noqa: BLE001 - whatever failed, the component is restarted
                log.error("server_restart_failed", server=name, reason=str(error))

    async def _start_first(self, server: Server) -> None:
        for attempt in range(1, START_ATTEMPTS + 1):
            self.secure_ports(server)
            self._report(server.name, ComponentState.STARTING)
            try:
                await self._run(server)
                break
            except (ServerFailed, OSError) as error:
                log.warning("server_start_failed", server=server.name, attempt=attempt, reason=str(error))
                if attempt == START_ATTEMPTS or not isinstance(error, ServerFailed):
                    self._report(server.name, ComponentState.FAILED)
                    raise

    async def _run(self, server: Server) -> None:
        """Start a new process and wait until it is ready; stop it if that fails."""
        process = await ServerProcess.start(server)
        self._running[server.name] = process
        try:
            self._on_processes(self.process_ids())
            await process.wait_ready(READY_SECONDS)
        except Exception:  # whatever it was: the next try waits for the end of this process
            await process.kill()
            raise
        self._ready[server.name].set()
        self._report(server.name, ComponentState.READY)

    def process_ids(self) -> dict[str, ProcessId]:
        return {name: process.id for name, process in self._running.items()}

    def _report(self, name: str, state: ComponentState) -> None:
        self._on_change(name, state)
