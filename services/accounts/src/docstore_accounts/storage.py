"""Accounts, sessions, signing keys and failed log-ins in MongoDB."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol

from docstore_accounts.domain import Account, Plan, RefreshToken, Session, Status, email_key
from docstore_platform.mongo import (
    ASCENDING,
    MAJORITY_READS,
    Collection,
    Database,
    Document,
    DuplicateKeyError,
    IndexModel,
    ReturnDocument,
)
from docstore_platform.mongo import Session as Transaction

LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which accounts an administrator asks for; None: any."""

    prefix: str = ""
    plan: Plan | None = None
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key. It signs until one moment and is published until a later one."""

    number: int
    kid: str
    seed: bytes
    signs_until: datetime
    published_until: datetime


class AccountStore(Protocol):
    async def insert(self, account: Account, password_hash: str, tx: Transaction) -> None:
        """DuplicateKeyError if somebody has the e-mail."""
        ...

    async def get(self, account_id: str, tx: Transaction = None) -> Account | None: ...

    async def by_email(self, email: str) -> Account | None: ...

    async def credentials(self, email: str) -> tuple[Account, str] | None:
        """An account with its password's hash."""
        ...

    async def password_hash(self, account_id: str) -> str | None: ...

    async def replace(self, before: Account, after: Account, tx: Transaction) -> None: ...

    async def set_password(self, account_id: str, new: str, *, was: str, tx: Transaction = None) -> bool:
        """Whether the hash still was `was`."""
        ...

    async def hold(self, account_id: str, tx: Transaction) -> None:
        """Of two transactions at once that hold or change an account, one is tried again after the other."""
        ...

    async def page(self, wanted: Filter, after: str, limit: int) -> list[Account]:
        """By e-mail, those whose key comes after `after`."""
        ...

    async def after(self, account_id: str, limit: int) -> list[Account]:
        """By id, those after `account_id`."""
        ...

    async def of_ids(self, account_ids: Sequence[str]) -> list[Account]:
        """As no election can undo it: for those who tell others of what they read."""
        ...


class SessionStore(Protocol):
    async def insert(self, session: Session, tx: Transaction = None) -> None: ...

    async def rotate(self, old: RefreshToken, new: RefreshToken, now: datetime, expires_at: datetime) -> Session | None:
        """The session with `new` as its token, if `old` was its current one. Of two at once, one wins."""
        ...

    async def get(self, session_id: str) -> Session | None: ...

    async def of_account(self, account_id: str, before: str, limit: int) -> list[Session]:
        """Newest first, those with an id below `before` (empty: all)."""
        ...

    async def delete(self, session_id: str, account_id: str, tx: Transaction = None) -> bool: ...

    async def used_since(self, account_id: str, moment: datetime, tx: Transaction) -> list[str]:
        """Ids of the sessions that got a token after `moment`."""
        ...

    async def delete_all(self, account_id: str, *, but: str = "", tx: Transaction = None) -> None: ...


class KeyStore(Protocol):
    async def newest(self) -> SigningKey | None: ...

    async def published(self, now: datetime) -> list[SigningKey]: ...

    async def add(self, key: SigningKey) -> bool:
        """False if another instance has made the key of that number."""
        ...


class MongoAccounts:
    def __init__(self, database: Database) -> None:
        self._accounts: Collection = database["accounts"]

    async def create_indexes(self) -> None:
        await self._accounts.create_indexes(
            [
                IndexModel("email_key", unique=True),
                IndexModel([("plan", ASCENDING), ("email_key", ASCENDING)]),
                IndexModel([("status", ASCENDING), ("email_key", ASCENDING)]),
            ]
        )

    async def insert(self, account: Account, password_hash: str, tx: Transaction) -> None:
        row = _row(account) | {"email_key": email_key(account.email), "password_hash": password_hash}
        await self._accounts.insert_one(row, session=tx)

    async def get(self, account_id: str, tx: Transaction = None) -> Account | None:
        row = await self._accounts.find_one({"_id": account_id}, session=tx)
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

    async def replace(self, before: Account, after: Account, tx: Transaction) -> None:
        changed = {name: value for name, value in _row(after).items() if value != _row(before)[name]}
        outcome = await self._accounts.update_one(
            {"_id": before.id, "revision": before.revision}, {"$set": changed}, session=tx
        )
        assert outcome.matched_count == 1, "the transaction's snapshot has this revision"

    async def set_password(self, account_id: str, new: str, *, was: str, tx: Transaction = None) -> bool:
        outcome = await self._accounts.update_one(
            {"_id": account_id, "password_hash": was}, {"$set": {"password_hash": new}}, session=tx
        )
        return bool(outcome.matched_count)

    async def hold(self, account_id: str, tx: Transaction) -> None:
        # A write that changes nothing is none, and conflicts with nothing.
        await self._accounts.update_one({"_id": account_id}, {"$inc": {"holds": 1}}, session=tx)

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


class MongoSessions:
    def __init__(self, database: Database) -> None:
        self._sessions: Collection = database["sessions"]

    async def create_indexes(self) -> None:
        await self._sessions.create_indexes(
            [
                IndexModel([("account_id", ASCENDING), ("_id", ASCENDING)]),
                IndexModel("expires_at", expireAfterSeconds=0),
            ]
        )

    async def insert(self, session: Session, tx: Transaction = None) -> None:
        await self._sessions.insert_one(_row(session), session=tx)

    async def rotate(self, old: RefreshToken, new: RefreshToken, now: datetime, expires_at: datetime) -> Session | None:
        row = await self._sessions.find_one_and_update(
            {
                "_id": old.session_id,
                "family_hash": old.family_hash,
                "secret_hash": old.secret_hash,
                "expires_at": {"$gt": now},
            },
            {"$set": {"secret_hash": new.secret_hash, "last_used_at": now, "expires_at": expires_at}},
            return_document=ReturnDocument.AFTER,
        )
        return _session(row) if row else None

    async def get(self, session_id: str) -> Session | None:
        row = await self._sessions.find_one({"_id": session_id})
        return _session(row) if row else None

    async def of_account(self, account_id: str, before: str, limit: int) -> list[Session]:
        query: Document = {"account_id": account_id} | ({"_id": {"$lt": before}} if before else {})
        rows = await self._sessions.find(query).sort("_id", -1).limit(limit).to_list(limit)
        return [_session(row) for row in rows]

    async def delete(self, session_id: str, account_id: str, tx: Transaction = None) -> bool:
        outcome = await self._sessions.delete_one({"_id": session_id, "account_id": account_id}, session=tx)
        return bool(outcome.deleted_count)

    async def used_since(self, account_id: str, moment: datetime, tx: Transaction) -> list[str]:
        query = {"account_id": account_id, "last_used_at": {"$gt": moment}}
        return [row["_id"] async for row in self._sessions.find(query, {"_id": 1}, session=tx)]

    async def delete_all(self, account_id: str, *, but: str = "", tx: Transaction = None) -> None:
        await self._sessions.delete_many({"account_id": account_id, "_id": {"$ne": but}}, session=tx)


class MongoKeys:
    def __init__(self, database: Database) -> None:
        self._keys: Collection = database["signing_keys"]

    async def create_indexes(self) -> None:
        await self._keys.create_index("published_until", expireAfterSeconds=0)

    async def newest(self) -> SigningKey | None:
        row = await self._keys.find_one(sort=[("_id", -1)])
        return _key(row) if row else None

    async def published(self, now: datetime) -> list[SigningKey]:
        rows = self._keys.find({"published_until": {"$gt": now}}).sort("_id", -1)
        return [_key(row) async for row in rows]

    async def add(self, key: SigningKey) -> bool:
        row = asdict(key)
        try:
            await self._keys.insert_one({"_id": row.pop("number"), **row})
        except DuplicateKeyError:
            return False
        return True


def _row(thing: Account | Session) -> Document:
    row = asdict(thing)
    return {"_id": row.pop("id"), **row}


def _account(row: Document) -> Account:
    fields = {name: row[name] for name in _fields(Account) if name != "email_verified"}
    return Account(id=row["_id"], email_verified=row.get("email_verified", False), **fields)


def _session(row: Document) -> Session:
    return Session(id=row["_id"], **{name: row[name] for name in _fields(Session)})


def _key(row: Document) -> SigningKey:
    return SigningKey(row["_id"], row["kid"], bytes(row["seed"]), row["signs_until"], row["published_until"])


def _fields(kind: type[Account] | type[Session]) -> Sequence[str]:
    return [name for name in kind.__dataclass_fields__ if name != "id"]
