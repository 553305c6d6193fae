"""Ends subscriptions of people who have lost their right to read."""

from dataclasses import dataclass

from docstore_contracts.metadata import MetadataClient
from docstore_notify.deliveries.queue_repository import SubscriptionQueues
from docstore_notify.rechecks.repository import Rechecks
from docstore_notify.subscriptions.repository import Subscriptions
from docstore_platform.errors import DomainError
from docstore_work.lease_queue import Lease

PAGE = 100


@dataclass(slots=True)
class RecheckWorker:
    """Checks every subscription of an account: notify knows no tree, and events do not name the shared folder."""

    rechecks: Rechecks
    subscriptions: Subscriptions
    queues: SubscriptionQueues
    metadata: MetadataClient

    async def claim(self) -> Lease | None:
        return await self.rechecks.claim()

    async def due_in(self) -> float | None:
        return await self.rechecks.due_in()

    async def do(self, claimed: Lease) -> None:
        account_id, after_id = claimed.id, ""
        while page := await self.subscriptions.of_account(account_id, after_id, PAGE, None):
            after_id = page[-1].id
            try:
                roles = await self.metadata.permissions(
                    [{"account_id": account_id, "file_id": one.file_id} for one in page]
                )
            except DomainError:
                await self.rechecks.postpone(claimed)
                return
            ended = [one.id for one, role in zip(page, roles, strict=True) if role is None]
            if ended:
                await self.queues.make_due(await self.subscriptions.remove(account_id, ended))
        await self.rechecks.complete(claimed)
