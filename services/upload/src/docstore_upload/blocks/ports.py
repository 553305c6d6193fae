"""Repository interface of blocks and of the block lists that refer to them.

How a block that is needed stays:
- A block list takes its references in the transaction that claims its upload: +1 on each block that is still stored
  under the key that the list names. It takes all of them or none.
- A row is deleted only while nothing refers to it, in a transaction that also records its key as discarded. Of two such
  transactions one fails: either the block is referred to, or the list is not accepted.
- No row ever uses a discarded key again: a block that is sent again gets another key. So a discarded key can be deleted
  at any later time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from docstore_platform.mongodb.session import Session
from docstore_upload.blocks.rules import KnownBlock, References


class BlocksGone(Exception):
    """Some of the blocks to refer to are no longer stored under these keys."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """The key of an unneeded object. Signed first-write PUTs may store there until `writable_until`."""

    key: str
    writable_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Awaited:
    """A pending block of an account. Its latest URL was issued at `asked_at`."""

    account_id: str
    block: KnownBlock
    asked_at: datetime


class OpenUploads(Protocol):
    """Open uploads whose blocks are still unclaimed."""

    async def open_in_blocks(self, account_id: str) -> int:
        """Return the bytes of the account's open uploads in blocks."""


class DiscardedObjects(Protocol):
    """Repository of the keys of unneeded objects. Each method is atomic."""

    async def has_sent_too_much(self, account_id: str, now: datetime) -> bool:
        """Whether a URL of the account that still works stored more than a block can have."""

    async def discarded_among(self, keys: Iterable[str]) -> list[str]:
        """Return those of `keys` that are to be deleted."""

    async def discard(self, writable_until: Mapping[str, datetime], now: datetime) -> None:
        """Schedule the deletion of the objects under these keys, and keep writes away until then. Idempotent."""

    async def take_discarded(self, limit: int) -> list[Discarded]:
        """Lease up to `limit` objects to delete."""

    async def delete_again(self, discarded: Sequence[Discarded]) -> None:
        """Schedule a second deletion of objects with tombstones, once no signed URL can write there any more.

        A key forgotten meanwhile is recorded again: a paused worker may have put the tombstone after the deletion.
        """

    async def forget_discarded(self, keys: Sequence[str]) -> None:
        """Forget keys whose objects are deleted."""


class Blocks(DiscardedObjects, Protocol):
    """Repository of blocks, and of the block lists that refer to them. Each method is atomic."""

    async def touch(self, account_id: str, hashes: Iterable[str], now: datetime) -> dict[str, KnownBlock]:
        """Return those of `hashes` that this account has, and keep them from collection for a while from `now` on."""

    async def add(self, account_id: str, stored_bytes: Mapping[str, int], now: datetime) -> dict[str, KnownBlock]:
        """Add pending blocks, each under a fresh key unless it exists; return by hash what its URL may store."""

    async def expect(self, account_id: str, stored_bytes: Mapping[str, int]) -> None:
        """Raise the size that URLs of pending blocks may store, where it is more than recorded."""

    async def plan_check(self, account_id: str, hashes: Iterable[str], at: datetime | None) -> None:
        """Schedule a check of pending blocks at `at`, for any account; None: never again."""

    async def claim_due_checks(self, limit: int) -> list[Awaited]:
        """Lease pending blocks whose check is due."""

    async def mark_stored(self, account_id: str, arrived: Sequence[KnownBlock]) -> None:
        """Record the plain and the stored size of blocks that have arrived."""

    async def replace(
        self, account_id: str, wrong: KnownBlock, now: datetime, writable_until: datetime, found_bytes: int = 0
    ) -> None:
        """Make a block pending again under a new key because its object is no valid block. The old key is discarded."""

    async def unclaimed_bytes(self, account_id: str) -> int:
        """Return the bytes that an account's unreferenced blocks may take in the store."""

    async def unclaimed_by_account(self) -> dict[str, int]:
        """Return the same for every account that has any."""

    async def withdraw(self, account_id: str, hashes: Iterable[str], now: datetime, writable_until: datetime) -> int:
        """Discard those of `hashes` that nothing refers to; return how many."""

    async def longest_untouched(self, account_id: str, before: datetime, limit: int) -> list[KnownBlock]:
        """Return unreferenced blocks of an account that were not asked for since `before`, oldest first."""

    async def refer(self, references: References, now: datetime, session: Session) -> None:
        """Take a list's references in the transaction of `session`; BlocksGone unless all blocks are stored."""

    async def owner_of(self, list_key: str) -> str | None:
        """Return the account whose blocks a list refers to; None if it refers to none any more."""

    async def release(self, list_key: str, account_id: str, hashes: Iterable[str], now: datetime) -> bool:
        """Give back the references of a list, once, and discard its object. Returns whether this call did."""

    async def keys_of(self, blocks: Iterable[tuple[str, str]]) -> list[str]:
        """Return the object keys of these blocks, given by account and hash."""

    async def give_up(self, before: datetime, now: datetime, put_life: timedelta, limit: int) -> int:
        """Discard up to `limit` unreferenced blocks that were not asked for since `before`.

        A URL that was issued when a block was asked for may store until `put_life` later.
        """
