"""E-mail addresses and their accounts, in collection `people` of MongoDB.

One document per address of an account or of a share; `verified` once the account has proven it. Sharing with an address
and proving it write the same document, so that they are serialized.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from docstore_platform.mongodb.client import (
    BulkWriteError,
    Collection,
    Database,
    DeleteOne,
    DuplicateKeyError,
    ReturnDocument,
    Session,
    UpdateOne,
    conflict,
)


class Person(NamedTuple):
    """The account of an address and its display name, at a revision of the account."""

    account_id: str
    revision: int
    name: str
    verified: bool = False
    """The account has proven that it owns the address; no share is granted before."""


class Recipient(NamedTuple):
    """The account of an address that something is shared with."""

    account_id: str | None
    """The account that signed up with it, whether or not it has proven the address."""
    verified: bool | None
    """None if unknown: events of earlier releases lack it."""

    @property
    def entitled(self) -> str | None:
        """The account that is granted the shares with the address."""
        return self.account_id if self.verified else None


class People(Protocol):
    async def recipient(self, email_key: str, session: Session) -> Recipient:
        """The account of an address. Writes its document, which serializes this with a concurrent sign-up."""

    async def save_people(self, people: Mapping[str, Person], session: Session) -> None:
        """Store addresses with their accounts, unless a later revision is stored. An account has one address.

        A document of an earlier release without name or `verified` gets them. A proven address stays proven, whatever
        an instance of such a release publishes during an upgrade.
        """

    async def address_of(self, account_id: str, session: Session) -> str | None:
        """The account's address, whether or not it is proven."""

    async def account_of(self, email_key: str, session: Session) -> str | None:
        """The account of an address, whether or not it is proven."""

    async def touch_address_of(self, account_id: str, session: Session) -> None:
        """Write the document of an account's address, which serializes this with a concurrent share."""

    async def addresses_of(self, account_ids: Iterable[str]) -> dict[str, tuple[str, bool]]:
        """Addresses by account, each with whether it is proven."""

    async def proven_address_of(self, account_id: str, session: Session) -> str | None: ...

    async def names_of(self, account_ids: Iterable[str]) -> dict[str, str]:
        """Display names by account, as far as known."""

    async def accounts_of(self, email_keys: Iterable[str], session: Session) -> dict[str, str]:
        """Accounts by address, for proven addresses."""


class MongoPeople:
    def __init__(self, database: Database) -> None:
        self._people: Collection = database["people"]

    async def create_indexes(self) -> None:
        await self._people.create_index("account", name="by_account", sparse=True)

    async def recipient(self, email_key: str, session: Session) -> Recipient:
        try:
            row = await self._people.find_one_and_update(
                {"_id": email_key},
                {"$inc": {"asked": 1}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
                session=session,
            )
        except DuplicateKeyError as error:
            raise conflict("another transaction has just noted this address") from error
        return Recipient(row.get("account"), row.get("verified"))

    async def save_people(self, people: Mapping[str, Person], session: Session) -> None:
        accounts = [person.account_id for person in people.values()]
        known = [row async for row in self._people.find({"account": {"$in": accounts}}, session=session)]
        latest = {row["account"]: (row["revision"], "name" in row and "verified" in row) for row in known}
        proven = {(row["_id"], row["account"]) for row in known if row.get("verified")}
        writes: list[UpdateOne | DeleteOne] = []
        for key, person in people.items():
            if latest.get(person.account_id, (0, False)) >= (person.revision, True):
                continue
            if person.account_id in latest:
                writes.append(DeleteOne({"account": person.account_id, "_id": {"$ne": key}}))
            verified = person.verified or (key, person.account_id) in proven
            fields = {"account": person.account_id, "revision": person.revision, "name": person.name}
            writes.append(UpdateOne({"_id": key}, {"$set": {**fields, "verified": verified}}, upsert=True))
        if not writes:
            return
        try:
            await self._people.bulk_write(writes, session=session)
        except BulkWriteError as error:
            raise conflict("another transaction has just noted one of these addresses") from error

    async def address_of(self, account_id: str, session: Session) -> str | None:
        row = await self._people.find_one({"account": account_id}, {"_id": 1}, session=session)
        return None if row is None else str(row["_id"])

    async def account_of(self, email_key: str, session: Session) -> str | None:
        row = await self._people.find_one({"_id": email_key}, {"account": 1}, session=session)
        return row.get("account") if row else None

    async def touch_address_of(self, account_id: str, session: Session) -> None:
        await self._people.update_many({"account": account_id}, {"$inc": {"asked": 1}}, session=session)

    async def addresses_of(self, account_ids: Iterable[str]) -> dict[str, tuple[str, bool]]:
        rows = self._people.find({"account": {"$in": list(account_ids)}}, {"account": 1, "verified": 1})
        return {row["account"]: (row["_id"], bool(row.get("verified"))) async for row in rows}

    async def proven_address_of(self, account_id: str, session: Session) -> str | None:
        row = await self._people.find_one({"account": account_id, "verified": True}, {"_id": 1}, session=session)
        return None if row is None else str(row["_id"])

    async def names_of(self, account_ids: Iterable[str]) -> dict[str, str]:
        rows = self._people.find({"account": {"$in": list(account_ids)}}, {"account": 1, "name": 1})
        return {row["account"]: row["name"] async for row in rows if "name" in row}

    async def accounts_of(self, email_keys: Iterable[str], session: Session) -> dict[str, str]:
        rows = self._people.find({"_id": {"$in": list(email_keys)}, "verified": True}, session=session)
        return {row["_id"]: row["account"] async for row in rows}
