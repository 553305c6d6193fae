"""Packs in MongoDB, one document each."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from docstore_contents.packs import pack_key
from docstore_platform.mongodb.client import Document, UpdateOne
from docstore_upload.lifecycle.ports import Recheck
from docstore_upload.lifecycle.repository import MongoTransfers
from docstore_upload.packs.rules import Pack


class MongoPacks(MongoTransfers[Pack]):
    """Packs: a planned check is valid only if no slices were released since."""

    collection_name = "packs"
    transfer_type = Pack

    async def keys_of(self, pack_ids: Sequence[str]) -> list[str]:
        is_cleared: Document = {"next_check_at": None, "live": []}
        query = {"_id": {"$in": list(pack_ids)}, "$nor": [is_cleared]}
        return [pack_key(row["account_id"], row["_id"]) async for row in self._documents.find(query, {"account_id": 1})]

    async def release(self, numbers: Mapping[tuple[str, str], Iterable[int]], now: datetime) -> None:
        # `lease` is the token of the release before.
        is_free = [{"$eq": [{"$type": owner}, "missing"]} for owner in ("$lease_owner", "$lease")]
        is_due_now = {"$and": [{"$eq": ["$settled", True]}, *is_free]}

        def drop(dropped: list[int]) -> list[Document]:
            change = {
                "live": {"$setDifference": ["$live", dropped]},
                "releases": {"$add": ["$releases", 1]},
                "next_check_at": {"$cond": [is_due_now, now, "$next_check_at"]},
            }
            return [{"$set": change}]

        operations = [
            UpdateOne({"_id": pack_id, "account_id": account_id, "live": {"$in": list(dropped)}}, drop(list(dropped)))
            for (account_id, pack_id), dropped in numbers.items()
        ]
        await self._documents.bulk_write(operations, ordered=False)

    async def recheck(self, rechecks: Sequence[Recheck[Pack]]) -> None:
        await super().recheck(rechecks)
        await self._bulk([self._check_at_once(recheck.transfer) for recheck in rechecks])

    def _check_at_once(self, pack: Pack) -> UpdateOne:
        """Make a pack due at once because slices were released since it was read."""
        released = {"_id": pack.id, "state": pack.state, "releases": {"$gt": pack.releases}}
        return UpdateOne(released, self._queue.due(pack.created_at))

    def _as_seen(self, transfer: Pack) -> Document:
        return super()._as_seen(transfer) | {"releases": transfer.releases}
