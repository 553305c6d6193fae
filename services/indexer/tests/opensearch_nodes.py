"""A real OpenSearch node for the tests, which can be killed and started again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from docstore_indexer.engines.opensearch.client import OpenSearchClient
from docstore_indexer.engines.opensearch.engine import OpenSearchEngine
from docstore_indexer.engines.opensearch.schema import Layout
from docstore_standalone.embedded.java.opensearch import OpenSearch
from docstore_standalone.ports import PortBook
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.supervision.processes import ServerProcess

START_SECONDS = 90.0


class Node:
    """It keeps its data and its address when it is started again."""

    def __init__(self, folder: Path) -> None:
        ports = PortBook()
        ports.secure(OpenSearch.port_names)
        self._server = OpenSearch(StandaloneSettings().tools, folder, folder / "log", ports)
        self._process: ServerProcess | None = None

    @property
    def url(self) -> str:
        return self._server.url

    async def start(self) -> None:
        self._process = await ServerProcess.start(self._server)
        await self._process.wait_ready(START_SECONDS)

    async def kill(self) -> None:
        """As a crash would."""
        if self._process is not None:
            await self._process.kill()


@asynccontextmanager
async def running_node(folder: Path) -> AsyncIterator[Node]:
    node = Node(folder)
    try:
        await node.start()
        yield node
    finally:
        await node.kill()


def engine_of(url: str, name: str, *, refresh_ms: int = 10) -> OpenSearchEngine:
    """An engine of a cluster of one: no copies, and no waits that tests don't need."""
    return OpenSearchEngine(OpenSearchClient(url), name, Layout(replicas=0, refresh_ms=refresh_ms), commit_ms=0)
