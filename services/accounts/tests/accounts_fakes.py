"""In-memory fakes of the repositories."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from docstore_accounts.account.repository import EmailTaken, Filter
from docstore_accounts.account.rules import Account, email_key
from docstore_accounts.api_tokens.rules import ApiToken
from docstore_accounts.resets.repository import ClaimedRequest, Reset, ResetRequest
from docstore_accounts.sessions.rules import RefreshToken, Session
from docstore_accounts.signing_keys.repository import SigningKey
from docstore_accounts.verification.repository import Verification
from docstore_platform.errors import NotFound
from docstore_platform.security.period_counts import Count
from docstore_platform.security.revocations import Revocation
from docstore_work.lease_queue import Lease, LeaseLost


class FakeClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **time: float) -> None:
        self.now += timedelta(**time)


class FakeAccounts:
    def __init__(self) -> None:
        self.rows: dict[str, Account] = {}
        self.hashes: dict[str, str] = {}

    async def insert(self, account: Account, password_hash: str, transaction: object) -> None:
        if await self.by_email(account.email):
            raise EmailTaken
        self.rows[account.id] = account
        self.hashes[account.id] = password_hash

    async def get(self, account_id: str, transaction: object = None) -> Account | None:
        return self.rows.get(account_id)

    async def by_email(self, email: str) -> Account | None:
        return next((row for row in self.rows.values() if email_key(row.email) == email_key(email)), None)

    async def credentials(self, email: str) -> tuple[Account, str] | None:
        account = await self.by_email(email)
        return (account, self.hashes[account.id]) if account else None

    async def password_hash(self, account_id: str) -> str | None:
        return self.hashes.get(account_id)

    async def replace(self, before: Account, after: Account, transaction: object) -> None:
        assert self.rows[before.id] == before
        self.rows[before.id] = after

    async def set_password(self, account_id: str, new: str, *, was: str, transaction: object = None) -> bool:
        if self.hashes.get(account_id) != was:
            return False
        self.hashes[account_id] = new
        return True

    async def hold(self, account_id: str, transaction: object) -> None:
        return None

    async def page(self, wanted: Filter, after: str, limit: int) -> list[Account]:
        return sorted(self.rows.values(), key=lambda row: email_key(row.email))[:limit]

    async def after(self, account_id: str, limit: int) -> list[Account]:
        return sorted((row for row in self.rows.values() if row.id > account_id), key=lambda row: row.id)[:limit]

    async def of_ids(self, account_ids: Sequence[str]) -> list[Account]:
        return [self.rows[account_id] for account_id in account_ids if account_id in self.rows]


class FakeSessions:
    def __init__(self) -> None:
        self.rows: dict[str, Session] = {}

    async def insert(self, session: Session, transaction: object = None) -> None:
        self.rows[session.id] = session

    async def rotate(self, old: RefreshToken, new: RefreshToken, now: datetime, expires_at: datetime) -> Session | None:
        row = self.rows.get(old.session_id)
        if row is None or not old.is_of(row) or row.secret_hash != old.secret_hash or row.expires_at <= now:
            return None
        self.rows[row.id] = replace(row, secret_hash=new.secret_hash, last_used_at=now, expires_at=expires_at)
        return self.rows[row.id]

    async def get(self, session_id: str, transaction: object = None) -> Session | None:
        return self.rows.get(session_id)

    async def of_account(self, account_id: str, before: str, limit: int) -> list[Session]:
        return [row for row in self.rows.values() if row.account_id == account_id][:limit]

    async def used_since(self, account_id: str, moment: datetime, transaction: object = None) -> list[str]:
        rows = self.rows.values()
        return [row.id for row in rows if row.account_id == account_id and row.last_used_at > moment]

    async def delete(self, session_id: str, account_id: str, transaction: object = None) -> bool:
        row = self.rows.get(session_id)
        return bool(row and row.account_id == account_id and self.rows.pop(session_id))

    async def delete_all(self, account_id: str, *, but: str = "", transaction: object = None) -> None:
        self.rows = {row.id: row for row in self.rows.values() if row.account_id != account_id or row.id == but}


class FakeApiTokens:
    def __init__(self) -> None:
        self.rows: dict[str, ApiToken] = {}

    async def insert(self, token: ApiToken, transaction: object) -> None:
        self.rows[token.id] = token

    async def by_hash(self, secret_hash: str) -> ApiToken | None:
        return next((row for row in self.rows.values() if row.secret_hash == secret_hash), None)

    async def of_account(self, account_id: str, before: str, limit: int) -> list[ApiToken]:
        mine = [row for row in self.rows.values() if row.account_id == account_id and (not before or row.id < before)]
        return sorted(mine, key=lambda row: row.id, reverse=True)[:limit]

    async def count(self, account_id: str, transaction: object) -> int:
        return sum(row.account_id == account_id for row in self.rows.values())

    async def note_use(self, token_id: str, now: datetime, unless_after: datetime) -> None:
        row = self.rows[token_id]
        if row.last_used_at is None or row.last_used_at <= unless_after:
            self.rows[token_id] = replace(row, last_used_at=now)

    async def delete(self, token_id: str, account_id: str, transaction: object) -> bool:
        row = self.rows.get(token_id)
        return bool(row and row.account_id == account_id and self.rows.pop(token_id))

    async def delete_all(self, account_id: str, transaction: object) -> list[str]:
        mine = [row.id for row in self.rows.values() if row.account_id == account_id]
        for token_id in mine:
            del self.rows[token_id]
        return mine


class FakeRevocations:
    def __init__(self) -> None:
        self.rows: list[tuple[datetime, Revocation]] = []

    async def add(self, revocation: Revocation, now: datetime, transaction: object) -> None:
        self.rows.append((now, revocation))

    async def since(self, moment: datetime) -> list[Revocation]:
        return [revocation for added_at, revocation in self.rows if added_at > moment]


class FakeDevices:
    def __init__(self) -> None:
        self.known: set[tuple[str, str]] = set()

    async def knows(self, account_id: str, token: str) -> bool:
        return (account_id, token) in self.known

    async def has_any(self, account_id: str, transaction: object) -> bool:
        return any(owner == account_id for owner, _ in self.known)

    async def note(self, session: Session, token: str, transaction: object) -> bool:
        device = session.account_id, token
        is_new = device not in self.known
        self.known.add(device)
        return is_new

    async def forget_all(self, account_id: str, transaction: object) -> None:
        self.known = {device for device in self.known if device[0] != account_id}


class FakeKeys:
    def __init__(self) -> None:
        self.rows: dict[int, SigningKey] = {}

    async def newest(self) -> SigningKey | None:
        return self.rows[max(self.rows)] if self.rows else None

    async def published(self, now: datetime) -> list[SigningKey]:
        return [key for key in self.rows.values() if key.published_until > now]

    async def add(self, key: SigningKey) -> bool:
        return self.rows.setdefault(key.number, key) is key


class FakeVerifications:
    def __init__(self) -> None:
        self.rows: dict[str, Verification] = {}

    async def add(self, verification: Verification, transaction: object) -> None:
        self.rows[verification.id] = verification

    async def get(self, verification_id: str, transaction: object = None) -> Verification | None:
        return self.rows.get(verification_id)

    async def of_account(self, account_id: str, transaction: object = None) -> list[Verification]:
        return [row for row in self.rows.values() if row.account_id == account_id]

    async def count_attempt(self, account_id: str) -> None:
        for row in await self.of_account(account_id):
            self.rows[row.id] = replace(row, failures=row.failures + 1)

    async def remove(self, account_id: str, transaction: object) -> bool:
        mine = await self.of_account(account_id)
        for row in mine:
            del self.rows[row.id]
        return bool(mine)


class FakeResets:
    """Requests are due unless they are claimed; a claim can be `lost` to another instance."""

    def __init__(self) -> None:
        self.requests: dict[str, ResetRequest] = {}
        self.claimed: set[str] = set()
        self.lost = False
        self.rows: dict[str, Reset] = {}
        self._completed: set[str] = set()

    async def add_request(self, request: ResetRequest) -> None:
        if request.id not in self._completed:
            self.requests.setdefault(request.id, request)

    async def claim(self) -> ClaimedRequest | None:
        for request in self.requests.values():
            if request.id not in self.claimed:
                self.claimed.add(request.id)
                return ClaimedRequest(request, Lease(request.id, "owner", 1, {}))
        return None

    async def complete(self, claimed: ClaimedRequest, transaction: object) -> None:
        if self.lost:
            raise LeaseLost
        del self.requests[claimed.request.id]
        self._completed.add(claimed.request.id)

    async def postpone(self, claimed: ClaimedRequest) -> None:
        """It stays claimed until `end_leases`."""

    def end_leases(self) -> None:
        self.claimed.clear()

    async def add(self, reset: Reset, transaction: object) -> None:
        self.rows[reset.id] = reset

    async def get(self, reset_id: str) -> Reset | None:
        return self.rows.get(reset_id)

    async def count(self, account_id: str, now: datetime, transaction: object) -> int:
        return sum(row.account_id == account_id and row.expires_at > now for row in self.rows.values())


class FakePeriodCounts:
    """Counts per day, by the clock of the test."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._rows: dict[str, Count] = {}

    async def add(self, key: str, *, session: object = None) -> Count:
        now, last = self._clock(), self._rows.get(key)
        running = last is not None and last.until > now
        count = Count(last.number + 1, now, last.until) if last and running else Count(1, now, now + timedelta(days=1))
        self._rows[key] = count
        return count


class FakeQuota:
    async def call(self, method: str, path: str, body: Any = None) -> Any:
        return {"used": 0, "reserved": 0, "limit": 1, "over_quota": False, "documents": 0}


class FakeMetadata:
    """Folders of everyone: ids by path."""

    def __init__(self) -> None:
        self.folders: dict[str, str] = {}

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        if path == "/internal/files/lookup":
            return {"files": [{"id": id_, "path": at} for at, id_ in self.folders.items() if id_ in body["ids"]]}
        if body["path"] not in self.folders:
            raise NotFound("There is no such folder.")
        return {"id": self.folders[body["path"]]}
