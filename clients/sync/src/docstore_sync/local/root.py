"""The synced folder itself: an unmounted disk or another folder in its place is not taken for an empty one."""

import os
from pathlib import Path

from docstore_sync.local.scan import FolderMissing, identity_of
from docstore_sync.state import State


class ConfirmationRequired(Exception):
    """The plan deletes most files, or the folder was replaced: the user must confirm first."""


class SyncedRoot:
    """The root of a synced folder. `confirmed` permits another folder in its place."""

    def __init__(self, folder: Path, state: State, *, confirmed: bool) -> None:
        self._folder = folder
        self._state = state
        self._confirmed = confirmed

    def _identity(self) -> str:
        """Identity of the folder; empty if there is none."""
        try:
            return identity_of(os.stat(self._folder))
        except OSError:
            return ""

    def check_stays(self) -> None:
        """Fail if the folder's disk was unmounted during the sync; its files are not deleted."""
        if self._identity() != self._state.get("root"):
            raise FolderMissing(f"{self._folder} disappeared during the sync: is its disk mounted?")

    def check(self, *, change: bool) -> None:
        """Do not mistake a replaced folder (an unmounted disk) for an empty one.

        If the user confirmed, sync it as if for the first time: both sides are merged and nothing is deleted.
        """
        known = self._state.get("root")
        here = self._identity()
        if not here:
            if known and not self._confirmed:
                raise ConfirmationRequired(f"{self._folder} was synced before and is gone")
            if not change:
                raise FolderMissing(f"{self._folder} does not exist")
            self._folder.mkdir(parents=True, exist_ok=True)
            here = self._identity()
        if known == here or not change:
            return
        if known:
            if not self._confirmed:
                raise ConfirmationRequired(f"{self._folder} is not the folder synced before: is its disk mounted?")
            self._state.forget_all()
        self._state.set_value("root", here)
