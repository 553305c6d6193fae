"""In what order a plan is carried out, where that decides whether a kill or a failure loses something."""

import asyncio
import random
from datetime import date

import pytest
from sync_worlds import FILE, ROOT, Book, Disk, Server, Steps

from docstore_sync.apply import Applier
from docstore_sync.model import SyncedEntry
from docstore_sync.names import Rules
from docstore_sync.planner import plan
from docstore_sync.steps import Sent, StepFailed, Upload

RULES = Rules("laptop", date(2026, 1, 2))


class CopyRefused(Steps):
    """Uploads of `b` fail."""

    def _upload(self, upload: Upload) -> Sent:
        if upload.path == "b":
            raise StepFailed("no room")
        return super()._upload(upload)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_here_under_another_name_is_sent_before_it_is_replaced_at_the_server(seed: int) -> None:
    """Else, cut off in between, its copy would be taken for the file itself and written over."""
    disk, server, book, chance = Disk(), Server(), Book(), random.Random(seed)
    there = server.add(ROOT, "a", FILE, "old")
    book.record(SyncedEntry(there.id, ROOT, "a", FILE, "old", disk.add("a", FILE, "new")))
    disk.add("b", FILE, "old")
    for hands, expected in (CopyRefused, {"a": "old"}), (Steps, {"a": "new", "b": "old"}):
        todo = plan(dict(disk.entries), server.nodes.values(), book.rows.values(), root_id=ROOT, rules=RULES)
        asyncio.run(Applier(todo, hands(disk, server, chance), book, RULES).run())
        assert {path: content for path, (_, content) in server.tree().items()} == expected
