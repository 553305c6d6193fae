"""Looks at all there is and says what is to be done: the whole folder, or only where the disk has told of something."""

import asyncio
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from docstore_sync.disk import Disk
from docstore_sync.model import Action, Do, Plan
from docstore_sync.names import Rules, fold
from docstore_sync.planner import plan
from docstore_sync.remote import RemoteTree
from docstore_sync.scan import IGNORE_FILE, Ignore, Scan, scan, scan_again
from docstore_sync.shares import place_shares, restrain
from docstore_sync.state import State
from docstore_sync.watching import DiskWatch

MANY_PATHS = 200
DELETIONS = frozenset({Do.DELETE_HERE, Do.DELETE_THERE})


class Looker:
    """What it has seen it keeps, for looks at single places."""

    def __init__(
        self, folder: Path, state: State, disk: Disk, remote: RemoteTree, watch: DiskWatch, account_id: str, device: str
    ) -> None:
        self._folder = folder
        self._state = state
        self._disk = disk
        self._remote = remote
        self._watch = watch
        self._account_id = account_id
        self._device = device
        self._ignores_case: bool | None = None
        self._seen: Scan | None = None
        self._whole_at = 0.0

    @property
    def seconds_since_whole(self) -> float:
        """Since all of the folder was looked at."""
        return time.monotonic() - self._whole_at

    def rules(self) -> Rules:
        if self._ignores_case is None:
            self._ignores_case = self._disk.ignores_case()
        key: Callable[[str], str] = fold if self._ignores_case else str
        return Rules(self._device, datetime.now(UTC).date(), key, windows=os.name == "nt")

    async def look(self, *, only_told: bool = False) -> tuple[Scan, Plan]:
        """`only_told`: not where nothing was told of since the last look. What deletes is made of a look at all."""
        told = self._watch.take() | self._disk.touched
        self._disk.touched = set()
        before, self._seen = self._seen, None
        if not only_told or before is None or before.busy or len(told) > MANY_PATHS or IGNORE_FILE in told:
            before = None
        found, made = await asyncio.to_thread(self._scan_and_plan, before, told)
        self._seen = found
        return found, made

    def _scan_and_plan(self, before: Scan | None, told: set[str]) -> tuple[Scan, Plan]:
        ignored = Ignore.of(self._folder)
        if before is not None:
            found = scan_again(self._folder, before, told, self._state, ignored)
            self._forget_left(found, told)
            made = self._plan(found, ignored)
            if not any(step.do in DELETIONS for step in made.actions):
                return found, made
        found, made = self._look_at_all(ignored)
        missed = _deleted_there(made)
        if missed:
            # What is moved while it is looked at may be seen nowhere: only what is missed twice is deleted.
            found, made = self._look_at_all(ignored)
            if not _deleted_there(made) <= missed:
                found.busy = True
                made.structure_there = _sure(made.structure_there, missed)
                made.removals = _sure(made.removals, missed)
        return found, made

    def _look_at_all(self, ignored: Ignore) -> tuple[Scan, Plan]:
        self._whole_at = time.monotonic()
        found = scan(self._folder, self._state, ignored)
        self._forget_left(found)
        return found, self._plan(found, ignored)

    def _forget_left(self, found: Scan, told: set[str] | None = None) -> None:
        """What was moved while it was looked at may be seen twice: it is where it still is, and no new file.

        `told`: where alone it was looked at; what has several names elsewhere has had them before.
        """
        first: dict[str, str] = {}
        seen_twice: set[str] = set()
        for path, entry in found.entries.items():
            other = first.setdefault(entry.identity, path) if entry.identity else path
            if other is not path and (told is None or _is_within(path, told) or _is_within(other, told)):
                seen_twice |= {path, other}
        left = {path for path in seen_twice if _is_gone(self._disk.at(path))}
        for path in sorted(found.entries, key=len) if left else ():
            folder = path.rpartition("/")[0]
            if path in left or (folder and folder not in found.entries):
                del found.entries[path]
                found.stamps.pop(path, None)

    def _plan(self, found: Scan, ignored: Ignore) -> Plan:
        rows = self._remote.rows
        remote = place_shares((row.entry for row in rows.values()), self._account_id)
        permissions = {node_id: row.permission for node_id, row in rows.items() if row.permission != "owner"}
        may_be = restrain(found.entries, remote, self._state.synced(), permissions)
        made = plan(
            may_be.local,
            remote,
            may_be.synced,
            root_id=self._account_id,
            rules=self.rules(),
            ignored=ignored,
            apart=may_be.area,
        )
        return may_be.check(made)

    def free_names(self, found: Scan, paths: list[str]) -> dict[str, str]:
        """For each path a name in the folder itself: that of a conflicted copy."""
        rules = self.rules()
        taken = {rules.key(path) for path in found.entries if "/" not in path}
        tops = (row.entry for row in self._remote.rows.values() if row.entry.parent_id == self._account_id)
        taken |= {rules.key(entry.name) for entry in tops}
        names: dict[str, str] = {}
        for path in paths:
            names[path] = rules.conflict_name(path.rpartition("/")[2], taken)
            taken.add(rules.key(names[path]))
        return names


def _is_gone(place: Path) -> bool:
    try:
        os.lstat(place)
    except OSError as error:
        return isinstance(error, FileNotFoundError | NotADirectoryError)
    return False


def _is_within(path: str, places: set[str]) -> bool:
    """Whether it is one of these places, or below one."""
    names = path.split("/")
    return any("/".join(names[:depth]) in places for depth in range(len(names) + 1))


def _deleted_there(made: Plan) -> set[str]:
    """The ids of all that a plan deletes at the server."""
    return {node.remote_id for step in made.actions if step.do is Do.DELETE_THERE for node in step.doomed}


def _sure(steps: list[Action], missed: set[str]) -> list[Action]:
    """Without deletions at the server of more than was missed before."""
    return [step for step in steps if missed.issuperset(node.remote_id for node in step.doomed)]
