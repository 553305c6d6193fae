"""The chart on two nodes: installed, tested by Helm, used, upgraded, drained and hurt while a person works."""

import asyncio
import random

import pytest
from busy_release import somebody_notices_nothing, somebody_works
from installed_chart import PATIENCE, RELEASE, WAIT, Installed
from people import Person
from rotated_secrets import Rotation

from docstore_platform.services import SERVICE_NAMES

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(0)]

KILLED = 5
NOW = ("--grace-period=0", "--force")


def test_helms_own_test_passes(installed: Installed) -> None:
    """Every service is ready at its Service's name."""
    printed = installed.helm("test", RELEASE, "--logs")
    for service in SERVICE_NAMES:
        assert f"http://{RELEASE}-{service}:8000" in printed


async def test_a_file_is_uploaded_and_read(installed: Installed) -> None:
    """By presigned URLs of the store in the cluster, and found by its name."""
    async with await Person.new(installed.gateway) as ada:
        upload = await ada.begin("/letters/cormorant.txt", 5)
        await ada.put(upload["put"], b"hello")
        file = await ada.complete(upload)
        assert await ada.content(file["id"]) == b"hello"
        await ada.found("cormorant", "/letters/cormorant.txt")


async def test_an_upgrade_and_a_rollback_fail_no_call(installed: Installed) -> None:
    """All pods are replaced, twice, while a person changes files."""
    async with somebody_notices_nothing(installed, seed=1):
        await asyncio.to_thread(installed.upgrade, "--set", "logLevel=DEBUG")
        await asyncio.to_thread(installed.helm, "rollback", RELEASE, *WAIT)


async def test_draining_a_node_fails_no_call(installed: Installed) -> None:
    """Its pods are evicted within their budgets and start on the other node while a person changes files."""
    drained = installed.cluster.nodes[1].name
    on_it = ("get", "pods", f"--field-selector=spec.nodeName={drained}", "--output=name")
    assert installed.kubectl(*on_it)
    async with somebody_notices_nothing(installed, seed=2):
        drain = ("drain", drained, "--delete-emptydir-data", f"--timeout={PATIENCE}")
        await asyncio.to_thread(installed.kubectl, *drain)
        assert not installed.kubectl(*on_it)
        await asyncio.to_thread(installed.rolled_out)
    installed.kubectl("uncordon", drained)


async def test_killed_pods_lose_nothing(installed: Installed) -> None:
    """Pods of random services end without a warning while a person changes files."""
    rng = random.Random(3)
    async with somebody_works(installed, seed=3):
        for service in rng.sample(SERVICE_NAMES, KILLED):
            label = f"--selector=app.kubernetes.io/component={service}"
            await asyncio.to_thread(installed.kubectl, "delete", "pod", label, *NOW)
            await asyncio.to_thread(installed.rolled_out)


@pytest.mark.parametrize("server", ["mongo", "kafka"])
async def test_killed_members_lose_nothing(installed: Installed, server: str) -> None:
    """Each of three members of MongoDB and of Kafka ends without a warning while a person changes files."""
    servers = ("--namespace", installed.place.servers)
    async with somebody_works(installed, seed=4):
        for number in installed.place.numbers:
            name = f"{server}-{number}"
            await asyncio.to_thread(installed.kubectl, *servers, "delete", "pod", f"--selector=app={name}", *NOW)
            ready = ("rollout", "status", f"deployment/{name}", f"--timeout={PATIENCE}")
            await asyncio.to_thread(installed.kubectl, *servers, *ready)


async def test_replacing_every_secret_fails_no_call(installed: Installed) -> None:
    """In the steps of the runbook: each service's key and each secret is accepted, then used, then the only one."""
    rotation = Rotation(installed)
    async with somebody_notices_nothing(installed, seed=5):
        for step in (rotation.accept_new, rotation.use_new, rotation.forget_former):
            step()
            await asyncio.to_thread(installed.restart)
