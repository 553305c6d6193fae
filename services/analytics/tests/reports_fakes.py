"""In-memory fakes of the stored figures, and of the archive."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from docstore_analytics.archive.rules import Segment
from docstore_analytics.reports.repository import FileFigures, StepAmounts
from docstore_analytics.reports.rules import STEPS, Account, Count, Counts, FileCounts, Step, start_of


class FakeFigures:
    def __init__(self) -> None:
        self.known: dict[str, Account] = {}
        self.counted: dict[Step, Counter[Count]] = {step: Counter() for step in STEPS}
        self.files: dict[str, FileFigures] = {}

    async def accounts(self, account_ids: Iterable[str], transaction: object) -> dict[str, Account]:
        return {id_: replace(self.known[id_]) for id_ in account_ids if id_ in self.known}

    async def save_accounts(self, accounts: Mapping[str, Account], transaction: object) -> None:
        self.known |= accounts

    async def count(self, counts: Counts, transaction: object) -> None:
        for step, counted in self.counted.items():
            counted.update(counts.by_step(step))

    async def count_files(self, files: Mapping[str, FileCounts], transaction: object) -> None:
        for file_id, added in files.items():
            old = self.files.get(file_id, FileFigures(file_id, None, None, 0, 0, 0, 0))
            self.files[file_id] = FileFigures(
                file_id,
                added.file_name or old.name,
                added.owner_id or old.owner_id,
                old.shares + added.shares,
                old.links + added.links,
                old.opens + added.opens,
                old.downloads + added.downloads,
            )

    async def figures(self, figure: str, step: Step, begin: datetime, end: datetime) -> list[StepAmounts]:
        found: dict[datetime, dict[str, int]] = {}
        for (at, name, divided_by), amount in self.counted[step].items():
            if name == figure and start_of(step, begin) <= at < end:
                found.setdefault(at, {})[divided_by] = amount
        return [StepAmounts(at, found[at]) for at in sorted(found)]

    async def shared_files(self, owner_id: str, limit: int) -> list[FileFigures]:
        return [file for file in self.files.values() if file.owner_id == owner_id and file.shares + file.links][:limit]

    async def top_files(self, figure: str, limit: int) -> list[FileFigures]:
        def amount(file: FileFigures) -> int:
            return file.downloads if figure == "downloads" else file.shares + file.links

        return sorted((file for file in self.files.values() if amount(file)), key=amount, reverse=True)[:limit]


class FakeArchive:
    """No file, and pending rows of so many bytes; `reads` counts how often they were read."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.reads = 0

    async def waiting_bytes(self, begin: datetime, end: datetime) -> int:
        return self.size

    async def snapshot(self, begin: datetime, end: datetime, limit: int) -> tuple[list[Segment], list[bytes]]:
        self.reads += 1
        return [], [b"rows"]
