"""Ends subscriptions of people who have lost their right to read."""

from docstore_contracts.metadata import MetadataClient
from docstore_notify.deliveries.queue_repository import SubscriptionQueues
from docstore_notify.rechecks.repository import Rechecks
from docstore_notify.subscriptions.repository import Subscriptions
from docstore_platform.errors import DomainError
from docstore_work.lease_queue import Lease

PAGE = 100


class RecheckWorker:
    """Checks every subscription of an account: notify knows no tree, and events do not name the shared folder."""

    def __init__(
        self, rechecks: Rechecks, subscriptions: Subscriptions, queues: SubscriptionQueues, metadata: MetadataClient
    ) -> None:
        self._rechecks = rechecks
        self._subscriptions = subscriptions
        self._queues = queues
        self._metadata = metadata

    async def claim(self) -> Lease | None:
        return await self._rechecks.claim()

    async def due_in(self) -> float | None:
        return await self._rechecks.due_in()

    async def do(self, claimed: Lease) -> None:
        account_id, after_id = claimed.id, ""
        while page := await self._subscriptions.of_account(account_id, after_id, PAGE, None):
            after_id = page[-1].id
            try:
                roles = await self._metadata.permissions(
                    [{"account_id": account_id, "file_id": one.file_id} for one in page]
                )
            except DomainError:
                await self._rechecks.postpone(claimed)
                return
            ended = [one.id for one, role in zip(page, roles, strict=True) if role is None]
            if ended:
                await self._queues.make_due(await self._subscriptions.remove(account_id, ended))
        await self._rechecks.complete(claimed)
