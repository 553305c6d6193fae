"""The chart on a node: installed, tested by Helm, used, upgraded and hurt while a person works."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from busy_client import BusyClient
from cluster_node import one_node_cluster
from control_plane import NotRun
from installed_chart import ADMIN, ADMIN_PASSWORD, PATIENCE, RELEASE, Installed, installed_chart
from ledger import Ledger, ledger_is_kept
from people import Person

from docstore_platform.services import SERVICE_NAMES

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(0)]

KILLED = 5


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """A release on a cluster of one node. A machine that can't have one says why."""
    try:
        with (
            one_node_cluster() as cluster,
            installed_chart(cluster, tmp_path_factory.mktemp("installed")) as release,
        ):
            yield release
    except NotRun as reason:
        pytest.skip(f"no node on this machine: {reason}")


@asynccontextmanager
async def somebody_works(installed: Installed, seed: int) -> AsyncIterator[Ledger]:
    """A person changes files until the block ends; afterwards each acknowledged change counts exactly once."""
    async with BusyClient(lambda: installed.gateway) as client:
        ledger = Ledger(client, random.Random(seed))
        async with ledger.working():
            yield ledger
        async with Person(installed.gateway) as admin:
            await admin.log_in(ADMIN, ADMIN_PASSWORD)
            await ledger_is_kept(ledger, admin)
        assert ledger.operations


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


async def test_an_upgrade_and_a_rollback_lose_nothing(installed: Installed) -> None:
    """All pods are replaced, twice, while a person changes files."""
    async with somebody_works(installed, seed=1):
        await asyncio.to_thread(installed.upgrade, "--set", "logLevel=DEBUG")
        await asyncio.to_thread(installed.helm, "rollback", RELEASE, "--wait", "--timeout", PATIENCE)


async def test_killed_pods_lose_nothing(installed: Installed) -> None:
    """Pods of random services end without a warning while a person changes files."""
    rng = random.Random(2)
    async with somebody_works(installed, seed=2):
        for service in rng.sample(SERVICE_NAMES, KILLED):
            label = f"app.kubernetes.io/component={service}"
            now = ("--grace-period=0", "--force")
            await asyncio.to_thread(installed.kubectl, "delete", "pod", "--selector", label, *now)
            status = ("rollout", "status", f"deployment/{RELEASE}-{service}", f"--timeout={PATIENCE}")
            await asyncio.to_thread(installed.kubectl, *status)
