"""Repository interface of packs."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from docstore_upload.lifecycle.ports import Transfers
from docstore_upload.packs.rules import Pack


class Packs(Transfers[Pack], Protocol):
    """Repository of packs. A pack that lost slices since it was read is due at once, not rechecked."""

    async def keys_of(self, pack_ids: Sequence[str]) -> list[str]:
        """Return the keys of those of these packs that may have an object, or are to be cleared."""

    async def release(self, numbers: Mapping[tuple[str, str], Iterable[int]], now: datetime) -> None:
        """Drop live slices, by (account id, pack id); an acknowledged pack becomes due unless a worker has it."""
