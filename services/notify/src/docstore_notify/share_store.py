"""Where notify keeps what it knows of shares and of log-ins, to tell what is new from what is not."""

import hashlib
from collections.abc import Collection as Several
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from docstore_platform.mongo import Collection, Database, ReplaceOne, Session


@dataclass(frozen=True, slots=True)
class Share:
    """A share as it was told last."""

    id: str
    revision: int
    account_id: str | None
    role: str
    revoked: bool
    invited_id: str | None = None
    """Account that is asked to accept it."""


class Shares(Protocol):
    async def find(self, share_ids: Several[str], session: Session = None) -> dict[str, Share]: ...

    async def keep(self, shares: Iterable[Share], session: Session) -> None: ...

    async def wants_no_invitations(self, address: str) -> bool: ...

    async def stop_invitations(self, address_hash: str) -> None:
        """Send no more invitations to the address that has this `address_hash`."""
        ...


def address_hash(address: str) -> str:
    """An address as it is kept for ever: whoever reads the list learns no address from it."""
    return hashlib.sha256(address.strip().casefold().encode()).hexdigest()


class MongoShares:
    def __init__(self, database: Database) -> None:
        self._shares: Collection = database["shares"]
        self._uninvited: Collection = database["uninvited"]

    async def find(self, share_ids: Several[str], session: Session = None) -> dict[str, Share]:
        rows = self._shares.find({"_id": {"$in": list(share_ids)}}, session=session)
        return {
            row["_id"]: Share(
                row["_id"], row["revision"], row["account_id"], row["role"], row["revoked"], row.get("invited_id")
            )
            async for row in rows
        }

    async def keep(self, shares: Iterable[Share], session: Session) -> None:
        writes = [
            ReplaceOne(
                {"_id": share.id},
                {
                    "revision": share.revision,
                    "account_id": share.account_id,
                    "role": share.role,
                    "revoked": share.revoked,
                    "invited_id": share.invited_id,
                },
                upsert=True,
            )
            for share in shares
        ]
        if writes:
            await self._shares.bulk_write(writes, session=session)

    async def wants_no_invitations(self, address: str) -> bool:
        return await self._uninvited.find_one({"_id": address_hash(address)}) is not None

    async def stop_invitations(self, address_hash: str) -> None:
        await self._uninvited.update_one({"_id": address_hash}, {"$setOnInsert": {}}, upsert=True)
