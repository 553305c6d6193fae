"""What is recorded of steps: only what a power cut can no longer undo.

The state may be on another disk than the folder. If that said of a file that is synced what its folder does not yet
have for good, the next sync would take the old file for an edit, and a missing one for a deletion.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from docstore_sync.model import SyncedEntry
from docstore_sync.steps import Ledger

PAUSE_SECONDS = 1.0
"""Of many steps those of so long are settled together."""


class LastingLedger:
    """Keeps what is recorded once `settle` has brought the steps to the disk for good.

    That is when a block ends and the last time was a while ago, and with `keep`, after the last step. What is lost
    before that, or because `settle` raises, shows in the trees.
    """

    def __init__(self, ledger: Ledger, settle: Callable[[], None]) -> None:
        self._ledger = ledger
        self._settle = settle
        self._waiting: list[Callable[[], None]] = []
        self._kept_at = 0.0

    def record(self, entry: SyncedEntry) -> None:
        self._waiting.append(partial(self._ledger.record, entry))

    def forget(self, synced_id: str) -> None:
        self._waiting.append(partial(self._ledger.forget, synced_id))

    @contextmanager
    def together(self) -> Iterator[None]:
        yield
        if time.monotonic() - self._kept_at >= PAUSE_SECONDS:
            self.keep()

    def keep(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._settle()
            with self._ledger.together():
                for keep in waiting:
                    keep()
            self._kept_at = time.monotonic()
