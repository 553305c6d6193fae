"""Run as a process to be killed: rebuilds the same index again and again, changing it all the while."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from docstore_indexer.engines.engine import IndexedDocument
from docstore_indexer.engines.tantivy.engine import TantivyEngine
from docstore_platform.security.cipher import Cipher


def numbered(number: int, version: int) -> IndexedDocument:
    now = datetime.now(UTC)
    return IndexedDocument(
        file_id=f"f{number}",
        owner_id="ann",
        readers=("ann",),
        name=f"name{number}",
        tags=(),
        content_type="text/plain",
        size=1,
        version=version,
        created_at=now,
        modified_at=now,
        text=f"text {number}",
    )


async def main(root: Path) -> None:
    engine = TantivyEngine(root, Cipher("texts", "secret"), commit_ms=0)
    opened = await engine.open()
    version = 0
    if opened.rebuild_needed:
        await engine.upsert([numbered(number, 0) for number in range(20)])
        await engine.flush()
    while True:
        version += 1
        await engine.begin_rebuild()
        await engine.upsert([numbered(number, version) for number in range(10)])
        await engine.add_to_rebuild([numbered(number, version) for number in range(10, 20)])
        await engine.flush()
        await engine.finish_rebuild()
        print(version, flush=True)


asyncio.run(main(Path(sys.argv[1])))
