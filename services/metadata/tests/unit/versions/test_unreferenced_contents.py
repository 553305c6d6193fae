"""Deletion of unreferenced contents while a backup takes its hold, on fakes."""

from collections.abc import Sequence

from docstore_contracts.upload import UploadClient
from docstore_metadata.versions.unreferenced_contents import UnreferencedContentRemover


class FakeContents:
    """Keys that are due."""

    def __init__(self) -> None:
        self.due = ["accounts/ann/a"]

    async def is_any_due(self) -> bool:
        return bool(self.due)

    async def claim(self, limit: int) -> list[str]:
        return self.due[:limit]

    async def remove(self, keys: Sequence[str]) -> None:
        self.due = [key for key in self.due if key not in keys]


class FakeStores:
    """The object store and the upload service."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    async def delete_many(self, keys: Sequence[str]) -> None:
        self.deleted += keys

    async def call(self, method: str, path: str, body: object = None) -> object:
        return None


async def test_contents_due_while_a_backup_takes_its_hold_are_kept() -> None:
    """A hold between the first check and the lease protects all that the backup refers to."""
    contents, stores = FakeContents(), FakeStores()
    held = False

    async def is_held() -> bool:
        nonlocal held
        before, held = held, True
        return before

    remover = UnreferencedContentRemover(contents, stores, UploadClient(stores), is_held=is_held)
    assert await remover.remove_due() == 0
    assert stores.deleted == []
    held = False
    remover = UnreferencedContentRemover(contents, stores, UploadClient(stores), is_held=_never_held)
    assert await remover.remove_due() == 1
    assert stores.deleted == ["accounts/ann/a"]


async def _never_held() -> bool:
    return False
