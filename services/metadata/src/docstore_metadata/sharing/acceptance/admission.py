"""Decides whether a share is granted, waits for its recipient or stays hidden; declines shares in bulk."""

from collections.abc import Sequence
from dataclasses import replace

from docstore_events.transaction import Transaction
from docstore_metadata.sharing.acceptance.rules import Admission, admission
from docstore_metadata.sharing.changes import apply_many, publish_revoked
from docstore_metadata.sharing.rules import Share
from docstore_metadata.storage import Store
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.places import Place

AT_ONCE = 100
"""Shares removed in one transaction."""


async def admit(store: Store, recipient_id: str, sender_id: str, transaction: Transaction) -> Admission:
    """Decide what becomes of a share between them.

    The caller has written the document of the recipient's address or that of both accounts. `block` does, too: the two
    are serialized.
    """
    session = transaction.session
    address = await store.people.address_of(sender_id, session)
    relation = await store.decisions.relation(recipient_id, sender_id, address, session)
    acquainted = await store.shares.are_acquainted(recipient_id, sender_id, session)
    return admission(replace(relation, acquainted=acquainted))


def admitted(share: Share, account_id: str, decision: Admission) -> Share:
    """The share, assigned to the account of its address by this decision."""
    return replace(
        share,
        account_id=account_id if decision == "active" else None,
        invited_id=account_id if decision == "invited" else None,
        hidden_from=account_id if decision == "hidden" else None,
    )


async def decline(
    store: Store, tree: Tree, shares: Sequence[Share], recipient_id: str, transaction: Transaction
) -> None:
    """Remove these shares on behalf of their recipient."""
    await store.shares.remove(shares, transaction.session)

    def publish(share: Share, place: Place) -> None:
        publish_revoked(share, place, recipient_id, transaction)

    await apply_many(store, tree, shares, publish, recipient_id, transaction)


async def decline_all(
    store: Store, tree: Tree, recipient_id: str, sender_id: str, transaction: Transaction, *, before: str | None = None
) -> bool:
    """Remove some of what the sender shares with the recipient; whether there is more.

    `before` is the id of the job that continues it: later shares followed an unblock, and stay.
    """
    found = await store.shares.between(recipient_id, sender_id, AT_ONCE + 1, transaction.session, before=before)
    await decline(store, tree, found[:AT_ONCE], recipient_id, transaction)
    return len(found) > AT_ONCE
