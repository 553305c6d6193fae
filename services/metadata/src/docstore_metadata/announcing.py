"""Says the events of files. A node's revision goes up by one with each: the node given is changed in that."""

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
from docstore_metadata.domain import Place, Version
from docstore_metadata.presentation import file_state


class _About(TypedDict):
    file: FileState
    path: str
    actor_id: str


class Announcer:
    """The events of one transaction, caused by one account."""

    def __init__(self, transaction: Transaction, actor_id: str) -> None:
        self._transaction = transaction
        self._actor_id = actor_id

    def created(self, place: Place, upload_id: str | None = None) -> str:
        """To be said first: a new node has its revision already."""
        place.node.told_readers = place.readers
        event = FileCreated(revision=place.node.revision, upload_id=upload_id, **self._about(place))
        return self._transaction.publish(event)

    def modified(self, place: Place, *, added_bytes: int, upload_id: str | None) -> str:
        event = FileModified(revision=_next(place), added_bytes=added_bytes, upload_id=upload_id, **self._about(place))
        return self._transaction.publish(event)

    def moved(self, place: Place, previous_path: str) -> None:
        event = FileMoved(revision=_next(place), previous_path=previous_path, **self._about(place))
        self._transaction.publish(event)

    def tagged(self, place: Place) -> None:
        self._transaction.publish(FileTagged(revision=_next(place), **self._about(place)))

    def access_changed(self, place: Place) -> None:
        self._transaction.publish(FileAccessChanged(revision=_next(place), **self._about(place)))

    def deleted(self, place: Place) -> None:
        self._transaction.publish(FileDeleted(revision=_next(place), **self._about(place)))

    def restored(self, place: Place) -> None:
        self._transaction.publish(FileRestored(revision=_next(place), **self._about(place)))

    def purged(self, place: Place, freed_bytes: int) -> None:
        event = FilePurged(revision=_next(place), freed_bytes=freed_bytes, **self._about(place))
        self._transaction.publish(event)

    def pruned(self, place: Place, version: Version) -> None:
        event = VersionPruned(
            revision=_next(place),
            pruned_version=version.number,
            freed_bytes=version.size,
            **self._about(place),
        )
        self._transaction.publish(event)

    def _about(self, place: Place) -> _About:
        return {
            "file": file_state(place),
            "path": place.path,
            "actor_id": self._actor_id,
        }


def _next(place: Place) -> int:
    place.node.revision += 1
    return place.node.revision
