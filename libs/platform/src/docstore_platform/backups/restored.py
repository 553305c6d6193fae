"""Types for the `maintenance.py` of services, which is called from outside the service.

A service with something to do after the restore of a backup defines `async def after_restore(restored: Restored)`
there. It runs when the documents are restored, before their indexes exist and before any instance starts; it may run
again.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from docstore_platform.mongodb.client import Database


class Objects(Protocol):
    """The part of an object store that repairs use."""

    async def head(self, key: str) -> object | None: ...

    async def delete(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored deployment for one service: its own database, and the ids of all accounts."""

    database: Database
    region: str
    objects: Objects
    account_ids: Callable[[], AsyncIterator[str]]
