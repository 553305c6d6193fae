"""Access tokens revoked before they expire: the list that accounts publishes and every gateway holds in memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from docstore_contracts.accounts import RevocationItem
from docstore_platform.security.tokens import Principal


@dataclass(frozen=True, slots=True)
class Revocation:
    """Revoked tokens of one account: those of some sessions, or those issued before a revision."""

    id: str
    account_id: str
    expires_at: float
    """In seconds since 1970: every token it concerns has expired by then."""
    session_ids: tuple[str, ...] = ()
    revision: int = 0
    """Tokens issued at an earlier revision of the account are revoked."""

    def to_json(self) -> RevocationItem:
        return {
            "id": self.id,
            "account_id": self.account_id,
            "expires_at": self.expires_at,
            "session_ids": list(self.session_ids),
            "revision": self.revision,
        }

    @classmethod
    def from_json(cls, item: RevocationItem) -> Self:
        session_ids = tuple(item["session_ids"])
        return cls(item["id"], item["account_id"], item["expires_at"], session_ids, item["revision"])


class RevokedTokens:
    """Looks up revoked tokens. Expired revocations are removed, so its size is bounded."""

    def __init__(self) -> None:
        self._sessions: dict[str, float] = {}
        self._accounts: dict[str, tuple[int, float]] = {}

    def __len__(self) -> int:
        return len(self._sessions) + len(self._accounts)

    def add(self, revocations: Iterable[Revocation], now: float) -> None:
        """Add revocations. Idempotent."""
        for revocation in revocations:
            if revocation.expires_at <= now:
                continue
            for session_id in revocation.session_ids:
                self._sessions[session_id] = revocation.expires_at
            revision, expires_at = self._accounts.get(revocation.account_id, (0, 0.0))
            if revocation.revision:
                newest = max(revision, revocation.revision), max(expires_at, revocation.expires_at)
                self._accounts[revocation.account_id] = newest

    def forget_expired(self, now: float) -> None:
        self._sessions = {key: until for key, until in self._sessions.items() if until > now}
        self._accounts = {key: entry for key, entry in self._accounts.items() if entry[1] > now}

    def covers(self, principal: Principal) -> bool:
        """Whether the token of `principal` is revoked."""
        if principal.session_id in self._sessions:
            return True
        account = self._accounts.get(principal.account_id)
        return account is not None and principal.account_revision < account[0]
