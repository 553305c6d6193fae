"""Which e-mail address is whose account, in MongoDB: collection `people`.

One document for each address that somebody has signed up with, or that something is shared with; `verified` once it is
proven to be theirs. Whoever shares and whoever proves an address write the same one, so neither can miss the other.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from docstore_platform.mongo import (
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
    """Whose an address is, and what they are called, as the account's revision says."""

    account_id: str
    revision: int
    name: str
    verified: bool = False
    """The account has proven that the address is its owner's: nothing is granted by it before."""


class Recipient(NamedTuple):
    """What is known of an address that something is shared with."""

    account_id: str | None
    """Who has signed up with it, whether or not the address is proven to be theirs."""
    verified: bool | None
    """None where that is not known: events of earlier releases did not say."""

    @property
    def entitled(self) -> str | None:
        """The account that is granted what is shared with the address."""
        return self.account_id if self.verified else None


class People(Protocol):
    """Addresses and whose they are."""

    async def create_indexes(self) -> None: ...

    async def recipient(self, email_key: str, session: Session) -> Recipient:
        """Whose address it is. Writes its document: a sign-up with it in the same moment comes before or after."""
        ...

    async def note_people(self, people: Mapping[str, Person], session: Session) -> None:
        """Addresses with their accounts. An account has one; what an older revision said of it counts no more.

        What was noted of a revision without the name, or without whether the address is proven, gets it: earlier
        releases did not keep them. An address that was proven stays so, whatever an instance of such a release
        publishes during an upgrade.
        """
        ...

    async def address_of(self, account_id: str, session: Session) -> str | None:
        """Whether or not it is proven."""
        ...

    async def account_of(self, email_key: str, session: Session) -> str | None:
        """Who has signed up with an address, whether or not it is proven."""
        ...

    async def note_decision_of(self, account_id: str, session: Session) -> None:
        """Write the document of an account's address: a share with it in the same moment comes before or after."""
        ...

    async def addresses_of(self, account_ids: Iterable[str]) -> dict[str, tuple[str, bool]]:
        """By account, each with whether it is proven."""
        ...

    async def proven_address_of(self, account_id: str, session: Session) -> str | None: ...

    async def names_of(self, account_ids: Iterable[str]) -> dict[str, str]:
        """By account, those that are known."""
        ...

    async def accounts_of(self, email_keys: Iterable[str], session: Session) -> dict[str, str]:
        """By address, those that are proven to be somebody's."""
        ...


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

    async def note_people(self, people: Mapping[str, Person], session: Session) -> None:
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
            noted = {
                "account": person.account_id,
                "revision": person.revision,
                "name": person.name,
                "verified": verified,
            }
            writes.append(UpdateOne({"_id": key}, {"$set": noted}, upsert=True))
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

    async def note_decision_of(self, account_id: str, session: Session) -> None:
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
