"""The single steps that a plan is carried out in: what does them, and what keeps that they are done."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from docstore_sync.model import Kind, SyncedEntry

PARALLEL = 16


class StepFailed(Exception):
    """A step could not be done, now or ever; the message is for people."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A local file that is to become a file's next version (`file_id`), or a new one at `name` in a folder.

    A name as in `a/b` makes the folder `a`, too.
    """

    path: str
    identity: str
    sha256: str
    parent_id: str
    name: str
    file_id: str = ""
    base_version: int = 0


@dataclass(frozen=True, slots=True)
class Download:
    """A version at the server that is to be at a path here: over what still has this identity and SHA-256, if that is
    given, else only onto nothing."""

    path: str
    node_id: str
    version: int
    sha256: str
    replaces: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What an upload has become."""

    id: str
    version: int
    sha256: str
    parent_id: str


class Hands(Protocol):
    """Does single steps on the disk and at the server; StepFailed if one can't be done. Paths as in `a/b`."""

    async def move_here(self, path: str, identity: str, target: str) -> None:
        """Only if it still is what it was, and never onto something."""

    async def make_folder_here(self, path: str) -> str:
        """Its identity."""

    async def delete_here(self, path: str, kind: Kind, identity: str, sha256: str) -> None:
        """Only if it still is what it was; a folder only if it is empty."""

    async def move_there(self, node_id: str, parent_id: str, name: str) -> None: ...

    async def make_folder_there(self, parent_id: str, name: str) -> str:
        """Its id."""

    async def delete_there(self, node_id: str, versions: Mapping[str, int]) -> None:
        """Into the trash with all that is in it, if those are still these nodes with these versions."""

    def upload_batches(self, uploads: Sequence[Upload]) -> list[list[Upload]]:
        """What is to be sent together."""

    def download_batches(self, downloads: Sequence[Download]) -> list[list[Download]]:
        """What is to be fetched together."""

    async def upload(self, batch: Sequence[Upload]) -> list[Sent | StepFailed]:
        """One answer for each; never over a version that is newer than its base."""

    async def download(self, batch: Sequence[Download]) -> list[str | StepFailed]:
        """For each the identity of the new file, or why there is none."""


class Ledger(Protocol):
    """Keeps what both sides had when they were last the same."""

    def record(self, entry: SyncedEntry) -> None: ...

    def forget(self, synced_id: str) -> None: ...

    def together(self) -> AbstractContextManager[None]:
        """What is recorded in the block is kept all at once."""


async def together(*work: Coroutine[Any, Any, None]) -> None:
    """All at once; what one of them raises ends the others, too, before it goes on up."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
