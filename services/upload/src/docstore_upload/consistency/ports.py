"""Interfaces of the repositories of consistency checks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from docstore_upload.consistency.rules import StoredBlock, StoredTransfer, TransferKind


class StoredPages(Protocol):
    """Transfers and blocks by id, whoever owns them."""

    async def transfers(self, kind: TransferKind, after: str, limit: int) -> list[StoredTransfer]: ...

    async def transfers_of(self, kind: TransferKind, ids: Sequence[str]) -> list[StoredTransfer]: ...

    async def blocks(self, after: str, limit: int) -> list[StoredBlock]: ...

    async def blocks_of(self, ids: Sequence[str]) -> list[StoredBlock]: ...


class DueTransfers(Protocol):
    async def make_due(self, kind: TransferKind, ids: Sequence[str], now: datetime) -> None:
        """Have transfers looked at by the worker now."""
