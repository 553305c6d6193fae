"""Applies a share change: updates readers, publishes events and journals entries in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypedDict

from docstore_events.shares import FileShared, ShareRevoked
from docstore_events.transaction import Transaction
from docstore_metadata.jobs.repository import Jobs
from docstore_metadata.journal.recorder import FileEventRecorder
from docstore_metadata.sharing.rules import Share, readers_by
from docstore_metadata.storage import Store
from docstore_metadata.tree.rules import Kind, Place, ShareRole


class ShareChanges:
    """Writes the shares of a node into the node, which decides all rights."""

    def __init__(self, store: Store, jobs: Jobs) -> None:
        self._store = store
        self._jobs = jobs

    async def apply(self, place: Place, shares: Iterable[Share], actor_id: str, transaction: Transaction) -> Place:
        """The place with these as its node's shares; publishes and writes all that follows.

        Publishes nothing about what is in the trash: the event of its restore names its readers.
        """
        shared_with = readers_by(shares)
        if shared_with == dict(place.node.shared_with):
            return place
        after = Place(replace(place.node, shared_with=shared_with), place.ancestors)
        node = after.node
        if after.is_reachable:
            recorder = FileEventRecorder(transaction, actor_id)
            recorder.access_changed(after)
            _note_in_journals(place, after, recorder)
            node.told_readers = after.readers
        await self._store.nodes.save([(node, ("revision", "told_readers", "shared_with"))], transaction.session)
        if node.is_folder and after.readers != place.readers:
            await self._jobs.add("settle", node, actor_id, transaction.session)
            transaction.wake_after(self._jobs.wakeup_name)
        return after


def _note_in_journals(before: Place, after: Place, recorder: FileEventRecorder) -> None:
    unshared_node = Place(replace(after.node, shared_with=before.node.shared_with), before.ancestors)
    for account_id in sorted({*before.node.shared_with, *after.node.shared_with}):
        permission = after.permission_of(account_id)
        if permission is None:
            recorder.unshared(unshared_node, [account_id])
        elif permission != before.permission_of(account_id):
            recorder.shared(after, [account_id])


def publish_shared(share: Share, place: Place, actor_id: str, transaction: Transaction) -> None:
    """Publish that there is a share, or that it is for somebody else or another role now."""
    transaction.publish(FileShared(**_event_fields(share, place, actor_id)))


def publish_revoked(share: Share, place: Place, actor_id: str, transaction: Transaction) -> None:
    """Publish the end of a share, as it was to the end."""
    ended = replace(share, revision=share.revision + 1)
    transaction.publish(ShareRevoked(**_event_fields(ended, place, actor_id)))


class _EventFields(TypedDict):
    revision: int
    share_id: str
    file_id: str
    file_name: str
    kind: Kind
    owner_id: str
    email: str
    account_id: str | None
    role: ShareRole
    actor_id: str
    ancestors: tuple[str, ...]
    invited_id: str | None
    hidden: bool


def _event_fields(share: Share, place: Place, actor_id: str) -> _EventFields:
    return {
        "revision": share.revision,
        "share_id": share.id,
        "file_id": place.node.id,
        "file_name": place.node.name,
        "kind": place.node.kind,
        "owner_id": share.owner_id,
        "email": share.email,
        "account_id": share.account_id,
        "role": share.role,
        "actor_id": actor_id,
        "ancestors": place.ancestor_ids,
        "invited_id": share.invited_id,
        "hidden": share.hidden_from is not None,
    }


async def end_shares(store: Store, places: Sequence[Place], actor_id: str, transaction: Transaction) -> None:
    """End the shares of files and folders that are gone for good."""
    by_id = {place.node.id: place for place in places}
    shares = await store.shares.of_nodes(by_id, transaction.session) if by_id else []
    for share in shares:
        publish_revoked(share, by_id[share.node_id], actor_id, transaction)
    await store.shares.remove(shares, transaction.session)
