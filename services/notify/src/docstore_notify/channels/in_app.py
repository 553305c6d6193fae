"""The in-app channel, for single messages: writing one delivers it."""

from typing import Self

from docstore_events.transaction import Transaction, Transactor
from docstore_notify.channels.base import Channel, ChannelResources
from docstore_notify.channels.results import Receipt
from docstore_notify.domain import Delivery
from docstore_notify.inbox.repository import Inbox


class InAppChannel(Channel):
    name = "in_app"

    def __init__(self, inbox: Inbox, transactor: Transactor) -> None:
        self._inbox = inbox
        self._transactor = transactor

    @classmethod
    def open(cls, resources: ChannelResources) -> Self:
        return cls(resources.inbox, resources.transactor)

    async def send(self, delivery: Delivery) -> Receipt | None:
        async def work(transaction: Transaction) -> None:
            await self._inbox.add([delivery], transaction.session)

        await self._transactor.run(work)
        return None
