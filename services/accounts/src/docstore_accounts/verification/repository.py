"""Pending verifications of e-mail addresses, in MongoDB."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol

from docstore_accounts.verification.rules import MAX_FAILURES
from docstore_events.transaction import Transaction, session_of
from docstore_platform.mongodb.client import Collection, Database, Document, IndexModel


@dataclass(frozen=True, slots=True)
class Verification:
    """A mailed link and code. Neither is stored: both derive from the id and a key outside the database."""

    id: str
    account_id: str
    email_key: str
    """The address to verify; void if the account has another one by then."""
    created_at: datetime
    expires_at: datetime
    failures: int = 0
    """Wrong codes entered so far."""


class VerificationRepository(Protocol):
    async def add(self, verification: Verification, transaction: Transaction) -> None: ...

    async def get(self, verification_id: str, transaction: Transaction | None = None) -> Verification | None: ...

    async def of_account(self, account_id: str, transaction: Transaction | None = None) -> list[Verification]:
        """Return all of an account that are stored, expired or not."""

    async def count_attempt(self, account_id: str) -> None:
        """Count a failure for each verification of the account, before its code is compared."""

    async def remove(self, account_id: str, transaction: Transaction) -> bool:
        """Delete every verification of an account; False if there was none."""


class MongoVerifications:
    def __init__(self, database: Database) -> None:
        self._rows: Collection = database["email_verifications"]

    async def create_indexes(self) -> None:
        await self._rows.create_indexes([IndexModel("account_id"), IndexModel("expires_at", expireAfterSeconds=0)])

    async def add(self, verification: Verification, transaction: Transaction) -> None:
        row = asdict(verification)
        await self._rows.insert_one({"_id": row.pop("id"), **row}, session=transaction.session)

    async def get(self, verification_id: str, transaction: Transaction | None = None) -> Verification | None:
        row = await self._rows.find_one({"_id": verification_id}, session=session_of(transaction))
        return _verification(row) if row else None

    async def of_account(self, account_id: str, transaction: Transaction | None = None) -> list[Verification]:
        return [
            _verification(row)
            async for row in self._rows.find({"account_id": account_id}, session=session_of(transaction))
        ]

    async def count_attempt(self, account_id: str) -> None:
        alive = {"account_id": account_id, "failures": {"$lte": MAX_FAILURES}}
        await self._rows.update_many(alive, {"$inc": {"failures": 1}})

    async def remove(self, account_id: str, transaction: Transaction) -> bool:
        outcome = await self._rows.delete_many({"account_id": account_id}, session=transaction.session)
        return bool(outcome.deleted_count)


def _verification(row: Document) -> Verification:
    return Verification(
        row["_id"], row["account_id"], row["email_key"], row["created_at"], row["expires_at"], row["failures"]
    )
