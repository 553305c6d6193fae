"""Uploads files by the method that suits their size: small ones in packs, large ones in blocks, others as objects."""

import asyncio
from collections.abc import Sequence

from docstore_client.blocks.chunking import BLOCKS_FROM
from docstore_client.errors import ApiError, DocStoreError
from docstore_client.models import File
from docstore_client.network.connection import Connection
from docstore_client.sources import Progress, Source, unreadable
from docstore_client.uploading.block_uploads import BlockUploads
from docstore_client.uploading.object_uploads import ObjectUploads
from docstore_client.uploading.packs import PACKED_BELOW, PackUploads

BLOCKS_UP_TO = 64 << 30
"""Size limit of block uploads: larger files would exceed the number of blocks per file."""
PARALLEL_LARGE = 2

Outcome = File | DocStoreError


class Uploads:
    """Uploads over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._objects = ObjectUploads(connection)
        self._packs = PackUploads(connection)
        self._blocks = BlockUploads(connection)
        self._large = asyncio.Semaphore(PARALLEL_LARGE)

    async def upload(self, source: Source, progress: Progress = lambda _: None) -> File:
        """Upload one file. Return the resulting file. An interrupted upload of a large file is resumed."""
        if BLOCKS_FROM <= source.size_now() <= BLOCKS_UP_TO:
            try:
                return await self._blocks.upload(source, progress)
            except ApiError as error:
                if error.code != "folder_limited":
                    raise
        return await self._objects.upload(source, progress)

    async def upload_many(self, sources: Sequence[Source], progress: Progress = lambda _: None) -> list[Outcome]:
        """Upload files of any size, small ones in packs. Return for each the file or the error."""
        sizes = [source.size_now() for source in sources]
        large = [number for number, size in enumerate(sizes) if size >= BLOCKS_FROM]
        small = [number for number, size in enumerate(sizes) if size < PACKED_BELOW]
        if len(small) == 1:
            small = []
        outcomes: dict[int, Outcome] = {}
        packed = await self._packs.upload_many([sources[number] for number in small], progress)
        for number, outcome in zip(small, packed, strict=True):
            if not (isinstance(outcome, ApiError) and outcome.code == "pack_own_tree"):
                outcomes[number] = outcome
        others = [number for number in range(len(sources)) if number not in outcomes and sizes[number] < BLOCKS_FROM]
        sent = await self._objects.upload_many([sources[number] for number in others], progress)
        outcomes |= dict(zip(others, sent, strict=True))
        ends = await asyncio.gather(*(self._upload_large(sources[number], progress) for number in large))
        outcomes |= dict(zip(large, ends, strict=True))
        return [outcomes[number] for number in range(len(sources))]

    async def _upload_large(self, source: Source, progress: Progress) -> Outcome:
        async with self._large:
            try:
                return await self.upload(source, progress)
            except (DocStoreError, OSError) as error:
                return unreadable(source, error)
