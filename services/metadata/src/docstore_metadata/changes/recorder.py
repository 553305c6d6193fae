"""Records file events: publishes them and appends them to each reader's journal.

Each event increments the revision of the node that is passed in. A folder's journal entry covers all that is in it.
"""

from collections.abc import Iterable
from typing import Literal, TypedDict

from docstore_events.catalogue.files import (
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
from docstore_metadata.changes.journal_writer_repository import ChangeType, JournalWriter, NewEntry
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Version
from docstore_metadata.tree.views.presentation import file_state


class FileFacts(TypedDict):
    """Fields that all events of files have."""

    revision: int
    file: FileState
    path: str
    actor_id: str
    by_link: str


class FileEventRecorder:
    """The events of one transaction, caused by one account.

    `below_folder=True` for changes that follow from the change of a folder above. The folder's entry covers them,
    except for accounts that were given only this node and not the folder.
    """

    def __init__(
        self,
        transaction: Transaction,
        actor_id: str,
        *,
        by_link: str = "",
        below_folder: bool = False,
        journal: JournalWriter | None = None,
    ) -> None:
        """`by_link`: what histories call the visitor of a link who acts, in place of the account.

        `journal`: shared by the recorders of a transaction that has several.
        """
        self._transaction = transaction
        self._actor_id = actor_id
        self.by_link = by_link
        self._below_folder = below_folder
        self._journal = journal or JournalWriter(transaction)

    def by(self, by_link: str) -> "FileEventRecorder":
        """One for changes by a visitor of a link, in the same transaction; itself if there is none."""
        if not by_link:
            return self
        return FileEventRecorder(
            self._transaction,
            self._actor_id,
            by_link=by_link,
            below_folder=self._below_folder,
            journal=self._journal,
        )

    def shared(self, place: Place, account_ids: Iterable[str]) -> None:
        """Append to the journals of these accounts that they gained access, or have another permission than before.

        Publishes no event. `place` is as it is from now on: shared with them itself or by a folder above.
        """
        self._append("shared", place, account_ids)

    def unshared(self, before: Place, account_ids: Iterable[str]) -> None:
        """Append to the journals of these accounts that they lost access to it and to what is in it.

        Publishes no event. `before` is as it was while they had access. What is shared with them by itself below it
        follows as `shared` at the end of the transaction.
        """
        self._append("unshared", before, account_ids)

    def created(self, place: Place, upload_id: str | None = None) -> str:
        """Publish before saving: a new node already carries its first revision."""
        place.node.published_readers = place.readers
        self._append_for_all("created", place)
        return self._transaction.publish(FileCreated(**self._facts(place), upload_id=upload_id))

    def modified(self, place: Place, *, added_bytes: int, upload_id: str | None) -> str:
        event = FileModified(**self._next_facts(place), added_bytes=added_bytes, upload_id=upload_id)
        event_id = self._transaction.publish(event)
        self._append_for_all("modified", place)
        return event_id

    def moved(self, place: Place, before: Place) -> None:
        """A reader of only one of the two places gains or loses access by the move."""
        facts = self._next_facts(place)
        self._transaction.publish(FileMoved(**facts, previous_path=before.path, previous_readers=before.readers))
        earlier, now = {place.node.owner_id, *before.readers}, {place.node.owner_id, *place.readers}
        self._append("moved", place, earlier & now, before)
        self._append("unshared", before, earlier - now)
        self._append("shared", place, now - earlier)

    def tagged(self, place: Place, *changed: Literal["tags", "metadata"]) -> None:
        self._transaction.publish(FileTagged(**self._next_facts(place), changed=changed))
        self._append_for_all("modified", place)

    def access_changed(self, place: Place) -> None:
        """Publishes the event alone: for the journals see `shared` and `unshared`."""
        self._transaction.publish(FileAccessChanged(**self._next_facts(place)))

    def deleted(self, place: Place) -> None:
        self._transaction.publish(FileDeleted(**self._next_facts(place)))
        self._append_for_all("deleted", place)

    def restored(self, place: Place) -> None:
        self._transaction.publish(FileRestored(**self._next_facts(place)))
        self._append_for_all("restored", place)

    def purged(self, place: Place, freed_bytes: int) -> None:
        self._transaction.publish(FilePurged(**self._next_facts(place), freed_bytes=freed_bytes))

    def pruned(self, place: Place, version: Version) -> None:
        self._transaction.publish(
            VersionPruned(**self._next_facts(place), pruned_version=version.number, freed_bytes=version.size)
        )

    def _next_facts(self, place: Place) -> FileFacts:
        place.node.revision += 1
        return self._facts(place)

    def _facts(self, place: Place) -> FileFacts:
        return FileFacts(
            revision=place.node.revision,
            file=file_state(place),
            path=place.path,
            actor_id="" if self.by_link else self._actor_id,
            by_link=self.by_link,
        )

    def _append_for_all(self, change: ChangeType, place: Place) -> None:
        if self._below_folder:
            above = {account for folder in place.ancestors for account in folder.shared_with}
            self._append(change, place, sorted(place.node.shared_with.keys() - above))
        else:
            self._append(change, place, (place.node.owner_id, *place.readers))

    def _append(
        self, change: ChangeType, place: Place, account_ids: Iterable[str], before: Place | None = None
    ) -> None:
        for account_id in account_ids:
            view, was = place.as_seen_by(account_id), before.as_seen_by(account_id) if before else None
            is_own = account_id == place.node.owner_id
            within, was_within = _within(place) if is_own else (), _within(before) if is_own and before else ()
            self._journal.add(account_id, NewEntry(change, view, within, was, was_within))


def _within(place: Place) -> tuple[str, ...]:
    return (place.node.id, *place.ancestor_ids)
