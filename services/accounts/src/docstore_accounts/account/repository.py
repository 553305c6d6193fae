"""Accounts in MongoDB, one per e-mail address."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from docstore_accounts.account.rules import Account, Plan, Status, email_key
from docstore_accounts.sharding import COLLECTIONS
from docstore_events.transaction import Transaction, session_of
from docstore_platform.mongodb.client import (
    ASCENDING,
    MAJORITY_READS,
    Collection,
    Database,
    Document,
    DuplicateKeyError,
    IndexModel,
)
from docstore_platform.mongodb.sharding import create_indexes

LAST_CHARACTER = "\U0010ffff"


class EmailTaken(Exception):
    """Another account has the e-mail."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Filter of an administrator's list of accounts; None: any."""

    prefix: str = ""
    plan: Plan | None = None
    status: Status | None = None


class AccountRepository(Protocol):
    async def insert(self, account: Account, password_hash: str, transaction: Transaction) -> None:
        """Raises EmailTaken if another account has the e-mail."""

    async def get(self, account_id: str, transaction: Transaction | None = None) -> Account | None: ...

    async def by_email(self, email: str) -> Account | None: ...

    async def credentials(self, email: str) -> tuple[Account, str] | None:
        """An account with its password's hash."""

    async def password_hash(self, account_id: str) -> str | None: ...

    async def replace(self, before: Account, after: Account, transaction: Transaction) -> None: ...

    async def set_password(
        self, account_id: str, new: str, *, was: str, transaction: Transaction | None = None
    ) -> bool:
        """Replace the hash if it is still `was`; return whether it was."""

    async def hold(self, account_id: str, transaction: Transaction) -> None:
        """Lock the account: of two concurrent transactions that lock or change it, one is retried after the other."""

    async def page(self, wanted: Filter, after: str, limit: int) -> list[Account]:
        """By e-mail, those whose key comes after `after`."""

    async def after(self, account_id: str, limit: int) -> list[Account]:
        """Accounts with ids after `account_id`, by id."""

    async def of_ids(self, account_ids: Sequence[str]) -> list[Account]:
        """Accounts read with majority concern, so that no election can roll back what is sent to other services."""


class MongoAccounts:
    def __init__(self, database: Database) -> None:
        self._accounts: Collection = database["accounts"]

    async def create_indexes(self) -> None:
        await create_indexes(
            self._accounts,
            COLLECTIONS["accounts"],
            [
                IndexModel("email_key", unique=True),
                IndexModel([("plan", ASCENDING), ("email_key", ASCENDING)]),
                IndexModel([("status", ASCENDING), ("email_key", ASCENDING)]),
            ],
        )

    async def insert(self, account: Account, password_hash: str, transaction: Transaction) -> None:
        row = _row(account) | {"email_key": email_key(account.email), "password_hash": password_hash}
        try:
            await self._accounts.insert_one(row, session=transaction.session)
        except DuplicateKeyError:
            raise EmailTaken from None

    async def get(self, account_id: str, transaction: Transaction | None = None) -> Account | None:
        row = await self._accounts.find_one({"_id": account_id}, session=session_of(transaction))
        return _account(row) if row else None

    async def by_email(self, email: str) -> Account | None:
        row = await self._accounts.find_one({"email_key": email_key(email)})
        return _account(row) if row else None

    async def credentials(self, email: str) -> tuple[Account, str] | None:
        row = await self._accounts.find_one({"email_key": email_key(email)})
        return (_account(row), row["password_hash"]) if row else None

    async def password_hash(self, account_id: str) -> str | None:
        row = await self._accounts.find_one({"_id": account_id}, {"password_hash": 1})
        return str(row["password_hash"]) if row else None

    async def replace(self, before: Account, after: Account, transaction: Transaction) -> None:
        changed = {name: value for name, value in _row(after).items() if value != _row(before)[name]}
        outcome = await self._accounts.update_one(
            {"_id": before.id, "revision": before.revision}, {"$set": changed}, session=transaction.session
        )
        assert outcome.matched_count == 1, "the transaction's snapshot has this revision"

    async def set_password(
        self, account_id: str, new: str, *, was: str, transaction: Transaction | None = None
    ) -> bool:
        outcome = await self._accounts.update_one(
            {"_id": account_id, "password_hash": was}, {"$set": {"password_hash": new}}, session=session_of(transaction)
        )
        return bool(outcome.matched_count)

    async def hold(self, account_id: str, transaction: Transaction) -> None:
        # A write without a change would not conflict.
        await self._accounts.update_one({"_id": account_id}, {"$inc": {"holds": 1}}, session=transaction.session)

    async def page(self, wanted: Filter, after: str, limit: int) -> list[Account]:
        prefix = email_key(wanted.prefix)
        query: Document = {"email_key": {"$gte": prefix, "$lt": prefix + LAST_CHARACTER, "$gt": after}}
        if wanted.plan:
            query["plan"] = wanted.plan
        if wanted.status:
            query["status"] = wanted.status
        rows = await self._accounts.find(query).sort("email_key", 1).limit(limit).to_list(limit)
        return [_account(row) for row in rows]

    async def after(self, account_id: str, limit: int) -> list[Account]:
        rows = await self._accounts.find({"_id": {"$gt": account_id}}).sort("_id", 1).limit(limit).to_list(limit)
        return [_account(row) for row in rows]

    async def of_ids(self, account_ids: Sequence[str]) -> list[Account]:
        settled = self._accounts.with_options(read_concern=MAJORITY_READS)
        return [_account(row) async for row in settled.find({"_id": {"$in": list(account_ids)}})]


def _row(account: Account) -> Document:
    row = asdict(account)
    return {"_id": row.pop("id"), **row}


def _account(row: Document) -> Account:
    names = [name for name in Account.__dataclass_fields__ if name not in ("id", "email_verified", "language")]
    return Account(
        id=row["_id"],
        email_verified=row.get("email_verified", False),
        language=row.get("language"),
        **{name: row[name] for name in names},
    )
