"""Blocks in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from docstore_contents.block_list import block_key
from docstore_platform.clock import Clock
from docstore_platform.ids import new_id
from docstore_platform.mongodb.session import Session
from docstore_upload.blocks.ports import Awaited, BlocksGone, Discarded
from docstore_upload.blocks.rules import MAX_FRAME_BYTES, KnownBlock, References, stored_bytes_of


class FakeBlocks:
    """Blocks in memory: `rows` by account and hash, with the number of lists that refer to each."""

    def __init__(self, clock: Clock, lease_seconds: float) -> None:
        self._clock = clock
        self._lease = timedelta(seconds=lease_seconds)
        self.rows: dict[tuple[str, str], KnownBlock] = {}
        self.refs: dict[tuple[str, str], int] = {}
        self.touched: dict[tuple[str, str], datetime] = {}
        self.lists: dict[str, str] = {}
        self.discarded: dict[str, tuple[datetime, datetime | None]] = {}
        """When each is due, and until when someone may write there."""
        self.unlooked: dict[tuple[str, str], datetime] = {}
        self.too_much: dict[str, datetime] = {}

    async def touch(self, account_id: str, hashes: Iterable[str], now: datetime) -> dict[str, KnownBlock]:
        known = {name: self.rows[account_id, name] for name in hashes if (account_id, name) in self.rows}
        self.touched.update({(account_id, name): now for name in known})
        return known

    async def add(self, account_id: str, stored_bytes: Mapping[str, int], now: datetime) -> dict[str, KnownBlock]:
        for name, size in stored_bytes.items():
            fresh = KnownBlock(name, block_key(account_id, name, new_id()), "pending", stored_bytes=size)
            self.rows.setdefault((account_id, name), fresh)
        return await self.touch(account_id, stored_bytes, now)

    async def expect(self, account_id: str, stored_bytes: Mapping[str, int]) -> None:
        for name, size in stored_bytes.items():
            row = self.rows.get((account_id, name))
            if row is not None and row.state == "pending":
                self.rows[account_id, name] = replace(row, stored_bytes=max(size, row.stored_bytes or 0))

    async def plan_check(self, account_id: str, hashes: Iterable[str], at: datetime | None) -> None:
        for name in hashes:
            if at is None:
                self.unlooked.pop((account_id, name), None)
            else:
                self.unlooked[account_id, name] = at

    async def claim_due_checks(self, limit: int) -> list[Awaited]:
        now = self._clock()
        due = [row for row, at in self.unlooked.items() if at <= now and row in self.rows][:limit]
        self.unlooked.update(dict.fromkeys(due, now + self._lease))
        return [Awaited(row[0], self.rows[row], self.touched[row]) for row in due]

    async def mark_stored(self, account_id: str, arrived: Sequence[KnownBlock]) -> None:
        for block in arrived:
            row = self.rows.get((account_id, block.hash))
            if row is not None and (row.key, row.state) == (block.key, "pending"):
                self.rows[account_id, block.hash] = block
                self.unlooked.pop((account_id, block.hash), None)

    async def replace(
        self, account_id: str, wrong: KnownBlock, now: datetime, writable_until: datetime, found_bytes: int = 0
    ) -> None:
        row = account_id, wrong.hash
        current = self.rows.get(row)
        if current is not None and (current.key, current.state) == (wrong.key, "pending"):
            self.rows[row] = replace(wrong, key=block_key(account_id, wrong.hash, new_id()))
            self.touched[row] = now
            self.unlooked.pop(row, None)
            self._discard(wrong.key, now, writable_until)
            if found_bytes > MAX_FRAME_BYTES:
                self.too_much[account_id] = writable_until

    async def has_sent_too_much(self, account_id: str, now: datetime) -> bool:
        return account_id in self.too_much and self.too_much[account_id] > now

    async def unclaimed_bytes(self, account_id: str) -> int:
        return (await self.unclaimed_by_account()).get(account_id, 0)

    async def unclaimed_by_account(self) -> dict[str, int]:
        held: dict[str, int] = {}
        for row, block in self.rows.items():
            if not self.refs.get(row):
                held[row[0]] = held.get(row[0], 0) + stored_bytes_of(block)
        return held

    async def withdraw(self, account_id: str, hashes: Iterable[str], now: datetime, writable_until: datetime) -> int:
        rows = [(account_id, name) for name in hashes]
        unneeded = [row for row in rows if row in self.rows and not self.refs.get(row)]
        for row in unneeded:
            self._discard(self.rows.pop(row).key, now, writable_until)
        return len(unneeded)

    async def longest_untouched(self, account_id: str, before: datetime, limit: int) -> list[KnownBlock]:
        unneeded = [row for row in self.rows if row[0] == account_id and not self.refs.get(row)]
        old = sorted((self.touched[row], row) for row in unneeded if self.touched[row] < before)
        return [self.rows[row] for _, row in old[:limit]]

    def _discard(self, key: str, now: datetime, writable_until: datetime | None = None) -> None:
        late = writable_until is not None and writable_until > now
        self.discarded[key] = now, writable_until if late else None

    async def refer(self, references: References, now: datetime, session: Session) -> None:
        for name, key in references.keys.items():
            row = references.account_id, name
            found = self.rows.get(row)
            if found is None or (found.key, found.state) != (key, "stored"):
                raise BlocksGone
            self.refs[row] = self.refs.get(row, 0) + 1
            self.touched[row] = now
        self.lists[references.list_key] = references.account_id

    async def owner_of(self, list_key: str) -> str | None:
        return self.lists.get(list_key)

    async def release(self, list_key: str, account_id: str, hashes: Iterable[str], now: datetime) -> bool:
        if self.lists.pop(list_key, None) is None:
            return False
        for name in hashes:
            self.refs[account_id, name] -= 1
        self._discard(list_key, now)
        return True

    async def keys_of(self, blocks: Iterable[tuple[str, str]]) -> list[str]:
        return [self.rows[block].key for block in blocks if block in self.rows]

    async def discarded_among(self, keys: Iterable[str]) -> list[str]:
        return [key for key in keys if key in self.discarded]

    async def give_up(self, before: datetime, now: datetime, put_life: timedelta, limit: int) -> int:
        unneeded = [row for row in self.rows if not self.refs.get(row) and self.touched[row] < before][:limit]
        for row in unneeded:
            self._discard(self.rows.pop(row).key, now, self.touched[row] + put_life)
        return len(unneeded)

    async def discard(self, writable_until: Mapping[str, datetime], now: datetime) -> None:
        self.discarded.update({key: (now, until) for key, until in writable_until.items()})

    async def take_discarded(self, limit: int) -> list[Discarded]:
        now = self._clock()
        due = {key: until for key, (at, until) in self.discarded.items() if at <= now}
        taken = dict(list(due.items())[:limit])
        self.discarded.update({key: (now + self._lease, until) for key, until in taken.items()})
        return [Discarded(key, until) for key, until in taken.items()]

    async def delete_again(self, discarded: Sequence[Discarded]) -> None:
        for each in discarded:
            if each.writable_until is not None:
                self.discarded[each.key] = each.writable_until, each.writable_until

    async def forget_discarded(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.discarded.pop(key, None)
