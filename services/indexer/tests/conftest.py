"""Makes the tests' own modules (documents, the engines' contract) importable, and chooses the search engine.

`TEST_SEARCH=opensearch` runs the integration tests on a real OpenSearch node, and those that are for it alone.
"""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

SEARCH = os.environ.get("TEST_SEARCH", "tantivy")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests for OpenSearch alone are not among those of another engine; its jars are fetched before any test's time."""
    if SEARCH not in ("tantivy", "opensearch"):
        raise pytest.UsageError(f"TEST_SEARCH is {SEARCH!r}, and neither tantivy nor opensearch")
    if SEARCH == "opensearch":
        from docstore_standalone.embedded.java.opensearch import fetch_opensearch
        from docstore_standalone.settings import StandaloneSettings

        fetch_opensearch(StandaloneSettings().tools)
        return
    others = [item for item in items if item.get_closest_marker("opensearch")]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in set(others)]


@pytest.fixture(scope="session")
async def opensearch_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A node for the whole session, started at the first test that needs it."""
    from opensearch_nodes import running_node  # tests of the embedded engine need not wait for this import

    async with running_node(tmp_path_factory.mktemp("opensearch")) as node:
        yield node.url
