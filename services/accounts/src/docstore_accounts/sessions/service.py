"""Use cases of sessions: log in, renew, list, log out."""

from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from docstore_accounts.account.repository import AccountRepository
from docstore_accounts.account.rules import Account, email_key
from docstore_accounts.account.service import account_suspended
from docstore_accounts.regions.service import EmailClaims
from docstore_accounts.revocation.service import TokenRevoker
from docstore_accounts.sessions.repository import DeviceRepository, SessionRepository
from docstore_accounts.sessions.rules import UNNAMED_DEVICE, RefreshToken, Session
from docstore_accounts.sessions.rules import device_token as device_token_of
from docstore_accounts.settings import AccountsSettings
from docstore_accounts.signing_keys.service import KeyRing
from docstore_events.catalogue.accounts import SessionStarted
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock
from docstore_platform.errors import DomainError, Elsewhere, Unauthenticated, not_found
from docstore_platform.ids import new_id
from docstore_platform.security.fair_queue import Requester
from docstore_platform.security.passwords import Passwords
from docstore_platform.security.throttle import Throttle
from docstore_platform.security.tokens import Principal, unauthorized

log = structlog.get_logger(__name__)


def invalid_credentials() -> DomainError:
    """The same error for an unknown e-mail and a wrong password."""
    return Unauthenticated("The e-mail or password is wrong.", code="invalid_credentials")


def elsewhere(region: str, gateway: str) -> DomainError:
    """Redirect to the home region, where the password is checked."""
    return Elsewhere(
        "Log in to this account in its home region.", f"{gateway}/v1/sessions", code="home_region", home_region=region
    )


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of a session."""

    access_token: str
    refresh_token: str
    expires_in: int
    """Seconds until the access token expires."""
    account: Account
    device_token: str = ""
    """Of a log-in: identifies the device at its next log-in."""


class SessionService:
    """A session is a row in the database: any instance serves it, and deleting the row ends it."""

    def __init__(
        self,
        settings: AccountsSettings,
        transactor: Transactor,
        accounts: AccountRepository,
        sessions: SessionRepository,
        revoker: TokenRevoker,
        devices: DeviceRepository,
        passwords: Passwords,
        throttle: Throttle,
        keys: KeyRing,
        claims: EmailClaims,
        clock: Clock,
    ) -> None:
        self._transactor = transactor
        self._devices = devices
        self._claims = claims
        self._accounts = accounts
        self._sessions = sessions
        self._revoker = revoker
        self._passwords = passwords
        self._throttle = throttle
        self._keys = keys
        self._clock = clock
        self._access_seconds = settings.access_token_lifetime_seconds
        self._life = timedelta(seconds=settings.session_lifetime_seconds)

    async def log_in(
        self,
        email: str,
        password: str,
        device: str = UNNAMED_DEVICE,
        *,
        address: str,
        device_token: str | None = None,
    ) -> Tokens:
        """Start a session; 401 `invalid_credentials`, 403 `account_suspended`, 429 after too many failures.

        Failures on unknown devices do not lock out a device that the account knows by its token. 307 to the home region
        of an account of another region.
        """
        requester = Requester.anonymous(address, email_key(email))
        found = await self._accounts.credentials(email)
        known_as = await self._known_as(found[0].id if found else "", device_token)
        async with self._throttle.attempt(email_key(email), address, known_as=known_as) as attempt:
            home = None if found else await self._claims.home_of(email)
            if home is not None:
                raise elsewhere(home.region.name, home.region.public_url)
            attempt.succeeded = await self._passwords.matches(password, found[1] if found else None, requester)
        if found is None or not attempt.succeeded:
            raise invalid_credentials()
        account, stored = found
        if account.status != "active":
            raise account_suspended()
        if self._passwords.is_outdated(stored):
            renewed = await self._passwords.hash(password, requester)
            stored = renewed if await self._accounts.set_password(account.id, renewed, was=stored) else stored
        now = self._clock()
        token = RefreshToken.new(new_id())
        session = Session(
            id=token.session_id,
            account_id=account.id,
            device=device,
            created_at=now,
            last_used_at=now,
            expires_at=now + self._life,
            family_hash=token.family_hash,
            secret_hash=token.secret_hash,
        )
        device_id = device_token_of(device_token)
        await self._begin(account, session, device_id)
        if not await self._still_admits(email, password, stored, requester):
            await self._sessions.delete(session.id, account.id)
            raise invalid_credentials()
        return replace(await self._tokens(account, session, token), device_token=device_id)

    async def _known_as(self, account_id: str, token: str | None) -> str:
        """Return the device's token if the account knows it. Unknown accounts are looked up too, for equal timing."""
        return token if token and await self._devices.knows(account_id, token) else ""

    async def _begin(self, account: Account, session: Session, device_id: str) -> None:
        # Devices were not always stored: an account may have logged in on unknown ones.
        is_old = account.created_at <= session.created_at - self._life
        was_here = is_old or bool(await self._sessions.of_account(account.id, "", 1))

        async def work(transaction: Transaction) -> None:
            # A call that ends all sessions now finds this one, or has committed before and is seen by _still_admits.
            await self._accounts.hold(session.account_id, transaction)
            first_login = not was_here and not await self._devices.has_any(account.id, transaction)
            new_device = await self._devices.note(session, device_id, transaction)
            await self._sessions.insert(session, transaction)
            started = SessionStarted(
                session_id=session.id,
                account_id=session.account_id,
                device=session.device,
                new_device=new_device,
                first_login=first_login,
                started_at=session.created_at,
                revision=1,
            )
            transaction.publish(started)

        await self._transactor.run(work, lane=session.account_id)

    async def _still_admits(self, email: str, password: str, stored: str, requester: Requester) -> bool:
        """Whether the account was neither suspended nor given another password during the log-in.

        Either of these ends the sessions it finds; a session created at the same time is found here.
        """
        found = await self._accounts.credentials(email)
        if found is None or found[0].status != "active":
            return False
        return found[1] == stored or await self._passwords.matches(password, found[1], requester)

    async def refresh(self, text: str) -> Tokens:
        """Exchange a refresh token. A token used twice may be stolen, so its session ends (RFC 9700, 4.14.2)."""
        refused = unauthorized("The refresh token is invalid.")
        old = RefreshToken.parse(text)
        if old is None:
            raise refused
        now = self._clock()
        new = old.next()
        session = await self._sessions.rotate(old, new, now, now + self._life)
        if session is None:
            await self._end_if_replayed(old)
            raise refused
        account = await self._accounts.get(session.account_id)
        if account is None or account.status != "active":
            await self._sessions.delete(session.id, session.account_id)
            raise account_suspended() if account else refused
        return await self._tokens(account, session, new)

    async def _end_if_replayed(self, token: RefreshToken) -> None:
        session = await self._sessions.get(token.session_id)
        if session is not None and token.is_of(session):
            await self._end(session.id, session.account_id)
            log.warning("refresh_token_replayed", session_id=session.id, account_id=session.account_id)

    async def _tokens(self, account: Account, session: Session, token: RefreshToken) -> Tokens:
        access_token = await self._keys.access_token(account, session)
        return Tokens(access_token, token.text, self._access_seconds, account)

    async def page(self, caller: Principal, before: str, limit: int) -> list[Session]:
        """Return the caller's sessions, newest first."""
        return await self._sessions.of_account(caller.account_id, before, limit)

    async def is_active(self, account_id: str, session_id: str) -> bool:
        session = await self._sessions.get(session_id)
        return session is not None and session.account_id == account_id and session.expires_at > self._clock()

    async def end(self, caller: Principal, session_id: str) -> None:
        """End a session of the caller."""
        if not await self._end(session_id, caller.account_id):
            raise not_found("session")

    async def end_current(self, caller: Principal) -> None:
        """Log out. Idempotent."""
        await self._end(caller.session_id, caller.account_id)

    async def _end(self, session_id: str, account_id: str) -> bool:
        async def work(transaction: Transaction) -> bool:
            return await self._revoker.end_session(session_id, account_id, transaction)

        return await self._transactor.run(work)
