"""Uploads whose end is not recorded: a kill or a lost response came between the upload and its record."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from docstore_sync.model import BegunUpload, RemoteEntry, SyncedEntry
from docstore_sync.steps import Ledger


class SyncedState(Ledger, Protocol):
    """What is recorded of a folder."""

    def begun_uploads(self) -> Sequence[BegunUpload]: ...

    def synced_entry(self, synced_id: str) -> SyncedEntry | None: ...


def settle_begun_uploads(state: SyncedState, remote: Callable[[str], RemoteEntry | None]) -> None:
    """Record the uploads that the server's tree shows to be done.

    Otherwise a file that was changed back in the meantime would look unchanged, and the uploaded version would
    overwrite it. Where the tree has yet another version, it does not show whether the upload was done: the file's
    record is deleted, so that contents that differ are both kept.
    """
    for upload in state.begun_uploads():
        there, synced = remote(upload.id), state.synced_entry(upload.id)
        if there and there.version == upload.base_version:
            continue
        if synced and there and there.sha256 == upload.sha256:
            state.record(replace(synced, sha256=upload.sha256))
        else:
            state.forget(upload.id)
