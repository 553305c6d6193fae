"""A DocStore started with `docstore up` as a separate process."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import psutil
from deployments import Bucket, Mailbox
from many_callers import MANY_CALLERS

from docstore_platform.testing import eventually
from docstore_standalone.chaos import faults
from docstore_standalone.credentials import load_credentials
from docstore_standalone.embedded.mailbox import MAILBOX_FOLDER
from docstore_standalone.state import StackState, read_state, running_state
from docstore_standalone.supervision.processes import ProcessId

SHORT_WAITS = MANY_CALLERS | {
    "GATEWAY_IDEMPOTENCY_LEASE_SECONDS": "3",
    "ACCOUNTS_SELF_SERVICE_PLANS": "true",
    "ACCOUNTS_ACCESS_TOKEN_LIFETIME_SECONDS": "3600",
    "METADATA_JOB_LEASE_SECONDS": "5",
    "INDEXER_LEASE_SECONDS": "5",
    "NOTIFY_DIGEST_INTERVAL_SECONDS": "0",
    "NOTIFY_SEND_TIMEOUT_SECONDS": "3",
    "NOTIFY_LEASE_SECONDS": "5",
    "UPLOAD_POLL_INTERVAL_SECONDS": "0.5",
    "UPLOAD_LEASE_SECONDS": "4",
    "UPLOAD_LIFETIME_SECONDS": "7",
    "UPLOAD_MULTIPART_LIFETIME_SECONDS": "7",
    "UPLOAD_CHECK_FIRST_DELAY_SECONDS": "2",
    "UPLOAD_CHECK_LONGEST_DELAY_SECONDS": "3",
    "UPLOAD_COMMIT_RETRY_DELAY_SECONDS": "2",
    "UPLOAD_RESERVATION_GRACE_SECONDS": "2",
    "UPLOAD_SWEEP_DELAY_SECONDS": "15",  # so long may a PUT that began in time take where the store has just come back
    "UPLOAD_SETTLE_FIRST_DELAY_SECONDS": "3",
    "QUOTA_SWEEP_INTERVAL_SECONDS": "1",
    "QUOTA_EXPIRY_GRACE_SECONDS": "1",
}
"""Settings by which uploads expire, and leases of what was killed end, within seconds."""
SUPERVISOR = "supervisor"
RETURN_SECONDS = 40.0
"""How long a component may take to be back. On two busy cores."""


def docstore(*arguments: str, python: str = sys.executable) -> list[str]:
    """The command line of the `docstore` command."""
    return [python, "-m", "docstore_cli", *arguments]


async def run(
    *arguments: str, environment: dict[str, str] | None = None, python: str = sys.executable
) -> tuple[int, str]:
    """Run the command to its end; its status and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *docstore(*arguments, python=python),
        env={**os.environ, **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


def processes_of(data: Path) -> list[psutil.Process]:
    """Every process that has to do with the data folder: by its command line or its environment."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _names(process, str(data))]


def _names(process: psutil.Process, data: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return any(data in word for word in [*process.cmdline(), *process.environ().values()])
    except psutil.Error:
        return False


class DetachedStack:
    """A stack in the background, and the power to kill its parts. `python`: of another version."""

    def __init__(
        self,
        data: Path,
        environment: dict[str, str],
        *,
        processes: bool = False,
        region: str = "us-west-2",
        python: str = sys.executable,
    ) -> None:
        self.data = data
        self.region = region
        self._python = python
        self._environment = environment
        self._arguments = ["--processes"] if processes else []
        self._gateway = ""

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.down()

    async def up(self) -> None:
        arguments = ["up", "--detach", "--data", str(self.data), *self._arguments]
        status, output = await run(*arguments, environment=self._environment, python=self._python)
        assert status == 0, output

    async def down(self) -> None:
        status, output = await run("down", "--data", str(self.data), python=self._python)
        assert status == 0, output

    async def restart(self, changed: Mapping[str, str]) -> None:
        """Stop, and start with these settings changed."""
        await self.down()
        self._environment = {**self._environment, **changed}
        await self.up()

    @property
    def state(self) -> StackState:
        return read_state(self.data)

    @property
    def gateway(self) -> str:
        """Where it is, or was before it was killed."""
        self._gateway = self.state.addresses.get("gateway", self._gateway)
        return self._gateway

    @property
    def admin_password(self) -> str:
        return load_credentials(self.data).admin_password

    @property
    def mailbox(self) -> Mailbox:
        return Mailbox(self.data / MAILBOX_FOLDER)

    @property
    def bucket(self) -> Bucket:
        keys = load_credentials(self.data).services
        return Bucket(
            self.state.addresses["s3"],
            keys.access_key_id,
            keys.secret_access_key,
            f"docstore-content-{self.region}",
            self.region,
        )

    def identity(self, part: str) -> ProcessId:
        state = self.state
        found = state.supervisor if part == SUPERVISOR else state.processes[part]
        assert found is not None
        return found

    def process(self, part: str) -> psutil.Process:
        process = self.identity(part).find()
        assert process is not None, f"{part} does not run"
        return process

    async def kill(self, part: str) -> ProcessId:
        """kill -9; which process it was."""
        killed = self.identity(part)
        faults.kill(self.process(part))
        return killed

    async def returned(self, part: str, killed: ProcessId) -> None:
        """Returns once another process has taken the place of the one that was killed, and the gateway is ready."""
        if part == SUPERVISOR:
            await self._start_again()
            return

        async def is_another() -> bool:
            known = self.state.processes.get(part)
            return known is not None and known != killed and known.find() is not None

        await eventually(is_another, seconds=RETURN_SECONDS, every=0.1)

    async def _start_again(self) -> None:
        """No one is left to restart the supervisor: a person does, once what it kept running is gone."""

        async def all_gone() -> bool:
            return running_state(self.data) is None and not any(
                process.find() for process in self.state.processes.values()
            )

        await eventually(all_gone, seconds=RETURN_SECONDS, every=0.1)
        await self.up()
