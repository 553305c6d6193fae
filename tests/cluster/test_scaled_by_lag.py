"""Pods of a service are added while its events wait, and removed when they are read."""

import asyncio
from collections.abc import Iterator

import pytest
from busy_release import somebody_notices_nothing
from cluster import Cluster
from control_plane import NotRun
from installed_chart import RELEASE, Installed
from keda import running_keda

from docstore_platform.testing import eventually

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(0)]

SERVICE, MOST = "notify", 3
PATIENCE_SECONDS = 900
"""An autoscaler removes nothing in the first minute."""


@pytest.fixture(scope="module")
def scaling(two_nodes: Cluster, installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The release, of which one service is scaled from one pod on by its lag."""
    try:
        with running_keda(two_nodes, tmp_path_factory.mktemp("keda")):
            lag = {"enabled": "true", "min": "1", "max": str(MOST), "lag": "1"}
            settings = (f"services.{SERVICE}.kedaLag.{name}={value}" for name, value in lag.items())
            installed.upgrade("--set", ",".join(settings))
            yield installed
            installed.upgrade()
    except NotRun as reason:
        pytest.skip(f"no KEDA on this machine: {reason}")


async def test_pods_are_added_and_removed_by_lag(scaling: Installed) -> None:
    """With more unread events than one per pod there are three pods, without any there is one; no call fails."""

    async def has(pods: int) -> bool:
        wanted = ("get", f"deployment/{RELEASE}-{SERVICE}", "--output=jsonpath={.spec.replicas}")
        return await asyncio.to_thread(scaling.kubectl, *wanted) == str(pods)

    await eventually(lambda: has(1), seconds=PATIENCE_SECONDS, every=5)
    async with somebody_notices_nothing(scaling, seed=7):
        await eventually(lambda: has(MOST), seconds=PATIENCE_SECONDS, every=5)
        await asyncio.to_thread(scaling.rolled_out)
    await eventually(lambda: has(1), seconds=PATIENCE_SECONDS, every=5)
