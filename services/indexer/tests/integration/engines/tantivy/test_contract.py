"""Tantivy keeps the engines' contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from search_engine_contract import *  # noqa: F403 (all tests of the contract are collected here)
from search_texts_contract import *  # noqa: F403

from docstore_indexer.engines.tantivy.engine import TantivyEngine


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[TantivyEngine]:
    engine = TantivyEngine(tmp_path / "index", CIPHER, commit_ms=0)  # noqa: F405
    await engine.open()
    yield engine
    await engine.close()
