"""What the use cases of packs need of their repository."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from docstore_upload.lifecycle.ports import Transfers
from docstore_upload.packs.rules import Pack


class Packs(Transfers[Pack], Protocol):
    """Where packs are kept. A pack of which slices were released since it was seen is due at once, not rechecked."""

    async def keys_of(self, pack_ids: Sequence[str]) -> list[str]:
        """Keys of those of these packs that may have an object, or are to be cleared."""
        ...

    async def release(self, numbers: Mapping[tuple[str, str], Iterable[int]], now: datetime) -> None:
        """Drop live slices, by (account id, pack id); a settled pack is due to be looked at, unless somebody does."""
        ...
