"""Experiments of `docstore chaos` on a running stack."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from stacks import DetachedStack, run

from docstore_standalone.chaos.partition import TABLE_PREFIX, partition_obstacle

pytestmark = [pytest.mark.connected, pytest.mark.faults]


async def chaos(stack: DetachedStack, *arguments: str) -> tuple[int, Any]:
    status, output = await run("chaos", *arguments, "--data", str(stack.data), "--json")
    return status, json.loads(output[output.index("{") :]) if "{" in output else output


async def test_a_kill_is_survived_and_reported(stack: DetachedStack) -> None:
    """Another process takes the place of the killed one; the report has what users felt before, during and after."""
    before = stack.identity("mongod")
    status, report = await chaos(stack, "kill", "mongod", "--seconds", "5")
    assert (status, report["stopped_because"]) == (0, "")
    assert stack.identity("mongod") != before
    assert report["recovery_seconds"] >= 0
    assert report["before"]["errors"] == 0
    assert report["before"]["p50"] < report["during"]["p99"]
    assert all(report[phase]["requests"] > 0 for phase in ("before", "during"))


@pytest.mark.skipif(bool(partition_obstacle()), reason=partition_obstacle())
async def test_a_partition_is_felt_and_heals(stack: DetachedStack) -> None:
    """Calls fail or wait while no one reaches the database; the same process serves again, and no rules are left."""
    before = stack.identity("mongod")
    status, report = await chaos(stack, "partition", "mongod", "--seconds", "6", "--stop-after", "60")
    assert status == 0, report
    assert "cut off mongod" in report["what"]
    assert report["before"]["errors"] == 0
    assert report["during"]["errors"] or report["during"]["p99"] > 2
    assert report["recovery_seconds"] is not None
    assert stack.identity("mongod") == before
    listed = await asyncio.to_thread(subprocess.run, ["nft", "list", "tables"], capture_output=True, check=True)
    assert TABLE_PREFIX.encode() not in listed.stdout


@pytest.fixture
async def usual_stack(tmp_path: Path) -> AsyncIterator[DetachedStack]:
    """With the lifetimes of signatures that users have."""
    async with DetachedStack(tmp_path / "data", {}) as stack:
        yield stack


async def test_a_wrong_clock_is_survived(usual_stack: DetachedStack) -> None:
    """Minutes ahead or behind, users work on: the tokens they have and the signatures they get are accepted."""
    for offset in ("240", "-600"):
        status, report = await chaos(usual_stack, "skew-clock", "services", "--offset", offset, "--seconds", "6")
        assert status == 0, report
        assert "set the clock of services" in report["what"]
        assert report["during"]["requests"] > 30
        assert (report["during"]["error_kinds"], report["after"]["error_kinds"]) == ({}, {})
        assert not os.listdir(usual_stack.data / "clock-skew")


async def test_a_fault_that_goes_too_far_is_ended(stack: DetachedStack) -> None:
    """Once calls fail for as long as allowed the paused services go on, and users recover."""
    limits = ("--stop-error-rate", "0.5", "--stop-after", "1")
    status, report = await chaos(stack, "pause", "services", "--seconds", "120", *limits)
    assert status == 1
    assert "calls failed" in report["stopped_because"]
    assert report["fault_seconds"] < 60
    assert report["recovery_seconds"] is not None
    assert stack.process("services").status() != psutil.STATUS_STOPPED


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("skew-clock", "mongod"), "clock of the machine"),
        (("kill", "nothing"), "no running component"),
    ],
)
async def test_impossible_faults_are_refused(stack: DetachedStack, arguments: tuple[str, ...], reason: str) -> None:
    """With the reason, and without a fault."""
    status, output = await chaos(stack, *arguments)
    assert status == 1
    assert reason in " ".join(output.split())


async def test_a_disk_with_other_data_is_not_filled(stack: DetachedStack) -> None:
    """Unless that is allowed."""
    status, output = await chaos(stack, "fill-disk")
    assert status == 1
    assert "--shared-disk" in output
