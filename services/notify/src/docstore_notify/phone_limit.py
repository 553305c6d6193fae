"""Bounds the text messages that an account has sent in a day: the number may be anybody's, and DocStore pays."""

from datetime import timedelta

from docstore_notify.channels import MachineChannel
from docstore_notify.domain import Delivery, Refused
from docstore_notify.lane_store import after
from docstore_notify.receipts import Receipt
from docstore_platform.mongo import Collection, Database, Document, ReturnDocument

DAY = timedelta(days=1)


class MongoTexts:
    """How many tries at a text message each account has made since its day began; a row goes by itself."""

    def __init__(self, database: Database) -> None:
        self._texts: Collection = database["text_messages"]

    async def create_indexes(self) -> None:
        await self._texts.create_index("until", expireAfterSeconds=0)

    async def count(self, account_id: str) -> int:
        """Count one more; which one of its day it is."""
        running: Document = {"$gt": ["$until", "$$NOW"]}
        count = {"$cond": [running, {"$add": ["$count", 1]}, 1]}
        until = {"$cond": [running, "$until", after(DAY)]}
        row = await self._texts.find_one_and_update(
            {"_id": account_id},
            [{"$set": {"count": count, "until": until}}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return int(row["count"])


class PhoneLimit:
    """A channel around SNS's, which knows no bounds."""

    def __init__(self, channel: MachineChannel, texts: MongoTexts, a_day: int) -> None:
        self._channel = channel
        self._texts = texts
        self._a_day = a_day

    async def send(self, delivery: Delivery) -> Receipt | None:
        to_phone = delivery.target is not None and delivery.target.address.startswith("+")
        if to_phone and await self._texts.count(delivery.account_id) > self._a_day:
            raise Refused(f"an account has at most {self._a_day} text messages a day")
        return await self._channel.send(delivery)
