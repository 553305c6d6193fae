"""A process of one service, or of all of them, as the supervisor starts and probes it."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from docstore_standalone.embedded.http_probe import http_status, until
from docstore_standalone.ports import LOOPBACK
from docstore_standalone.supervision.forker import ForkedProcess, Forker
from docstore_standalone.supervision.prefork import Job
from docstore_standalone.supervision.processes import base_environment


@dataclass(slots=True)
class ServiceProcess:
    """A process of one or all services."""

    name: str
    module: str
    port: int
    operations_port: int
    variables: Mapping[str, str] = field(repr=False)
    """Of its next start."""
    log_file: Path
    port_names: Sequence[str] = ()
    stop_seconds: float = 15.0
    forker: Forker | None = field(default=None, repr=False)
    """Forks it if present, since a new process must import everything first."""
    ready_path: str = "/readyz"

    async def fork(self) -> ForkedProcess | None:
        return None if self.forker is None else await self.forker.fork(self.job())

    def job(self) -> Job:
        title = f"docstore {self.name} {self.log_file.parent.parent}"
        return Job(self.module, dict(self.environment()), str(self.log_file), title)

    def prepare(self) -> None:
        """Nothing: its settings are in its environment."""

    def command(self) -> Sequence[str]:
        return (sys.executable, "-m", self.module)

    def environment(self) -> Mapping[str, str]:
        listens = {"HOST": LOOPBACK, "PORT": str(self.port), "OPERATIONS_PORT": str(self.operations_port)}
        return {**base_environment(), **self.variables, **listens}

    async def wait_ready(self) -> None:
        """Probe the operators' port: another program may listen at the public one."""

        async def is_ready() -> bool:
            return await http_status(self.operations_port, self.ready_path) == 200

        await until(is_ready)

    def clean_up(self) -> None:
        """Nothing to remove."""
