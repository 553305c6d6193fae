"""Results of commits, in collection `commits` of MongoDB: a repeated commit gets the stored one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from docstore_contracts.metadata import CommitResult
from docstore_platform.mongodb.client import Collection, Session

KEPT_SECONDS = 30 * 24 * 3600


class CommitResults(Protocol):
    async def of(self, upload_ids: Sequence[str]) -> dict[str, CommitResult]:
        """The stored results, by upload."""

    async def insert(self, results: Mapping[str, CommitResult], now: datetime, session: Session) -> None:
        """Of two transactions that insert the result of one upload, one fails."""


class MongoCommitResults:
    def __init__(self, commits: Collection) -> None:
        self._commits = commits

    async def create_indexes(self) -> None:
        await self._commits.create_index("at", expireAfterSeconds=KEPT_SECONDS, name="kept")

    async def of(self, upload_ids: Sequence[str]) -> dict[str, CommitResult]:
        rows = self._commits.find({"_id": {"$in": upload_ids}})
        return {row["_id"]: _answer(row["answer"]) async for row in rows}

    async def insert(self, results: Mapping[str, CommitResult], now: datetime, session: Session) -> None:
        rows = [{"_id": upload_id, "answer": result, "at": now} for upload_id, result in results.items()]
        await self._commits.insert_many(rows, session=session)


def _answer(stored: CommitResult) -> CommitResult:
    """Files of earlier releases have no custom metadata."""
    if "file" in stored:
        stored["file"].setdefault("metadata", {})
    return stored
