"""Two OpenSearch nodes that form one cluster, as the search engine of several indexers."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from docstore_standalone.embedded.java.opensearch import HEAP, OpenSearch
from docstore_standalone.ports import LOOPBACK, PortBook
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.supervision.processes import ServerProcess

START_SECONDS = 600.0
"""The machine may be busy."""
NAMES = ("one", "two")
JAVA_OPTIONS = ("-Xms1536m", "-Xmx1536m", "-XX:+UseG1GC")
"""The garbage collector of OpenSearch's distribution, and both of Java's compilers: the tests' node has neither."""


class ClusterNode(OpenSearch):
    """A node that forms a cluster with others, instead of one of its own."""

    def __init__(self, name: str, folder: Path, ports: PortBook) -> None:
        ports.secure(self.port_names)
        super().__init__(StandaloneSettings().tools, folder, folder / "log", ports)
        self.node_name = name
        self.seeds: Sequence[str] = ()
        """Transport addresses of all nodes."""

    @property
    def transport(self) -> str:
        return f"{LOOPBACK}:{self.ports['opensearch-transport']}"

    def prepare(self) -> None:
        super().prepare()
        path = self.folder / "config" / "opensearch.yml"
        own = {
            "node.name": self.node_name,
            "discovery.seed_hosts": ", ".join(self.seeds),
            "cluster.initial_cluster_manager_nodes": ", ".join(NAMES),
        }
        lines = [line for line in path.read_text().splitlines() if not line.startswith("discovery.type:")]
        path.write_text("\n".join([*lines, *(f"{name}: {value}" for name, value in own.items())]) + "\n")

    def command(self) -> Sequence[str]:
        program, *options = super().command()
        return [program, *JAVA_OPTIONS, *(option for option in options if option not in HEAP)]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster; `url` is the address of its first node."""

    url: str
    processes: Mapping[str, ServerProcess]

    def cpu_seconds(self) -> float:
        """User and system time of all nodes so far."""
        return sum(sum(psutil.Process(each.id.pid).cpu_times()[:2]) for each in self.processes.values())

    def resident(self) -> Mapping[str, int]:
        """Resident bytes of each node, pages of mapped index files included."""
        return {name: psutil.Process(each.id.pid).memory_info().rss for name, each in self.processes.items()}


@asynccontextmanager
async def two_nodes() -> AsyncIterator[Cluster]:
    """A cluster with empty indexes; gone, data and all, when the block ends."""
    with TemporaryDirectory(prefix="docstore-bench-") as folder:
        nodes = [ClusterNode(name, Path(folder) / name, PortBook()) for name in NAMES]
        processes: dict[str, ServerProcess] = {}
        try:
            for node in nodes:
                node.seeds = [each.transport for each in nodes]
                processes[node.node_name] = await ServerProcess.start(node)
            # Neither is ready before they have elected a manager.
            await asyncio.gather(*(process.wait_ready(START_SECONDS) for process in processes.values()))
            yield Cluster(nodes[0].url, processes)
        finally:
            await asyncio.gather(*(process.stop() for process in processes.values()))
