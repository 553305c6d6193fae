"""Removals of local copies whose end is not recorded: a kill came between the deletion and its record."""

from collections.abc import Callable, Sequence
from typing import Protocol

from docstore_sync.model import BegunRemoval


class RemovalState(Protocol):
    """What is recorded of a folder's removals."""

    def begun_removals(self) -> Sequence[BegunRemoval]: ...

    def end_removal(self, synced_id: str) -> None: ...

    def forget(self, synced_id: str) -> None: ...


def settle_begun_removals(state: RemovalState, exists: Callable[[str], bool]) -> None:
    """Forget the entries whose local copies are gone.

    Otherwise an entry that is selected again, or that comes back from the trash, would look deleted by the user, and
    be deleted on the server.
    """
    for removal in state.begun_removals():
        if exists(removal.path):
            state.end_removal(removal.id)
        else:
            state.forget(removal.id)
