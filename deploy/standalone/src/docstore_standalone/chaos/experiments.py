"""Experiments: a fault in a running stack under probes, stopped when it goes too far, and its report."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from docstore_platform.services import SERVICE_NAMES
from docstore_standalone.chaos.faults import filled_disk, kill, partitioned, paused, skewed, slowed
from docstore_standalone.chaos.partition import PartitionFailed, partition_obstacle
from docstore_standalone.chaos.probes import Felt, Probes, felt
from docstore_standalone.state import StackState, read_state

FaultName = Literal["kill", "pause", "slow", "fill-disk", "partition", "skew-clock"]
BEFORE_SECONDS = 5.0
RECOVERY_SECONDS = 90.0
STEADY_SECONDS = 3.0
"""Users have recovered when no call has failed or was slow for so long."""
SLOW_SECONDS, SLOW_TIMES = 1.0, 10
"""A call is slow if it takes longer than this, and than so many times the median before the fault."""
POLL_SECONDS = 0.1
SKEWABLE = ("services", *SERVICE_NAMES)
"""Servers read the clock of the machine, which can't be changed for one process."""


class ExperimentRefused(Exception):
    """The experiment is not possible here; the message contains the reason."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A fault and its limits. `share`: of the time that a slowed component stands still."""

    fault: FaultName
    component: str = ""
    seconds: float = 10.0
    share: float = 0.9
    leave_bytes: int = 0
    is_shared_disk_allowed: bool = False
    offset: float = 300.0
    """Seconds that a skewed clock is ahead."""
    stop_error_rate: float = 1.0
    stop_after_seconds: float = 15.0
    """The fault ends early once so large a part of the calls has failed for so long."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an experiment did to users.

    `recovery_seconds`: from the end of the fault, or from the kill, to the end of the last call that failed or was
    slow; None if they did not recover.
    """

    experiment: Experiment
    what: str
    fault_seconds: float
    stopped_because: str
    recovery_seconds: float | None
    before: Felt
    during: Felt
    after: Felt


async def run_experiment(data: Path, experiment: Experiment, token: str, per_second: float) -> Report:
    """Run it against the stack of `data`. ExperimentRefused; RuntimeError if the stack does not work before."""
    state = read_state(data)
    fault = _fault(data, state, experiment)
    probes = Probes(state.addresses["gateway"], token, per_second)
    async with probes.running():
        begun = time.monotonic()
        await asyncio.sleep(BEFORE_SECONDS)
        injected = time.monotonic()
        async with fault as what:
            stopped = await _wait_or_stop(probes, experiment, injected)
        last = time.monotonic()
        slow = _slow_seconds(felt(probes.begun(begun, injected), injected - begun))
        recovered = await _recovered(probes, slow, injected if experiment.fault == "kill" else last)
        finished = time.monotonic()
    return Report(
        experiment,
        what,
        round(last - injected, 2),
        stopped,
        recovered,
        felt(probes.begun(begun, injected), injected - begun),
        felt(probes.begun(injected, last), last - injected),
        felt(probes.begun(last, finished), finished - last),
    )


def _fault(data: Path, state: StackState, experiment: Experiment) -> AbstractAsyncContextManager[str]:
    name = experiment.fault
    if name == "partition" and (obstacle := partition_obstacle()):
        raise ExperimentRefused(f"{name} is not possible here: {obstacle}")
    if name == "fill-disk":
        if not experiment.is_shared_disk_allowed and not os.path.ismount(data):
            raise ExperimentRefused(
                f"{data} shares its file system with other data, which would be full, too: allow it with --shared-disk"
            )
        return _full(data, experiment.leave_bytes)
    known = state.processes.get(experiment.component)
    process = known.find() if known else None
    if process is None:
        names = ", ".join(state.processes)
        raise ExperimentRefused(f"there is no running component {experiment.component!r}; there is {names}")
    if name == "skew-clock":
        if experiment.component not in SKEWABLE:
            raise ExperimentRefused(f"{experiment.component} has the clock of the machine; only services can be skewed")
        return _skewed(data, experiment)
    return _of_process(process, experiment)


@asynccontextmanager
async def _of_process(process: psutil.Process, experiment: Experiment) -> AsyncIterator[str]:
    named = f"{experiment.component} (process {process.pid})"
    if experiment.fault == "kill":
        kill(process)
        yield f"killed {named}"
    elif experiment.fault == "pause":
        async with paused([process]):
            yield f"paused {named}"
    elif experiment.fault == "partition":
        try:
            async with partitioned([process], experiment.seconds) as ports:
                yield f"cut off {named}, port {', '.join(map(str, sorted(ports)))}"
        except PartitionFailed as error:
            raise ExperimentRefused(str(error)) from None
    else:
        async with slowed([process], experiment.share):
            yield f"slowed {named}, which stood still for {experiment.share:.0%} of the time"


@asynccontextmanager
async def _skewed(data: Path, experiment: Experiment) -> AsyncIterator[str]:
    async with skewed(data, experiment.component, experiment.offset, experiment.seconds):
        ahead = "ahead of" if experiment.offset > 0 else "behind"
        yield f"set the clock of {experiment.component} {abs(experiment.offset):g} s {ahead} the machine's"


@asynccontextmanager
async def _full(data: Path, leave_bytes: int) -> AsyncIterator[str]:
    async with filled_disk(data, leave_bytes) as taken:
        yield f"filled the disk of {data} with {taken / 2**20:.0f} MiB"


async def _wait_or_stop(probes: Probes, experiment: Experiment, injected: float) -> str:
    """Wait until the fault's time is up; return why it was stopped earlier, or nothing."""
    window = experiment.stop_after_seconds
    while (now := time.monotonic()) < injected + experiment.seconds:
        recent = probes.ended(max(injected, now - window))
        failed = sum(bool(each.error) for each in recent)
        if now - injected >= window and recent and failed >= experiment.stop_error_rate * len(recent):
            return f"{failed} of {len(recent)} calls failed in {window:g} s"
        await asyncio.sleep(POLL_SECONDS)
    return ""


def _slow_seconds(before: Felt) -> float:
    return max(SLOW_SECONDS, SLOW_TIMES * (before.p50 or 0.0))


async def _recovered(probes: Probes, slow_seconds: float, since: float) -> float | None:
    """Wait until all calls have been good for a while; return the seconds from `since` to the last that was not."""
    while (now := time.monotonic()) < since + RECOVERY_SECONDS:
        last_bad = max(since, probes.last_bad(slow_seconds, now))
        if now - last_bad >= STEADY_SECONDS and probes.ended(last_bad):
            return round(last_bad - since, 2)
        await asyncio.sleep(POLL_SECONDS)
    return None
