"""Ends subscriptions of people who have lost their right to read, and what an account's former holder set up."""

from dataclasses import dataclass
from datetime import datetime

from docstore_contracts.metadata import MetadataClient
from docstore_notify.deliveries.queue_repository import SubscriptionQueues
from docstore_notify.phone.repository import Phones
from docstore_notify.push_subscriptions.repository import PushSubscriptions
from docstore_notify.rechecks.repository import Recheck, Rechecks
from docstore_notify.subscriptions.repository import Subscriptions
from docstore_platform.errors import DomainError

PAGE = 100


@dataclass(slots=True)
class RecheckWorker:
    """Checks every subscription of an account: notify knows no tree, and events do not name the shared folder."""

    rechecks: Rechecks
    subscriptions: Subscriptions
    queues: SubscriptionQueues
    browsers: PushSubscriptions
    phones: Phones
    metadata: MetadataClient

    async def claim(self) -> Recheck | None:
        return await self.rechecks.claim()

    async def due_in(self) -> float | None:
        return await self.rechecks.due_in()

    async def do(self, claimed: Recheck) -> None:
        if claimed.taken_over_at is not None:
            await self._end_earlier(claimed.account_id, claimed.taken_over_at)
        elif not await self._end_unreadable(claimed.account_id):
            await self.rechecks.postpone(claimed)
            return
        await self.rechecks.complete(claimed)

    async def _end_unreadable(self, account_id: str) -> bool:
        """End the subscriptions to what the account may no longer read; False while its rights are unknown."""
        after_id = ""
        while page := await self.subscriptions.of_account(account_id, after_id, PAGE, None):
            after_id = page[-1].id
            try:
                roles = await self.metadata.permissions(
                    [{"account_id": account_id, "file_id": one.file_id} for one in page]
                )
            except DomainError:
                return False
            ended = [one.id for one, role in zip(page, roles, strict=True) if role is None]
            if ended:
                await self.queues.make_due(await self.subscriptions.remove(account_id, ended))
        return True

    async def _end_earlier(self, account_id: str, before: datetime) -> None:
        """End what was set up before another person took the account over, and leads anywhere but to its address."""
        await self.queues.make_due(await self.subscriptions.remove_machines(account_id, before))
        await self.browsers.remove_all(account_id, before)
        await self.phones.remove_entered(account_id, before)
