"""What of a running sync is worth a notification: new errors, and conflicted copies made here."""

from collections.abc import Callable

from docstore_cli.options import shown
from docstore_cli.system.desktop import notify
from docstore_sync.engine import Result
from docstore_sync.model import ActionType
from docstore_sync.names import CONFLICTED

LISTED = 3


class SyncNotices:
    """Reports each error and conflict once; an error again after it was gone."""

    def __init__(self, folder: str, show: Callable[[str, str], None] = notify) -> None:
        self._title = f"DocStore: {folder}"
        self._show = show
        self._failures: set[str] = set()

    def rested(self, result: Result) -> None:
        """Called after each sync."""
        copies = [
            action.name for action in result.actions if action.do is ActionType.UPLOAD and CONFLICTED in action.name
        ]
        failures = [each for each in result.failures if each not in self._failures]
        self._failures = set(result.failures)
        for text, each in (("Conflicted copies", copies), ("Not synced", failures)):
            if each:
                more = f" and {len(each) - LISTED} more" if len(each) > LISTED else ""
                self._show(self._title, shown(f"{text}: {', '.join(each[:LISTED])}{more}"))
