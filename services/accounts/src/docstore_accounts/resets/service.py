"""Use cases of password resets: request a link, have an administrator create one, set the password."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from docstore_accounts.account.repository import AccountRepository
from docstore_accounts.account.rules import Account, email_key
from docstore_accounts.account.service import AccountService, account_suspended
from docstore_accounts.passwords.strength import check_new_password
from docstore_accounts.regions.client import RegionRefused, RegionUnreachable
from docstore_accounts.regions.service import EmailClaims
from docstore_accounts.resets.repository import LIFE, ClaimedRequest, Reset, ResetRepository, ResetRequest
from docstore_accounts.revocation.service import TokenRevoker
from docstore_accounts.sessions.repository import DeviceRepository
from docstore_accounts.settings import AccountsSettings
from docstore_accounts.verification.service import VerificationService
from docstore_contracts.replication import ReplicationClient
from docstore_events.catalogue.accounts import PasswordReset, PasswordResetLinkMade, PasswordResetRequested
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock
from docstore_platform.errors import DomainError, NotFound
from docstore_platform.ids import new_id
from docstore_platform.security.fair_queue import Requester
from docstore_platform.security.mailed_links import ResetLinks
from docstore_platform.security.passwords import Passwords
from docstore_platform.security.throttle import Throttle
from docstore_platform.security.tokens import Principal
from docstore_work.lease_queue import LeaseLost
from docstore_work.wakeup import wake

log = structlog.get_logger(__name__)

MAX_MAILS = 3
"""Mails to one account within an hour, so that repeated requests can't fill a mailbox."""

SESSIONS_END_WITHIN = timedelta(seconds=5)
"""After so long gateways refuse the tokens of sessions that a reset has ended, also where clocks differ a little."""

MADE, USED = 1, 2
"""Revisions of a reset, mailed or not."""


def gone() -> DomainError:
    """The same error for a used, an expired and an unknown link."""
    return NotFound("This link has been used or has expired. Request a new one.", code="reset_not_found")


@dataclass(frozen=True, slots=True)
class ShownReset:
    """A link for an administrator to pass on."""

    token: str
    url: str
    expires_at: datetime


class ResetService:
    """Accepts every request before looking anything up: neither response nor timing reveals who has an account."""

    def __init__(
        self,
        settings: AccountsSettings,
        resets: ResetRepository,
        transactor: Transactor,
        service: AccountService,
        accounts: AccountRepository,
        revoker: TokenRevoker,
        devices: DeviceRepository,
        passwords: Passwords,
        throttle: Throttle,
        claims: EmailClaims,
        verification: VerificationService,
        clock: Clock,
        *,
        wakeup_name: str,
    ) -> None:
        self._resets = resets
        self._transactor = transactor
        self._service = service
        self._accounts = accounts
        self._revoker = revoker
        self._devices = devices
        self._passwords = passwords
        self._throttle = throttle
        self._claims = claims
        self._verification = verification
        self._links = ResetLinks(settings.infra)
        self._away_until: dict[str, datetime] = {}
        self._lease = timedelta(seconds=settings.reset_lease_seconds)
        self._breached_passwords_file = settings.breached_passwords_file
        self._clock = clock
        self._wakeup_name = wakeup_name

    async def request(self, email: str) -> None:
        """Request a link mailed to this address, if an account has it."""
        await self._record(ResetRequest(new_id(), self._clock(), email=email))

    async def receive(self, request_id: str, account_id: str) -> None:
        """Store a request forwarded by another region, for an account of this one."""
        await self._record(ResetRequest(request_id, self._clock(), account_id=account_id))

    async def _record(self, request: ResetRequest) -> None:
        await self._resets.add_request(request)
        wake(self._wakeup_name)

    async def handle_next(self) -> bool:
        """Handle one due request; False if there is none."""
        claimed = await self._resets.claim()
        if claimed is None:
            return False
        request = claimed.request
        account = await (
            self._accounts.by_email(request.email) if request.email else self._accounts.get(request.account_id)
        )
        if account is None and request.email and not await self._forwarded(request):
            await self._resets.postpone(claimed)
            return True
        with suppress(LeaseLost):
            await self._transactor.run(lambda transaction: self._mail(claimed, account, transaction))
        return True

    async def _forwarded(self, request: ResetRequest) -> bool:
        """Forward the request to the address's home region; return whether it was accepted there.

        While that region is unreachable, one of its requests is retried each lease, so that they hold up no others.
        """
        home = await self._claims.home_of(request.email)
        if home is None:
            return True
        region, now = home.region.name, self._clock()
        if now < self._away_until.get(region, now):
            return False
        try:
            await ReplicationClient(home.region).forward_password_reset(request.id, home.account_id)
        except (RegionUnreachable, RegionRefused) as error:
            if isinstance(error, RegionUnreachable):
                self._away_until[region] = now + self._lease
            log.warning("reset_not_forwarded", region=region, error=str(error))
            return False
        return True

    async def _mail(self, claimed: ClaimedRequest, account: Account | None, transaction: Transaction) -> None:
        await self._resets.complete(claimed, transaction)
        if account is None or account.status != "active":
            return
        # Each of two concurrent requests counts the other.
        await self._accounts.hold(account.id, transaction)
        if await self._resets.count(account.id, self._clock(), transaction) >= MAX_MAILS:
            log.info("reset_mail_limit_reached", account_id=account.id)
            return
        reset = await self._new_reset(account, transaction, mailed_to=email_key(account.email))
        transaction.publish(
            PasswordResetRequested(reset_id=reset.id, account_id=account.id, expires_at=reset.expires_at, revision=MADE)
        )

    async def make(self, caller: Principal, account_id: str) -> ShownReset:
        """Create a link for an administrator to pass on. The owner is mailed that it exists, but not the link."""
        await self._service.require_admin(caller)
        account = await self._service.get(account_id)

        async def work(transaction: Transaction) -> Reset:
            reset = await self._new_reset(account, transaction)
            transaction.publish(
                PasswordResetLinkMade(
                    reset_id=reset.id,
                    account_id=account.id,
                    made_by=caller.account_id,
                    expires_at=reset.expires_at,
                    revision=MADE,
                )
            )
            return reset

        reset = await self._transactor.run(work)
        return ShownReset(self._links.token(reset.id), self._links.url(reset.id), reset.expires_at)

    async def _new_reset(self, account: Account, transaction: Transaction, mailed_to: str = "") -> Reset:
        stored = await self._accounts.password_hash(account.id)
        assert stored is not None, "accounts are never deleted"
        reset = Reset(new_id(), account.id, _mark(stored), self._clock() + LIFE, mailed_to)
        await self._resets.add(reset, transaction)
        return reset

    async def confirm(self, token: str, password: str, address: str) -> None:
        """Set the password and end every session of the account. 404 `reset_not_found`, 422 `weak_password`.

        Without a verified address, it also ends all other access that the account's former holder has set up. A mailed
        link verifies the address as well. A link works once, and not after another change of the password, which the
        password's mark detects. Failed log-ins from this `address` no longer count: the owner can log in at once.
        """
        reset_id = self._links.read(token)
        reset = await self._resets.get(reset_id) if reset_id else None
        if reset is None or reset.expires_at <= self._clock():
            raise gone()
        account = await self._accounts.get(reset.account_id)
        stored = await self._accounts.password_hash(reset.account_id)
        if account is None or stored is None or _mark(stored) != reset.password_mark:
            raise gone()
        if account.status != "active":
            raise account_suspended()
        await check_new_password(password, account.email, account.display_name, self._breached_passwords_file)
        renewed = await self._passwords.hash(password, Requester.account(account.id, address))

        async def work(transaction: Transaction) -> bool:
            changed = await self._accounts.set_password(account.id, renewed, was=stored, transaction=transaction)
            if changed:
                current = await self._accounts.get(account.id, transaction)
                assert current is not None, "accounts are never deleted"
                await self._end_access(reset, current, transaction)
                if reset.mailed_to == email_key(current.email):
                    await self._verification.prove(current, transaction)
            return changed

        if not await self._transactor.run(work):
            raise gone()
        await self._throttle.clear(email_key(account.email), address)
        log.info("password_reset", account_id=account.id)

    async def _end_access(self, reset: Reset, account: Account, transaction: Transaction) -> None:
        """End sessions and API tokens, and publish whether the account may have been another person's until now."""
        await self._revoker.end_sessions(account.id, transaction)
        await self._revoker.end_api_tokens(account.id, transaction)
        taken_over_at = None
        if not account.email_verified and self._verification.required:
            taken_over_at = self._clock() + SESSIONS_END_WITHIN
            await self._devices.forget_all(account.id, transaction)
        event = PasswordReset(reset_id=reset.id, account_id=account.id, taken_over_at=taken_over_at, revision=USED)
        transaction.publish(event)


def _mark(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()
