"""The in-app channel, for a message that is sent by itself: it is there by being written."""

from docstore_events.transaction import Transaction, Transactor
from docstore_notify.channels.results import Receipt
from docstore_notify.domain import Delivery
from docstore_notify.inbox.repository import Inbox


class InAppChannel:
    def __init__(self, inbox: Inbox, transactor: Transactor) -> None:
        self._inbox = inbox
        self._transactor = transactor

    async def send(self, delivery: Delivery) -> Receipt | None:
        async def work(transaction: Transaction) -> None:
            await self._inbox.add([delivery], transaction.session)

        await self._transactor.run(work)
        return None
