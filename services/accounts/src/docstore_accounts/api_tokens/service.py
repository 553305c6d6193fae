"""Use cases of API tokens: create, list, revoke, and exchange for access tokens."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from docstore_accounts.account.repository import AccountRepository
from docstore_accounts.account.rules import Account, email_key
from docstore_accounts.account.service import AccountService, account_suspended
from docstore_accounts.api_tokens.repository import ApiTokenRepository
from docstore_accounts.api_tokens.rules import (
    MAX_TOKENS,
    ApiToken,
    check_expiry,
    hash_of,
    new_secret,
    too_many_tokens,
)
from docstore_accounts.revocation.service import TokenRevoker
from docstore_accounts.sessions.repository import SessionRepository
from docstore_accounts.signing_keys.service import KeyRing
from docstore_contracts.metadata import MetadataClient
from docstore_events.catalogue.accounts import ApiTokenCreated, ApiTokenRevoked
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock
from docstore_platform.errors import Forbidden, NotFound, not_found
from docstore_platform.ids import new_id
from docstore_platform.security.scopes import Scope
from docstore_platform.security.tokens import Principal, unauthorized

USE_NOTED_EVERY = timedelta(minutes=2)
ADMIN_READ: Scope = "admin:read"
CREATED = 1
REVOKED = 2
"""Revisions of a token's events."""


def invalid_token() -> NotFound:
    """The same error for every token that does not work."""
    return NotFound("The API token is unknown, expired or revoked.", code="invalid_token")


class ApiTokenService:
    def __init__(
        self,
        transactor: Transactor,
        service: AccountService,
        accounts: AccountRepository,
        sessions: SessionRepository,
        tokens: ApiTokenRepository,
        revoker: TokenRevoker,
        keys: KeyRing,
        metadata: MetadataClient,
        clock: Clock,
    ) -> None:
        self._transactor = transactor
        self._service = service
        self._accounts = accounts
        self._sessions = sessions
        self._tokens = tokens
        self._revoker = revoker
        self._keys = keys
        self._metadata = metadata
        self._clock = clock

    async def create(
        self, caller: Principal, name: str, scopes: Sequence[Scope], path: str | None, expires_at: datetime | None
    ) -> tuple[ApiToken, str]:
        """Create a token, limited to the folder at `path` if given; return it with its text, which is not stored."""
        account = await self._service.own(caller)
        if ADMIN_READ in scopes and account.role != "admin":
            raise Forbidden("Only administrators can create tokens with the scope admin:read.")
        now = self._clock()
        check_expiry(expires_at, now)
        folder_id = await self._metadata.folder_at(account.id, path) if path is not None else ""
        secret = new_secret()
        token = ApiToken(new_id(), account.id, name, tuple(scopes), hash_of(secret), now, expires_at, None, folder_id)

        async def work(transaction: Transaction) -> None:
            # A concurrent reset of the password ends this session, and must end the token, too.
            await self._accounts.hold(account.id, transaction)
            if await self._sessions.get(caller.session_id, transaction) is None:
                raise unauthorized("This session has ended. Log in again.")
            if await self._tokens.count(account.id, transaction) >= MAX_TOKENS:
                raise too_many_tokens()
            await self._tokens.insert(token, transaction)
            transaction.publish(
                ApiTokenCreated(
                    token_id=token.id,
                    account_id=account.id,
                    name=name,
                    scopes=token.scopes,
                    folder_id=folder_id,
                    expires_at=expires_at,
                    device=caller.device,
                    revision=CREATED,
                )
            )

        await self._transactor.run(work)
        return token, secret

    async def page(self, caller: Principal, before: str, limit: int) -> list[ApiToken]:
        """Return the caller's tokens, newest first."""
        return await self._tokens.of_account(caller.account_id, before, limit)

    async def paths_of(self, caller: Principal, tokens: Sequence[ApiToken]) -> dict[str, str]:
        """Return the paths of the folders that tokens are limited to, by id, without deleted ones."""
        ids = list({token.folder_id for token in tokens if token.folder_id})
        found = await self._metadata.lookup_files(caller.account_id, ids) if ids else {}
        return {folder_id: folder["path"] for folder_id, folder in found.items()}

    async def revoke(self, caller: Principal, token_id: str) -> None:
        async def work(transaction: Transaction) -> None:
            if not await self._revoker.end_api_token(token_id, caller.account_id, transaction):
                raise not_found("API token")
            transaction.publish(ApiTokenRevoked(token_id=token_id, account_id=caller.account_id, revision=REVOKED))

        await self._transactor.run(work)

    async def exchange(self, secret: str, email: str | None) -> tuple[str, int]:
        """Return an access token with the rights of an API token, and its lifetime in seconds.

        404 `invalid_token`, also if the account has another e-mail than `email`; 403 `account_suspended`.
        """
        now = self._clock()
        token = await self._tokens.by_hash(hash_of(secret))
        if token is None or not token.works_at(now):
            raise invalid_token()
        account = await self._accounts.get(token.account_id)
        if account is None or not _is_of(account, email):
            raise invalid_token()
        if account.status != "active":
            raise account_suspended()
        await self._tokens.note_use(token.id, now, now - USE_NOTED_EVERY)
        return await self._keys.api_access_token(account, token)


def _is_of(account: Account, email: str | None) -> bool:
    return email is None or email_key(email) == email_key(account.email)
