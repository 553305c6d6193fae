"""A real OpenSearch node keeps the engines' contract."""

from collections.abc import AsyncIterator

import pytest
from opensearch_nodes import engine_of
from search_engine_contract import *  # noqa: F403 (all tests of the contract are collected here)
from search_texts_contract import *  # noqa: F403

from docstore_indexer.engines.opensearch.engine import OpenSearchEngine
from docstore_platform.ids import new_id

pytestmark = pytest.mark.opensearch


@pytest.fixture
async def engine(opensearch_url: str) -> AsyncIterator[OpenSearchEngine]:
    engine = engine_of(opensearch_url, f"t{new_id()}")
    await engine.open()
    yield engine
    await engine.close()
