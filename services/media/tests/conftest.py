"""Makes the tests' own modules importable; a renderer with its real worker process."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from docstore_media.rendering.renderer import WorkerRenderer

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
async def renderer(tmp_path: Path) -> "AsyncIterator[WorkerRenderer]":
    from media_contents import VIDEOS, NoPdfs, Store

    from docstore_contents.reader import Contents
    from docstore_contents.workers.worker_process import WorkerLimits
    from docstore_media.rendering.renderer import WorkerRenderer

    store: Any = Store()
    made = WorkerRenderer(
        Contents(store), WorkerLimits(), tmp_path, max_pixels=50_000_000, videos=VIDEOS, pdfs=NoPdfs()
    )
    yield made
    await made.close()
