"""Internal API of accounts."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from docstore_contracts.caller import Client, Timestamp

Plan = Literal["free", "premium"]
AccountStatus = Literal["active", "suspended"]


class JwkSet(TypedDict):
    """Public keys of access tokens (RFC 7517)."""

    keys: list[dict[str, Any]]
    token_seconds: NotRequired[int]
    """Longest lifetime of a token."""


class Account(TypedDict):
    """A person's account."""

    id: str
    email: str
    display_name: str
    plan: Plan
    role: Literal["user", "admin"]
    status: AccountStatus
    email_verified: NotRequired[bool]
    language: NotRequired[str | None]
    """Of e-mails; null: never chosen."""
    home_region: str
    created_at: Timestamp


class InternalAccount(Account):
    """An account as services see it."""

    revision: int
    """Of its last event."""


class SessionState(TypedDict):
    """Whether a log-in lasts."""

    active: bool


class TokenExchange(TypedDict):
    """An API token to exchange."""

    token: Annotated[str, Field(max_length=64)]
    email: NotRequired[Annotated[str, Field(max_length=254)] | None]
    """Address that the token's account must have; null: any."""


class ExchangedToken(TypedDict):
    """A short-lived access token with the rights of an API token."""

    access_token: str
    expires_in: int
    """Seconds until it expires."""


class RevocationItem(TypedDict):
    """Access tokens of one account that are revoked: those of some sessions, or those made before a revision."""

    id: str
    account_id: str
    expires_at: float
    """In seconds since 1970: every token it concerns has expired by then."""
    session_ids: list[str]
    revision: int


class RevocationPage(TypedDict):
    items: list[RevocationItem]
    cursor: str


class AccountsClient(Client):
    async def keys(self) -> JwkSet:
        keys: JwkSet = await self._call("GET", "/internal/keys")
        return keys

    async def account(self, account_id: str) -> InternalAccount:
        """404 for an id that no account of this region has."""
        account: InternalAccount = await self._call("GET", f"/internal/accounts/{account_id}")
        return account

    async def is_logged_in(self, account_id: str, session_id: str) -> bool:
        """Whether this session of the account has not ended."""
        state: SessionState = await self._call("GET", f"/internal/accounts/{account_id}/sessions/{session_id}")
        return state["active"]

    async def exchange_token(self, token: str, email: str | None) -> ExchangedToken:
        """404 `invalid_token` if it is unknown, expired, revoked or not of the account with `email`."""
        body: TokenExchange = {"token": token, "email": email}
        exchanged: ExchangedToken = await self._call("POST", "/internal/token-exchange", body)
        return exchanged

    async def revocations(self, cursor: str, wait_seconds: float) -> RevocationPage:
        """Revocations after `cursor`, all in force if it is empty; waits up to `wait_seconds` if there are none."""
        page: RevocationPage = await self._call("GET", f"/internal/revocations?cursor={cursor}&wait={wait_seconds}")
        return page
