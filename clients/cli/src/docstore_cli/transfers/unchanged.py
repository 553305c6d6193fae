"""Finds files that DocStore already has, with the same content at the same path."""

import asyncio
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from docstore_cli.remote_path import RemotePath, find
from docstore_client import ApiError, AsyncClient
from docstore_client.models import File
from docstore_client.sources import measure

COMPARED_AT_ONCE = 10_000
PARALLEL = 16
PARALLEL_READS = 2

Digests = Mapping[RemotePath, str]
"""SHA-256 by path."""


class Unchanged:
    """Queries for unchanged files."""

    def __init__(self, docstore: AsyncClient) -> None:
        self._docstore = docstore

    async def among(self, digests: Digests) -> set[RemotePath]:
        """One by one."""
        room = asyncio.Semaphore(PARALLEL)

        async def is_there(place: RemotePath, digest: str) -> bool:
            async with room:
                found = await self._find(place)
                return found is not None and found.sha256 == digest

        there = await asyncio.gather(*(is_there(*item) for item in digests.items()))
        return {place for place, is_same in zip(digests, there, strict=True) if is_same}

    async def among_large(self, files: Mapping[RemotePath, Path]) -> set[RemotePath]:
        """Check large files one by one; read a file only if the sizes are equal."""
        room = asyncio.Semaphore(PARALLEL_READS)

        async def is_there(place: RemotePath, local: Path) -> bool:
            async with room:
                found = await self._find(place)
                return found is not None and await asyncio.to_thread(_is_same, found, local)

        there = await asyncio.gather(*(is_there(*item) for item in files.items()))
        return {place for place, is_same in zip(files, there, strict=True) if is_same}

    async def below(self, folder: RemotePath, digests: Digests) -> set[RemotePath]:
        """Check the contents of a folder with few calls."""
        there = await self._find(folder)
        if there is None or not there.is_folder:
            return set()
        prefix = there.path.rstrip("/")
        paths = {"/".join((prefix, *place.names[len(folder.names) :])): place for place in digests}
        same: set[RemotePath] = set()
        left = iter(paths)
        while chunk := list(islice(left, COMPARED_AT_ONCE)):
            entries = {path: digests[paths[path]] for path in chunk}
            try:
                found = await self._docstore.compare(entries, parent_id=there.id)
            except ApiError as error:
                if error.code != "too_large":
                    raise
                return await self.among(digests)
            changed = {file.path for file in found.newer} | {*found.unknown, *found.deleted}
            same |= {paths[path] for path in chunk if path not in changed}
        return same

    async def _find(self, place: RemotePath) -> File | None:
        """Look up a path; None also for an invalid path, which the upload will report."""
        try:
            return await find(self._docstore, place)
        except ApiError as error:
            if error.code == "invalid_path":
                return None
            raise


def _is_same(file: File, local: Path) -> bool:
    """False if it can't be read: the upload will then report the error."""
    try:
        return file.size == local.stat().st_size and file.sha256 == measure(local)[1]
    except OSError:
        return False
