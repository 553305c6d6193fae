"""Scans the folder, or only the paths that the disk reported as changed, and plans what to do."""

import asyncio
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from docstore_sync.local.disk import Disk, ignores_case
from docstore_sync.local.disk_watch import DiskWatch
from docstore_sync.local.scan import IGNORE_FILE, Ignore, Scan, scan, scan_again
from docstore_sync.model import Action, ActionType, Plan
from docstore_sync.names import Rules, fold
from docstore_sync.planning.planner import plan
from docstore_sync.planning.shares import place_shares, restrict
from docstore_sync.remote import RemoteTree
from docstore_sync.selection import Selection
from docstore_sync.state import State

MANY_PATHS = 200
DELETIONS = frozenset({ActionType.DELETE_LOCAL, ActionType.DELETE_REMOTE})


class ScanPlanner:
    """Keeps the last scan, so that the next one can be partial."""

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
        self.selection = Selection()
        self._ignores_case: bool | None = None
        self._seen: Scan | None = None
        self._full_scan_at = 0.0

    @property
    def seconds_since_full_scan(self) -> float:
        """Seconds since the last full scan."""
        return time.monotonic() - self._full_scan_at

    def rules(self) -> Rules:
        if self._ignores_case is None:
            self._ignores_case = ignores_case(self._folder)
        key: Callable[[str], str] = fold if self._ignores_case else str
        return Rules(self._device, datetime.now(UTC).date(), key, windows=os.name == "nt")

    async def scan(self, *, only_reported: bool = False) -> tuple[Scan, Plan]:
        """Scan and plan. `only_reported`: scan only reported paths, unless the plan then contains deletions."""
        reported = self._watch.take() | self._disk.touched
        self._disk.touched = set()
        before, self._seen = self._seen, None
        if not only_reported or before is None or before.busy or len(reported) > MANY_PATHS or IGNORE_FILE in reported:
            before = None
        found, made = await asyncio.to_thread(self._scan_and_plan, before, reported)
        self._seen = found
        return found, made

    def _scan_and_plan(self, before: Scan | None, reported: set[str]) -> tuple[Scan, Plan]:
        ignored = Ignore.of(self._folder, self.selection)
        if before is not None:
            found = scan_again(self._folder, before, reported, self._state, ignored)
            self._forget_left(found, reported)
            made = self._plan(found, ignored)
            if not any(step.do in DELETIONS for step in made.actions):
                return found, made
        found, made = self._scan_all(ignored)
        missed = _deleted_remote(made)
        if missed:
            # A file that moves during a scan may be missed: delete only what two scans missed.
            found, made = self._scan_all(ignored)
            if not _deleted_remote(made) <= missed:
                found.busy = True
                made.remote_structure = _sure(made.remote_structure, missed)
                made.removals = _sure(made.removals, missed)
        return found, made

    def _scan_all(self, ignored: Ignore) -> tuple[Scan, Plan]:
        self._full_scan_at = time.monotonic()
        found = scan(self._folder, self._state, ignored)
        self._forget_left(found)
        return found, self._plan(found, ignored)

    def _forget_left(self, found: Scan, reported: set[str] | None = None) -> None:
        """Drop the old path of files that were moved during the scan and so were found twice.

        `reported`: the only paths that were scanned; None: all.
        """
        first: dict[str, str] = {}
        seen_twice: set[str] = set()
        for path, entry in found.entries.items():
            other = first.setdefault(entry.identity, path) if entry.identity else path
            if other is not path and (reported is None or _is_within(path, reported) or _is_within(other, reported)):
                seen_twice |= {path, other}
        left = {path for path in seen_twice if not self._disk.exists(path)}
        for path in sorted(found.entries, key=len) if left else ():
            folder = path.rpartition("/")[0]
            if path in left or (folder and folder not in found.entries):
                del found.entries[path]
                found.stamps.pop(path, None)

    def _plan(self, found: Scan, ignored: Ignore) -> Plan:
        rows = self._remote.rows
        remote = place_shares((row.entry for row in rows.values()), self._account_id)
        permissions = {node_id: row.permission for node_id, row in rows.items() if row.permission != "owner"}
        deletable = {node_id for node_id, row in rows.items() if row.can_delete}
        may_be = restrict(found.entries, remote, self._state.synced(), permissions, deletable)
        made = plan(
            may_be.local,
            remote,
            may_be.synced,
            root_id=self._account_id,
            rules=self.rules(),
            ignored=ignored,
            outside=ignored.selection.is_outside,
            apart=may_be.area,
        )
        return may_be.check(made)

    def free_names(self, found: Scan, paths: list[str]) -> dict[str, str]:
        """Return for each path an unused conflict name in the top folder."""
        rules = self.rules()
        taken = {rules.key(path) for path in found.entries if "/" not in path}
        tops = (row.entry for row in self._remote.rows.values() if row.entry.parent_id == self._account_id)
        taken |= {rules.key(entry.name) for entry in tops}
        names: dict[str, str] = {}
        for path in paths:
            names[path] = rules.conflict_name(path.rpartition("/")[2], taken)
            taken.add(rules.key(names[path]))
        return names


def _is_within(path: str, places: set[str]) -> bool:
    """Whether a path equals one of the places, or is below one."""
    names = path.split("/")
    return any("/".join(names[:depth]) in places for depth in range(len(names) + 1))


def _deleted_remote(made: Plan) -> set[str]:
    """Ids of all nodes that a plan deletes on the server."""
    return {
        node.remote_id for step in made.actions if step.do is ActionType.DELETE_REMOTE for node in step.deleted_nodes
    }


def _sure(steps: list[Action], missed: set[str]) -> list[Action]:
    """The steps without deletions on the server of anything but `missed`."""
    return [step for step in steps if missed.issuperset(node.remote_id for node in step.deleted_nodes)]
