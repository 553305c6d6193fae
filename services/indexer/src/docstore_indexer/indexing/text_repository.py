"""Extracted texts, compressed and encrypted, and the plans and languages of accounts."""

import zlib
from collections.abc import Collection as Several
from collections.abc import Mapping, Sequence
from typing import Protocol

from docstore_indexer.extraction.rules import ExtractedText
from docstore_indexer.indexing.rules import Plan
from docstore_platform.mongodb.client import Collection, Database, ReplaceOne, Session, UpdateOne
from docstore_platform.security.cipher import Cipher

PACKED_FROM_BYTES = 1024


class Texts(Protocol):
    """Extracted texts, stored for renames, tags, restores and rebuilds."""

    async def get(self, file_ids: Several[str]) -> dict[str, tuple[int, str]]:
        """Return version and text of those files that have one."""

    async def versions(self, file_ids: Several[str]) -> dict[str, int]:
        """Return the version of those files that have a text."""

    async def put(self, texts: Mapping[str, tuple[int, ExtractedText]], session: Session) -> None: ...

    async def remove(self, file_ids: Several[str], session: Session | None = None) -> None: ...


class MongoTexts:
    """Collection `texts`: separate from `documents`, which are read often and must stay small.

    A text that an earlier version stored in clear, or with an earlier secret, is encrypted when it is read.
    """

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._texts: Collection = database["texts"]
        self._cipher = cipher

    async def get(self, file_ids: Several[str]) -> dict[str, tuple[int, str]]:
        found: dict[str, tuple[int, str]] = {}
        writes = []
        async for row in self._texts.find({"_id": {"$in": list(file_ids)}}):
            file_id, version = row["_id"], row["version"]
            data = self._cipher.decrypt(row["text"], file_id) if row.get("encrypted") else row["text"]
            if data is None:
                continue  # its secret is gone: read from the document again
            found[file_id] = (version, unpack(data, packed=row["packed"]))
            if not (row.get("encrypted") and self._cipher.is_current(row["text"], file_id)):
                change = {"text": self._cipher.encrypt(data, file_id), "encrypted": True}
                writes.append(UpdateOne({"_id": file_id, "version": version}, {"$set": change}))
        if writes:
            await self._texts.bulk_write(writes, ordered=False)
        return found

    async def versions(self, file_ids: Several[str]) -> dict[str, int]:
        rows = self._texts.find({"_id": {"$in": list(file_ids)}}, {"version": 1})
        return {row["_id"]: row["version"] async for row in rows}

    async def put(self, texts: Mapping[str, tuple[int, ExtractedText]], session: Session) -> None:
        writes = []
        for file_id, (version, found) in texts.items():
            data, packed = pack(found.text)
            encrypted = self._cipher.encrypt(data, file_id)
            row = {"version": version, "text": encrypted, "packed": packed, "encrypted": True}
            writes.append(ReplaceOne({"_id": file_id}, row, upsert=True))
        if writes:
            await self._texts.bulk_write(writes, ordered=False, session=session)

    async def remove(self, file_ids: Several[str], session: Session | None = None) -> None:
        if file_ids:
            await self._texts.delete_many({"_id": {"$in": list(file_ids)}}, session=session)


def pack(text: str) -> tuple[bytes, bool]:
    """UTF-8, compressed where that helps: 2,000,000 characters of any script stay under MongoDB's 16 MB."""
    data = text.encode()
    return (zlib.compress(data, 1), True) if len(data) >= PACKED_FROM_BYTES else (data, False)


def unpack(data: bytes, *, packed: bool) -> str:
    return (zlib.decompress(data) if packed else data).decode()


class Accounts(Protocol):
    """Plan of each account, and the languages that it has chosen; an unknown account is on the free plan."""

    async def plans(self, account_ids: Several[str], session: Session | None = None) -> dict[str, tuple[Plan, int]]:
        """Return the plan of each known account with the revision of its event."""

    async def put(self, plans: Mapping[str, tuple[Plan, int]], session: Session) -> None: ...

    async def languages(self, account_ids: Several[str], session: Session | None = None) -> dict[str, tuple[str, ...]]:
        """Return the languages of those accounts that have chosen some, the main one first."""

    async def put_languages(self, account_id: str, languages: Sequence[str], session: Session) -> None: ...


class MongoAccounts:
    """Collections `accounts` and `languages`: separate, since events alone write accounts."""

    def __init__(self, database: Database) -> None:
        self._accounts: Collection = database["accounts"]
        self._languages: Collection = database["languages"]

    async def plans(self, account_ids: Several[str], session: Session | None = None) -> dict[str, tuple[Plan, int]]:
        rows = self._accounts.find({"_id": {"$in": list(account_ids)}}, session=session)
        return {row["_id"]: (row["plan"], row["revision"]) async for row in rows}

    async def put(self, plans: Mapping[str, tuple[Plan, int]], session: Session) -> None:
        writes = [
            UpdateOne({"_id": account_id}, {"$set": {"plan": plan, "revision": revision}}, upsert=True)
            for account_id, (plan, revision) in plans.items()
        ]
        await self._accounts.bulk_write(writes, ordered=False, session=session)

    async def languages(self, account_ids: Several[str], session: Session | None = None) -> dict[str, tuple[str, ...]]:
        if not account_ids:
            return {}
        rows = self._languages.find({"_id": {"$in": list(account_ids)}}, session=session)
        return {row["_id"]: tuple(row["languages"]) async for row in rows}

    async def put_languages(self, account_id: str, languages: Sequence[str], session: Session) -> None:
        change = {"$set": {"languages": list(languages)}}
        await self._languages.update_one({"_id": account_id}, change, upsert=True, session=session)
