"""Deletes files and folders for good, with their versions, shares and links."""

from collections.abc import Sequence
from datetime import datetime

from docstore_events.transaction import Transaction
from docstore_metadata.changes.recorder import FileEventRecorder
from docstore_metadata.links.service import end_links
from docstore_metadata.sharing.changes import end_shares
from docstore_metadata.storage import Store
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Node

LONG_HISTORY = 500
"""A file with more versions is deleted in the background: the request need not wait for it."""


async def purge_trashed(
    store: Store, places: Sequence[Place], actor_id: str, now: datetime, transaction: Transaction
) -> None:
    """Delete what one owner has put into the trash: files at once, folders and long histories by background jobs."""
    large = [place.node for place in places if _is_large(place.node)]
    if large:
        await store.trash.hide([node.id for node in large], transaction.session)
    for node in large:
        await store.jobs.add("purge", node, actor_id, transaction)
    files = [place for place in places if not _is_large(place.node)]
    await purge_files(store, files, actor_id, FileEventRecorder(transaction, actor_id), now, transaction)


def _is_large(node: Node) -> bool:
    return node.is_folder or node.kept_versions > LONG_HISTORY


async def purge_files(
    store: Store,
    places: Sequence[Place],
    actor_id: str,
    recorder: FileEventRecorder,
    now: datetime,
    transaction: Transaction,
) -> None:
    """Delete files of one owner; their objects are deleted once no other version refers to them."""
    if not places:
        return
    histories = await store.versions.of([place.node for place in places], transaction.session)
    await store.nodes.delete(list(histories), transaction.session)
    versions = [version for history in histories.values() for version in history]
    await store.versions.remove(versions, now, transaction.session)
    for place in places:
        recorder.purged(place, sum(version.size for version in histories[place.node.id]))
    await end_access(store, places, actor_id, transaction)
    transaction.wake_after(store.jobs.wakeup_name)


async def end_access(store: Store, places: Sequence[Place], actor_id: str, transaction: Transaction) -> None:
    """End the shares and links of deleted files and folders."""
    await end_shares(store, places, actor_id, transaction)
    await end_links(store, places, transaction)
