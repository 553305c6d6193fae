"""Records file events: publishes them and appends them to each reader's journal.

Each event counts up the revision of the node that is passed in. A folder's journal entry stands for all that is in it.
"""

from collections.abc import Iterable
from typing import TypedDict

from docstore_events.files import (
    FileAccessChanged,
    FileCreated,
    FileDeleted,
    FileModified,
    FileMoved,
    FilePurged,
    FileRestored,
    FileState,
    FileTagged,
    VersionPruned,
)
from docstore_events.transaction import Transaction
from docstore_metadata.journal.repository import ChangeType
from docstore_metadata.journal.writer_repository import JournalWriter, NewEntry
from docstore_metadata.tree.presentation import file_state
from docstore_metadata.tree.rules import Place
from docstore_metadata.versions.rules import Version


class _EventFields(TypedDict):
    file: FileState
    path: str
    actor_id: str


class FileEventRecorder:
    """The events of one transaction, caused by one account.

    `below_folder=True` for what only follows from the change of a folder above: its entry stands for that, but for
    those to whom only this was shared, and not the folder.
    """

    def __init__(self, transaction: Transaction, actor_id: str, *, below_folder: bool = False) -> None:
        self._transaction = transaction
        self._actor_id = actor_id
        self._below_folder = below_folder
        self._journal = JournalWriter(transaction)

    def shared(self, place: Place, account_ids: Iterable[str]) -> None:
        """Note in the journals of these accounts that they may now read it, or may do more or less with it than before.

        Publishes no event. `place` is as it is from now on: its `shared_with`, or a folder's above, holds them.
        """
        self._note("shared", place, account_ids)

    def unshared(self, before: Place, account_ids: Iterable[str]) -> None:
        """Note in the journals of these accounts that they may no longer read it, nor what is in it.

        Publishes no event. `before` is as it was while they could: it, or a folder above it, is still shared with them.
        What below it is shared with them by itself is noted as `shared` at the end of the transaction.
        """
        self._note("unshared", before, account_ids)

    def created(self, place: Place, upload_id: str | None = None) -> str:
        """Publish before saving: a new node already carries its first revision."""
        place.node.told_readers = place.readers
        event = FileCreated(revision=place.node.revision, upload_id=upload_id, **self._event_fields(place))
        self._note_for_all("created", place)
        return self._transaction.publish(event)

    def modified(self, place: Place, *, added_bytes: int, upload_id: str | None) -> str:
        event = FileModified(
            revision=_next(place), added_bytes=added_bytes, upload_id=upload_id, **self._event_fields(place)
        )
        self._note_for_all("modified", place)
        return self._transaction.publish(event)

    def moved(self, place: Place, before: Place) -> None:
        """To those who see only one end of the way it is shared or unshared by that."""
        event = FileMoved(
            revision=_next(place),
            previous_path=before.path,
            previous_readers=before.readers,
            **self._event_fields(place),
        )
        self._transaction.publish(event)
        earlier, now = {place.node.owner_id, *before.readers}, {place.node.owner_id, *place.readers}
        self._note("moved", place, earlier & now, before)
        self._note("unshared", before, earlier - now)
        self._note("shared", place, now - earlier)

    def tagged(self, place: Place) -> None:
        self._transaction.publish(FileTagged(revision=_next(place), **self._event_fields(place)))
        self._note_for_all("modified", place)

    def access_changed(self, place: Place) -> None:
        """Publishes the event alone: for the journals see `shared` and `unshared`."""
        self._transaction.publish(FileAccessChanged(revision=_next(place), **self._event_fields(place)))

    def deleted(self, place: Place) -> None:
        self._transaction.publish(FileDeleted(revision=_next(place), **self._event_fields(place)))
        self._note_for_all("deleted", place)

    def restored(self, place: Place) -> None:
        self._transaction.publish(FileRestored(revision=_next(place), **self._event_fields(place)))
        self._note_for_all("restored", place)

    def purged(self, place: Place, freed_bytes: int) -> None:
        event = FilePurged(revision=_next(place), freed_bytes=freed_bytes, **self._event_fields(place))
        self._transaction.publish(event)

    def pruned(self, place: Place, version: Version) -> None:
        event = VersionPruned(
            revision=_next(place),
            pruned_version=version.number,
            freed_bytes=version.size,
            **self._event_fields(place),
        )
        self._transaction.publish(event)

    def _note_for_all(self, change: ChangeType, place: Place) -> None:
        if self._below_folder:
            above = {account for folder in place.ancestors for account in folder.shared_with}
            self._note(change, place, sorted(place.node.shared_with.keys() - above))
        else:
            self._note(change, place, (place.node.owner_id, *place.readers))

    def _note(self, change: ChangeType, place: Place, account_ids: Iterable[str], before: Place | None = None) -> None:
        for account_id in account_ids:
            previous_path = before.as_seen_by(account_id).path if before else None
            self._journal.add(account_id, NewEntry(change, place.as_seen_by(account_id), previous_path))

    def _event_fields(self, place: Place) -> _EventFields:
        return {
            "file": file_state(place),
            "path": place.path,
            "actor_id": self._actor_id,
        }


def _next(place: Place) -> int:
    place.node.revision += 1
    return place.node.revision
