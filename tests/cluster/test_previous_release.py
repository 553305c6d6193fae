"""An upgrade from the version before, by its own chart and images, while a person works."""

import asyncio
from pathlib import Path

import pytest
from busy_release import somebody_notices_nothing
from cluster import Cluster
from installed_chart import Place, prepared_release, provide_service_images
from previous_version import PREVIOUS_VERSION, NotInHistory, extract

from docstore_platform.services import SERVICE_NAMES

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(0)]

PLACE = Place("before", "data-before", gateway_port=30083, store_port=30336, replicas=2)
TAG = "previous"


@pytest.fixture(scope="module")
def previous(two_nodes: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of the version before; the nodes have its images."""
    sources = tmp_path_factory.mktemp("previous")
    try:
        extract(sources, folders=())
    except NotInHistory as error:
        pytest.skip(f"AN UPGRADE FROM {PREVIOUS_VERSION[:7]} IS NOT TESTED: {error}")
    two_nodes.import_images(*provide_service_images(sources, TAG, SERVICE_NAMES))
    return sources


async def test_an_upgrade_from_the_previous_release_fails_no_call(
    previous: Path, two_nodes: Cluster, tmp_path: Path
) -> None:
    """Its pods are replaced by those of the present version while a person changes files."""
    with prepared_release(two_nodes, PLACE, tmp_path) as release:
        release.upgrade(chart=previous / "deploy/k8s/docstore", tag=TAG)
        async with somebody_notices_nothing(release, seed=6):
            await asyncio.to_thread(release.upgrade)
