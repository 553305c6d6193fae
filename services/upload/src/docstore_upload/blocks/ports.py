"""Blocks and who refers to them: what a repository of them promises.

What keeps a block that is needed from being deleted:
- A block list takes its references in one transaction with the claim of its upload: +1 on each of its blocks, only
  where the block is still stored under the very key that the list names. So it is all of them, or none.
- A row is given up only while nothing refers to it, in a transaction that also notes its key as discarded. Of two such
  transactions one fails: either the block is referred to, or the list is not taken.
- A key once discarded comes back in no row: a block sent again has another key. So it can be deleted at any time after.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from docstore_platform.database import Session
from docstore_upload.blocks.rules import KnownBlock, References


class BlocksGone(Exception):
    """Some of the blocks that are to be referred to are not stored under these keys any more."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """The key of an object of no use. Signed PUTs of a first write may work until `writable_until`."""

    key: str
    writable_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Awaited:
    """A block of an account that may be on its way, by a URL that was given at `asked_at` at the latest."""

    account_id: str
    block: KnownBlock
    asked_at: datetime


class OpenUploads(Protocol):
    """The uploads whose blocks are still unclaimed."""

    async def open_in_blocks(self, account_id: str) -> int:
        """Bytes of the open uploads in blocks that this account began."""
        ...


class Blocks(Protocol):
    """Where blocks, the lists that refer to them and discarded keys are kept. Each method is atomic."""

    async def touch(self, account_id: str, hashes: Iterable[str], now: datetime) -> dict[str, KnownBlock]:
        """Those of `hashes` that this account has, none of which will be given up for a while from `now` on."""
        ...

    async def add(self, account_id: str, stored_bytes: Mapping[str, int], now: datetime) -> dict[str, KnownBlock]:
        """Make these wanted, each under a fresh key, unless somebody just did; by hash, what its URL may store."""
        ...

    async def expect(self, account_id: str, stored_bytes: Mapping[str, int]) -> None:
        """Note what further URLs of pending blocks may store, where that is more than was noted."""
        ...

    async def look_again(self, account_id: str, hashes: Iterable[str], at: datetime | None) -> None:
        """Have pending blocks looked for at `at`, whoever asks for them; None: never again."""
        ...

    async def take_unlooked(self, limit: int) -> list[Awaited]:
        """Pending blocks to be looked for now; due again at the end of the lease."""
        ...

    async def mark_stored(self, account_id: str, arrived: Sequence[KnownBlock]) -> None:
        """Note of blocks that have arrived how many plain bytes they are and how many are stored."""
        ...

    async def replace(
        self, account_id: str, wrong: KnownBlock, now: datetime, writable_until: datetime, found_bytes: int = 0
    ) -> None:
        """Want a block again that came as no block can be: under a new key. The old one is discarded."""
        ...

    async def has_sent_too_much(self, account_id: str, now: datetime) -> bool:
        """Whether an account's URL that still works stored more than any block has."""
        ...

    async def unclaimed_bytes(self, account_id: str) -> int:
        """What an account's blocks that nothing refers to may take in the store."""
        ...

    async def unclaimed_by_account(self) -> dict[str, int]:
        """The same, of every account that has any."""
        ...

    async def withdraw(self, account_id: str, hashes: Iterable[str], now: datetime, writable_until: datetime) -> int:
        """Discard those that nothing refers to; how many those were."""
        ...

    async def longest_untouched(self, account_id: str, before: datetime, limit: int) -> list[KnownBlock]:
        """Blocks of an account that nothing refers to and nobody asked for since `before`, the oldest first."""
        ...

    async def refer(self, references: References, now: datetime, session: Session) -> None:
        """Take the references of a list in the transaction of `session`; BlocksGone unless all blocks are there."""
        ...

    async def owner_of(self, list_key: str) -> str | None:
        """Whose blocks a list refers to; None if it does not, any more."""
        ...

    async def release(self, list_key: str, account_id: str, hashes: Iterable[str], now: datetime) -> bool:
        """Give back the references of a list, once, and discard its object. Whether it was this call that did."""
        ...

    async def keys_of(self, blocks: Iterable[tuple[str, str]]) -> list[str]:
        """Keys of the objects of these blocks, by account and hash."""
        ...

    async def discarded_among(self, keys: Iterable[str]) -> list[str]:
        """Those of `keys` that are to be deleted."""
        ...

    async def give_up(self, before: datetime, now: datetime, put_life: timedelta, limit: int) -> int:
        """Discard up to `limit` blocks that nothing refers to and that nobody asked for since `before`.

        A URL that was given when a block was asked for may store until `put_life` after that.
        """
        ...

    async def discard(self, writable_until: Mapping[str, datetime], now: datetime) -> None:
        """Have the objects under these keys deleted, and kept away until then; again, it changes nothing."""
        ...

    async def take_discarded(self, limit: int) -> list[Discarded]:
        """Objects to be deleted, for this caller alone until its lease ends; then they are due again."""
        ...

    async def delete_again(self, discarded: Sequence[Discarded]) -> None:
        """They have tombstones, and are due again once nobody can write there any more.

        One that was forgotten since is noted anew: a worker that had paused has put the tombstone after the deletion.
        """
        ...

    async def forget_discarded(self, keys: Sequence[str]) -> None:
        """Their objects are deleted."""
        ...
