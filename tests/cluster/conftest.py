"""A cluster of two nodes with the chart installed, for all tests that need one."""

from collections.abc import Iterator

import pytest
from cluster import Cluster, running_cluster
from control_plane import NotRun
from installed_chart import Installed, Place, prepared_release, provide_images

PLACE = Place("docstore", "data", gateway_port=30080, store_port=30333, members=3, replicas=2)


@pytest.fixture(scope="session")
def two_nodes() -> Iterator[Cluster]:
    """A cluster that knows the images of servers and services. A machine that can't have one says why."""
    try:
        with running_cluster(2) as cluster:
            provide_images(cluster)
            yield cluster
    except NotRun as reason:
        pytest.skip(f"no node on this machine: {reason}")


@pytest.fixture(scope="session")
def installed(two_nodes: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Two of each service, but for the indexer, on three members of MongoDB and of Kafka."""
    with prepared_release(two_nodes, PLACE, tmp_path_factory.mktemp("installed")) as release:
        release.upgrade()
        yield release
