"""In-memory fakes of what regions store of each other."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from docstore_accounts.regions.rules import CLAIMED, Entry, claim_over, compare_entries
from docstore_work.lease_queue import Lease


class FakeDirectory:
    def __init__(self, here: str) -> None:
        self.rows: dict[str, Entry] = {}
        self._here = here

    async def get(self, email_hash: str, transaction: object = None) -> Entry | None:
        return self.rows.get(email_hash)

    async def apply(self, received: Sequence[Entry], transaction: object) -> list[Entry]:
        conflicts = []
        for entry in received:
            known = next((row for row in self.rows.values() if row.account_id == entry.account_id), None)
            outcome = compare_entries(entry, known, self.rows.get(entry.email_hash), self._here)
            if outcome == "newer":
                self.rows[entry.email_hash] = entry
            elif outcome == "conflict":
                conflicts.append(entry)
        return conflicts

    async def claim(self, email_hash: str, account_id: str, region: str) -> Entry | None:
        holder = self.rows.setdefault(email_hash, Entry(account_id, email_hash, region, "active", CLAIMED))
        return None if holder.account_id == account_id else holder

    async def take_over(self, holder: Entry, account_id: str, region: str) -> bool:
        if self.rows[holder.email_hash] != holder:
            return False
        self.rows[holder.email_hash] = claim_over(holder, account_id, region)
        return True


class FakeSignUps:
    def __init__(self) -> None:
        self.rows: dict[str, datetime] = {}

    async def begin(self, account_id: str, now: datetime) -> None:
        self.rows[account_id] = now

    async def begun_at(self, account_id: str) -> datetime | None:
        return self.rows.get(account_id)

    async def end(self, account_id: str, transaction: object = None) -> bool:
        return self.rows.pop(account_id, None) is not None


class FakeIntroductions:
    def __init__(self, awaited: Iterable[str] = ()) -> None:
        self.rows = set(awaited)
        self.queued: set[str] = set()

    async def made(self, region: str) -> bool:
        return region in self.queued

    async def make(self, region: str, *, awaited: bool) -> None:
        self.queued.add(region)
        if awaited:
            self.rows.add(region)

    async def awaited(self) -> list[str]:
        return sorted(self.rows)

    async def complete(self, region: str) -> None:
        self.rows.remove(region)


class FakeReplicationQueue:
    """Rows are due unless they are claimed or postponed."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], int] = {}
        self.claimed: dict[tuple[str, str], Lease] = {}
        self.postponed: dict[tuple[str, str], float] = {}

    async def add(self, regions: Iterable[str], revisions: Mapping[str, int], transaction: object) -> None:
        for region in regions:
            for account_id, revision in revisions.items():
                self.rows[region, account_id] = max(revision, self.rows.get((region, account_id), 0))

    async def claim(self, region: str, limit: int) -> dict[str, Lease]:
        due = [key for key in self.rows if key[0] == region and key not in {*self.claimed, *self.postponed}]
        leases = {key: Lease(key, "owner", 1, {"account_id": key[1]}) for key in due[:limit]}
        self.claimed |= leases
        return {key[1]: lease for key, lease in leases.items()}

    async def complete(self, region: str, leases: Iterable[Lease], revisions: Mapping[str, int]) -> None:
        for account_id, revision in revisions.items():
            if self.rows[region, account_id] <= revision:
                del self.rows[region, account_id]
        for lease in leases:
            self.claimed.pop(lease.id, None)

    async def postpone(self, leases: Iterable[Lease], seconds: float) -> None:
        for lease in leases:
            if self.claimed.pop(lease.id, None) and seconds:
                self.postponed[lease.id] = seconds

    async def due_in(self, region: str) -> float | None:
        waits = [self.postponed.get(key, 0.0) for key in self.rows if key[0] == region]
        return min(waits, default=None)

    async def waiting_seconds(self, region: str) -> float:
        return 0.0
