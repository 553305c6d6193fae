"""Handles batches of events: decides whom to notify, and plans the deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass

from docstore_events.transaction import Transaction
from docstore_notify.contacts.repository import Contacts
from docstore_notify.deliveries.planner import DeliveryPlanner
from docstore_notify.deliveries.queue_repository import SubscriptionQueues
from docstore_notify.domain import PERSONAL, Notice
from docstore_notify.notices.rules import Batch, FollowedChange, ShareChange, follower_notice, share_notices
from docstore_notify.rechecks.repository import Rechecks
from docstore_notify.shares.repository import ShareLimits, Shares
from docstore_notify.subscriptions.repository import Subscriptions
from docstore_notify.subscriptions.rules import followers


@dataclass(slots=True)
class NotifyService:
    """Use case of all events: store changes, plan notices."""

    contacts: Contacts
    subscriptions: Subscriptions
    shares: Shares
    limits: ShareLimits
    queues: SubscriptionQueues
    rechecks: Rechecks
    planner: DeliveryPlanner
    recheck_wakeup: str

    async def handle(self, batch: Batch, transaction: Transaction) -> None:
        """Store the effects of a batch in the transaction of its inbox rows."""
        if batch.contacts:
            await self.contacts.keep_newest(batch.contacts.values(), transaction.session)
        notices = [
            *await self._for_followers(batch.changes, transaction),
            *batch.notices,
            *await self._of_shares(batch.shares, transaction),
        ]
        if batch.purged:
            await self._forget(batch.purged, transaction)
        for account_id, moment in batch.taken_over:
            await self.rechecks.add_taken_over(account_id, moment, transaction.session)
            transaction.wake_after(self.recheck_wakeup)
        if notices:
            await self.planner.write(notices, transaction)

    async def _for_followers(self, changes: Sequence[FollowedChange], transaction: Transaction) -> list[Notice]:
        followed = {file_id for change in changes for file_id in (change.file_id, *change.ancestors)}
        if not followed:
            return []
        subscriptions = await self.subscriptions.to_any_of(followed, transaction.session)
        return [
            follower_notice(change, one)
            for change in changes
            for one in followers(
                subscriptions,
                file_id=change.file_id,
                ancestors=change.ancestors,
                owner_id=change.owner_id,
                readers=change.readers,
                change=change.change,
            )
        ]

    async def _of_shares(self, changes: Sequence[ShareChange], transaction: Transaction) -> list[Notice]:
        """Notify people of new shares and changed roles, and invite addresses without an account, each once; recheck
        the subscriptions of people who have lost a right."""
        if not changes:
            return []
        known = await self.shares.find({one.share.id for one in changes}, transaction.session)
        notices: list[Notice] = []
        lost: set[str] = set()
        for one in changes:
            before = known.get(one.share.id)
            if before is not None and one.share.revision <= before.revision:
                continue
            known[one.share.id] = one.share
            if one.share.revoked:
                account_id = one.share.account_id or (before.account_id if before else None)
                lost |= {account_id} if account_id else set()
            elif not one.hidden:
                notices += share_notices(one, before)
        notices = await self.limits.allowed(notices, transaction.session) if notices else []
        await self.shares.keep(known.values(), transaction.session)
        if lost:
            await self.rechecks.add(lost, transaction.session)
            transaction.wake_after(self.recheck_wakeup)
        return notices

    async def _forget(self, file_ids: set[str], transaction: Transaction) -> None:
        gone = await self.subscriptions.of_files(file_ids, transaction.session)
        if gone:
            await self.subscriptions.forget(gone, transaction.session)
        machines = {one.id for one in gone if one.channel not in PERSONAL}
        if machines:
            await self.queues.add_to(
                machines, transaction.session
            )  # so that a worker finds them deleted and fails their deliveries
