"""Applies a share change: updates readers, publishes events and appends journal entries in one transaction."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from docstore_events.catalogue.shares import FileShared, ShareRevoked
from docstore_events.transaction import Transaction
from docstore_metadata.changes.recorder import FileEventRecorder
from docstore_metadata.sharing.rules import Share, readers_by, watermarks_by
from docstore_metadata.storage import Store
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Permission

AT_ONCE = 100
"""Shares of an account that end in one transaction."""

Publish = Callable[[Share, Place], None]


async def apply_shares(
    store: Store, place: Place, shares: Iterable[Share], actor_id: str, transaction: Transaction
) -> Place:
    """Write the shares of a node into the node, which decides all permissions; the place as it is then.

    Publishes nothing about what is in the trash: the event of its restoration contains its readers.
    """
    shares = list(shares)
    marked = [share.account_id for share in shares if share.account_id and share.watermark is not None]
    watermarks = watermarks_by(shares, await store.people.names_of(marked) if marked else {})
    shared_with = readers_by(shares)
    if (shared_with, watermarks) == (dict(place.node.shared_with), dict(place.node.watermarks)):
        return place
    after = Place(replace(place.node, shared_with=shared_with, watermarks=watermarks), place.ancestors)
    node = after.node
    if after.is_reachable:
        recorder = FileEventRecorder(transaction, actor_id)
        recorder.access_changed(after)
        _append_to_journals(place, after, recorder)
        node.published_readers = after.readers
    await store.nodes.save(
        [(node, ("revision", "published_readers", "shared_with", "watermarks"))], transaction.session
    )
    if node.is_folder and after.readers != place.readers:
        await store.jobs.add("settle", node, actor_id, transaction)
    return after


async def apply_many(
    store: Store,
    tree: Tree,
    changed: Sequence[Share],
    publish: Publish,
    actor_id: str | None,
    transaction: Transaction,
) -> None:
    """Publish changed shares, which are stored already, and apply them. `actor_id`: None for the owner of each node."""
    session = transaction.session
    current: defaultdict[str, list[Share]] = defaultdict(list)
    for share in await store.shares.of_nodes({share.node_id for share in changed}, session):
        current[share.node_id].append(share)
    for node_id in dict.fromkeys(share.node_id for share in changed):
        place = await tree.place(node_id, session)
        assert place is not None
        await bump_parent(store, place, transaction)
        for share in changed:
            if share.node_id == node_id:
                publish(share, place)
        await apply_shares(store, place, current[node_id], actor_id or place.node.owner_id, transaction)


async def bump_parent(store: Store, place: Place, transaction: Transaction) -> None:
    """Serialize the share changes in one folder: they change what its listing shows."""
    assert place.node.parent_id is not None
    await store.nodes.bump([place.node.parent_id], transaction.session)


def _append_to_journals(before: Place, after: Place, recorder: FileEventRecorder) -> None:
    node = before.node
    was = Place(replace(after.node, shared_with=node.shared_with, watermarks=node.watermarks), before.ancestors)
    for account_id in sorted({*before.node.shared_with, *after.node.shared_with}):
        if after.permission_of(account_id) is None:
            recorder.unshared(was, [account_id])
        elif _rights(after, account_id) != _rights(before, account_id):
            recorder.shared(after, [account_id])


def _rights(place: Place, account_id: str) -> tuple[Permission | None, str | None]:
    return place.permission_of(account_id), place.watermark_for(account_id)


def publish_shared(share: Share, place: Place, actor_id: str, transaction: Transaction) -> None:
    """Publish a new share, or its new account or role."""
    _publish(FileShared, share, place, actor_id, transaction)


def publish_revoked(share: Share, place: Place, actor_id: str, transaction: Transaction) -> None:
    """Publish the end of a share, in its last state."""
    _publish(ShareRevoked, replace(share, revision=share.revision + 1), place, actor_id, transaction)


def _publish(
    event: type[FileShared | ShareRevoked], share: Share, place: Place, actor_id: str, transaction: Transaction
) -> None:
    transaction.publish(
        event(
            revision=share.revision,
            share_id=share.id,
            file_id=place.node.id,
            file_name=place.node.name,
            kind=place.node.kind,
            owner_id=share.owner_id,
            email=share.email,
            account_id=share.account_id,
            role=share.role,
            actor_id=actor_id,
            ancestors=place.ancestor_ids,
            invited_id=share.invited_id,
            hidden=share.hidden_from is not None,
        )
    )


async def end_shares(store: Store, places: Sequence[Place], actor_id: str, transaction: Transaction) -> None:
    """End the shares of deleted files and folders."""
    by_id = {place.node.id: place for place in places}
    shares = await store.shares.of_nodes(by_id, transaction.session) if by_id else []
    for share in shares:
        publish_revoked(share, by_id[share.node_id], actor_id, transaction)
    await store.shares.remove(shares, transaction.session)


async def end_shares_of(store: Store, tree: Tree, owner_id: str, before: datetime, transaction: Transaction) -> bool:
    """End some of the shares that an account made before a moment; whether there may be more."""
    shares = await store.shares.made_by(owner_id, before, AT_ONCE, transaction.session)
    await store.shares.remove(shares, transaction.session)

    def publish(share: Share, place: Place) -> None:
        publish_revoked(share, place, owner_id, transaction)

    await apply_many(store, tree, shares, publish, owner_id, transaction)
    return len(shares) == AT_ONCE
