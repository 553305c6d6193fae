"""Decisions of recipients about shares, in MongoDB.

share_senders   a recipient's last decision about shares of one sender
blocked_people  one document per person whom an account blocks, by `subject`: an account id or a normalized address
share_settings  whether an account wants to be asked before it gets shares of people it does not know
"""

from collections.abc import Sequence
from typing import Protocol

from docstore_metadata.documents import FieldMap
from docstore_metadata.sharing.acceptance.rules import Acceptance, Block, Relation, Standing
from docstore_platform.mongodb.client import (
    ASCENDING,
    Collection,
    Database,
    Document,
    DuplicateKeyError,
    Session,
    conflict,
)

BLOCKS = FieldMap(
    Block, {"recipient_id": "recipient", "subject": "subject", "account_id": "account", "created_at": "created"}
)


class Decisions(Protocol):
    async def relation(
        self, recipient_id: str, sender_id: str, sender_address: str | None, session: Session
    ) -> Relation:
        """The relation, except for whether they are acquainted."""

    async def save_standing(self, recipient_id: str, sender_id: str, standing: Standing, session: Session) -> None: ...

    async def touch_sender(self, recipient_id: str, sender_id: str, session: Session) -> None:
        """Write the document of both accounts, which serializes this with a concurrent block."""

    async def acceptance(self, account_id: str, session: Session = None) -> Acceptance: ...

    async def choose_acceptance(self, account_id: str, acceptance: Acceptance) -> None: ...

    async def block(self, block: Block, session: Session) -> Block:
        """Store a block; the existing one if there is one."""

    async def unblock(self, recipient_id: str, subject: str, session: Session) -> bool:
        """Whether it existed."""

    async def number_of_blocks(self, recipient_id: str, session: Session) -> int: ...

    async def blocks(self, recipient_id: str, after: str, limit: int) -> Sequence[Block]:
        """The blocks after this subject, ordered by subject."""


class MongoDecisions:
    def __init__(self, database: Database) -> None:
        self._senders: Collection = database["share_senders"]
        self._blocked: Collection = database["blocked_people"]
        self._settings: Collection = database["share_settings"]

    async def create_indexes(self) -> None:
        await self._blocked.create_index([("recipient", ASCENDING), ("subject", ASCENDING)], unique=True)

    async def relation(
        self, recipient_id: str, sender_id: str, sender_address: str | None, session: Session
    ) -> Relation:
        names = [sender_id, sender_address] if sender_address else [sender_id]
        blocking = {"recipient": recipient_id, "$or": [{"subject": {"$in": names}}, {"account": sender_id}]}
        blocked = await self._blocked.find_one(blocking, {"_id": 1}, session=session)
        sender = await self._senders.find_one({"_id": f"{recipient_id}:{sender_id}"}, session=session)
        return Relation(
            blocked=blocked is not None,
            standing=sender.get("standing") if sender else None,
            acceptance=await self.acceptance(recipient_id, session),
        )

    async def save_standing(self, recipient_id: str, sender_id: str, standing: Standing, session: Session) -> None:
        await self._note(recipient_id, sender_id, {"$set": {"standing": standing}}, session)

    async def touch_sender(self, recipient_id: str, sender_id: str, session: Session) -> None:
        await self._note(recipient_id, sender_id, {"$inc": {"admissions": 1}}, session)

    async def _note(self, recipient_id: str, sender_id: str, change: Document, session: Session) -> None:
        which = {"_id": f"{recipient_id}:{sender_id}"}
        try:
            await self._senders.update_one(which, change, upsert=True, session=session)
        except DuplicateKeyError as error:
            raise conflict("another transaction has just noted the same decision") from error

    async def acceptance(self, account_id: str, session: Session = None) -> Acceptance:
        row = await self._settings.find_one({"_id": account_id}, session=session)
        return "ask" if row and row["acceptance"] == "ask" else "automatic"

    async def choose_acceptance(self, account_id: str, acceptance: Acceptance) -> None:
        await self._settings.update_one({"_id": account_id}, {"$set": {"acceptance": acceptance}}, upsert=True)

    async def block(self, block: Block, session: Session) -> Block:
        which = {"recipient": block.recipient_id, "subject": block.subject}
        row = BLOCKS.document(block)
        try:
            await self._blocked.update_one(which, {"$setOnInsert": row}, upsert=True, session=session)
        except DuplicateKeyError as error:
            raise conflict("another transaction has just blocked the same person") from error
        kept = await self._blocked.find_one(which, session=session)
        assert kept is not None
        return BLOCKS.item(kept)

    async def unblock(self, recipient_id: str, subject: str, session: Session) -> bool:
        outcome = await self._blocked.delete_one({"recipient": recipient_id, "subject": subject}, session=session)
        return bool(outcome.deleted_count)

    async def number_of_blocks(self, recipient_id: str, session: Session) -> int:
        return int(await self._blocked.count_documents({"recipient": recipient_id}, session=session))

    async def blocks(self, recipient_id: str, after: str, limit: int) -> Sequence[Block]:
        condition: Document = {"recipient": recipient_id, "subject": {"$gt": after}}
        rows = self._blocked.find(condition, sort=[("subject", ASCENDING)], limit=limit)
        return [BLOCKS.item(row) for row in await rows.to_list(limit)]
