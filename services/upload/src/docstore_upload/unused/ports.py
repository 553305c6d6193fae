"""Repository interface of unused contents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from docstore_contents.packs import PackSlice


@dataclass(frozen=True, slots=True)
class Content:
    """A content and the objects it consists of: itself, a pack, or `blocks` of `account_id`: keys by hash."""

    key: str
    pack: PackSlice | None = None
    account_id: str = ""
    blocks: Mapping[str, str] | None = None

    @property
    def object_keys(self) -> list[str]:
        if self.blocks is not None:
            return list(self.blocks.values())
        return [self.pack.pack_key if self.pack else self.key]


class UnusedContents(Protocol):
    """Repository of unused contents. Each method is atomic."""

    async def to_check(self, keys: Sequence[str]) -> list[str]:
        """Return those of the contents that are unused, or were put together from archived blocks."""

    async def blocks_account(self, list_key: str) -> str | None:
        """Return the account whose blocks a list refers to; None if it was released."""

    async def become_unused(self, content: Content, turn: int, now: datetime) -> None:
        """Record that a content is unread. A `turn` that is not later than the last one recorded has no effect."""

    async def use(self, content: Content) -> bool:
        """Record that a content is in use; False, without effect, if one of its objects is archived."""

    async def forget(self, keys: Sequence[str], now: datetime) -> None:
        """Remove the records of deleted contents that are whole objects or slices."""
