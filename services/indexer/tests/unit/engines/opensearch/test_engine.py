"""When a rebuilt index of OpenSearch may serve: its copies are complete, or no node is there for them."""

from itertools import chain, repeat
from typing import Any, cast

import pytest

from docstore_indexer.engines.opensearch import engine as module
from docstore_indexer.engines.opensearch.client import OpenSearchClient
from docstore_indexer.engines.opensearch.engine import COPY_LOOKS, NODE_LOOKS, OpenSearchEngine
from docstore_indexer.engines.opensearch.schema import Layout

ALONE = ["STARTED"]
COPYING = ["STARTED", "INITIALIZING"]
COMPLETE = ["STARTED", "STARTED"]


class Cluster:
    """The API of a cluster, whose new index has these copies one look after the other, and the last for ever."""

    def __init__(self, *looks: list[str]) -> None:
        self._looks = chain(looks, repeat(looks[-1]))
        self._next = ""
        self.looked = 0
        self.switched = False

    async def call(self, method: str, path: str, body: Any = None, *, but: Any = ()) -> dict[str, Any]:
        if path.endswith("/_search_shards"):
            self.looked += 1
            return {"shards": [[{"state": state} for state in next(self._looks)]]}
        if "/_alias?" in path:
            return {self._next: {"aliases": {"files-next": {}}}} if self._next else {}
        if method == "PUT" and "/" not in path[1:]:
            self._next = path[1:]
        self.switched |= path == "/_aliases"
        return {}


@pytest.mark.parametrize(
    ("looks", "looked"),
    [
        ([COMPLETE], 1),
        ([ALONE, COPYING, COPYING, COMPLETE], 4),
        ([ALONE], 1 + NODE_LOOKS),
    ],
)
async def test_it_serves_when_its_copies_are_complete(
    looks: list[list[str]], looked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not before a node has been found for them; in a cluster of one, after the time that takes elsewhere."""
    monkeypatch.setattr(module, "COPY_PAUSE_SECONDS", 0)
    cluster = Cluster(*looks)
    engine = OpenSearchEngine(cast(OpenSearchClient, cluster), "files", Layout(replicas=1))
    await engine.begin_rebuild()
    assert await engine.finish_rebuild()
    assert (cluster.looked, cluster.switched) == (looked, True)


async def test_it_does_not_serve_while_copies_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asked is told after a while, and may ask again: the old index serves."""
    monkeypatch.setattr(module, "COPY_PAUSE_SECONDS", 0)
    cluster = Cluster(ALONE, COPYING)
    engine = OpenSearchEngine(cast(OpenSearchClient, cluster), "files", Layout(replicas=1))
    await engine.begin_rebuild()
    assert not await engine.finish_rebuild()
    assert (cluster.looked, cluster.switched) == (COPY_LOOKS, False)
