"""Interfaces of single steps: the executor that performs them and the ledger that records them."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from docstore_sync.model import BegunRemoval, BegunUpload, Kind, SyncedEntry

PARALLEL = 16


class StepFailed(Exception):
    """A step failed; the message is shown to people."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A local file to upload as a new version of `file_id`, or as a new file `name` in a folder.

    A name as in `a/b` also creates the folder `a`.
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
    """A remote version to download to a local path. `replaces`: identity and SHA-256 of the file to replace; None: the
    path must be free."""

    path: str
    node_id: str
    version: int
    sha256: str
    replaces: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The file that an upload created or changed."""

    id: str
    version: int
    sha256: str
    parent_id: str


class StepExecutor(Protocol):
    """Performs single steps on the disk and the server; StepFailed if one is impossible. Paths as in `a/b`."""

    async def move_local(self, path: str, identity: str, target: str) -> None:
        """Move an unchanged file or folder to a free path."""

    async def make_folder_local(self, path: str) -> str:
        """Create a folder. Return its identity."""

    async def delete_local(self, path: str, kind: Kind, identity: str, sha256: str) -> None:
        """Delete an unchanged file or an empty folder."""

    async def move_remote(self, node_id: str, parent_id: str, name: str) -> None: ...

    async def make_folder_remote(self, parent_id: str, name: str) -> str:
        """Create a folder. Return its id."""

    async def delete_remote(self, node_id: str, versions: Mapping[str, int]) -> None:
        """Move a node to the trash if it and its contents still have these versions."""

    def upload_batches(self, uploads: Sequence[Upload]) -> list[list[Upload]]:
        """Group uploads into batches."""

    def download_batches(self, downloads: Sequence[Download]) -> list[list[Download]]:
        """Group downloads into batches."""

    async def upload(self, batch: Sequence[Upload]) -> list[Uploaded | StepFailed]:
        """Upload a batch; one result each. A version newer than the base is never replaced."""

    async def download(self, batch: Sequence[Download]) -> list[str | StepFailed]:
        """Download a batch: for each the identity of the new file, or the failure."""


class Ledger(Protocol):
    """Stores synced entries, uploads that were begun until an entry has their content, and begun removals."""

    def record(self, entry: SyncedEntry) -> None: ...

    def forget(self, synced_id: str) -> None: ...

    def begin_upload(self, upload: BegunUpload) -> None: ...

    def begin_removal(self, removal: BegunRemoval) -> None: ...

    def transaction(self) -> AbstractContextManager[None]:
        """Write what is recorded in the block in one transaction."""


async def run_all(*work: Coroutine[Any, Any, None]) -> None:
    """Run coroutines in parallel; if one raises, cancel the others and re-raise."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
