"""Rebuilds the index of `python -m bench search-size`, as another instance of the indexer would."""

import asyncio
import sys

from bench.search_documents import document_of
from docstore_indexer.engines.opensearch.client import OpenSearchClient
from docstore_indexer.engines.opensearch.engine import OpenSearchEngine
from docstore_indexer.rebuild.worker import PAGE


async def rebuild(url: str, index: str, files: int) -> None:
    """Fill a new index with the files of the numbers below `files`, then let it serve. Prints when writes reach it."""
    engine = OpenSearchEngine(OpenSearchClient(url), index)
    await engine.open()
    try:
        await engine.begin_rebuild()
        print("begun", flush=True)
        for start in range(0, files, PAGE):
            await engine.add_to_rebuild(map(document_of, range(start, min(start + PAGE, files))))
            await engine.flush()
        while not await engine.finish_rebuild():
            pass
    finally:
        await engine.close()


if __name__ == "__main__":
    asyncio.run(rebuild(sys.argv[1], sys.argv[2], int(sys.argv[3])))
