"""Arguments for the `maintenance.after_restore` of a service."""

from collections.abc import AsyncIterator, Sequence

from docstore_platform.backups.restored import Objects, Restored
from docstore_platform.mongodb.client import Database


class NoObjects:
    """An empty object store."""

    async def head(self, key: str) -> None:
        return None

    async def delete(self, key: str) -> None:
        raise AssertionError(f"{key} does not exist")


def restored(
    database: Database, account_ids: Sequence[str] = (), *, objects: Objects | None = None, region: str = "local"
) -> Restored:
    async def accounts() -> AsyncIterator[str]:
        for account_id in account_ids:
            yield account_id

    return Restored(database, region, objects or NoObjects(), accounts)
