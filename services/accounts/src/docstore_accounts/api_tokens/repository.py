"""API tokens in MongoDB. An expired token is deleted after a while."""

from dataclasses import asdict
from datetime import datetime
from typing import Protocol

from docstore_accounts.api_tokens.rules import SHOWN_AFTER_EXPIRY, ApiToken
from docstore_events.transaction import Transaction
from docstore_platform.mongodb.client import ASCENDING, Collection, Database, Document, IndexModel


class ApiTokenRepository(Protocol):
    async def insert(self, token: ApiToken, transaction: Transaction) -> None: ...

    async def by_hash(self, secret_hash: str) -> ApiToken | None: ...

    async def of_account(self, account_id: str, before: str, limit: int) -> list[ApiToken]:
        """Return tokens with an id below `before` (empty: all), newest first."""

    async def count(self, account_id: str, transaction: Transaction) -> int: ...

    async def note_use(self, token_id: str, now: datetime, unless_after: datetime) -> None:
        """Set when the token was last used, unless that is known to be later than `unless_after`."""

    async def delete(self, token_id: str, account_id: str, transaction: Transaction) -> bool: ...

    async def delete_all(self, account_id: str, transaction: Transaction) -> list[str]:
        """Delete the tokens of an account; return their ids."""


class MongoApiTokens:
    def __init__(self, database: Database) -> None:
        self._tokens: Collection = database["api_tokens"]

    async def create_indexes(self) -> None:
        await self._tokens.create_indexes(
            [
                IndexModel("secret_hash", unique=True),
                IndexModel([("account_id", ASCENDING), ("_id", ASCENDING)]),
                IndexModel("expires_at", expireAfterSeconds=int(SHOWN_AFTER_EXPIRY.total_seconds())),
            ]
        )

    async def insert(self, token: ApiToken, transaction: Transaction) -> None:
        row = asdict(token)
        await self._tokens.insert_one({"_id": row.pop("id"), **row}, session=transaction.session)

    async def by_hash(self, secret_hash: str) -> ApiToken | None:
        row = await self._tokens.find_one({"secret_hash": secret_hash})
        return _token(row) if row else None

    async def of_account(self, account_id: str, before: str, limit: int) -> list[ApiToken]:
        query: Document = {"account_id": account_id} | ({"_id": {"$lt": before}} if before else {})
        rows = await self._tokens.find(query).sort("_id", -1).limit(limit).to_list(limit)
        return [_token(row) for row in rows]

    async def count(self, account_id: str, transaction: Transaction) -> int:
        return await self._tokens.count_documents({"account_id": account_id}, session=transaction.session)

    async def note_use(self, token_id: str, now: datetime, unless_after: datetime) -> None:
        is_due = {"$or": [{"last_used_at": None}, {"last_used_at": {"$lte": unless_after}}]}
        await self._tokens.update_one({"_id": token_id, **is_due}, {"$set": {"last_used_at": now}})

    async def delete(self, token_id: str, account_id: str, transaction: Transaction) -> bool:
        row = {"_id": token_id, "account_id": account_id}
        outcome = await self._tokens.delete_one(row, session=transaction.session)
        return bool(outcome.deleted_count)

    async def delete_all(self, account_id: str, transaction: Transaction) -> list[str]:
        query = {"account_id": account_id}
        token_ids = [row["_id"] async for row in self._tokens.find(query, {"_id": 1}, session=transaction.session)]
        await self._tokens.delete_many(query, session=transaction.session)
        return token_ids


def _token(row: Document) -> ApiToken:
    names = [name for name in ApiToken.__dataclass_fields__ if name not in ("id", "scopes", "folder_id")]
    fields = {name: row[name] for name in names}
    # Tokens of the first version have no folder.
    return ApiToken(id=row["_id"], scopes=tuple(row["scopes"]), folder_id=row.get("folder_id", ""), **fields)
