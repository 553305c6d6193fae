"""Use cases of e-mail verification: mail a link and a code, and accept either."""

from collections.abc import Iterable
from dataclasses import replace

import structlog

from docstore_accounts.account import events
from docstore_accounts.account.repository import AccountRepository
from docstore_accounts.account.rules import Account, email_key
from docstore_accounts.settings import AccountsSettings
from docstore_accounts.verification.repository import Verification, VerificationRepository
from docstore_accounts.verification.rules import LIFE, MAX_FAILURES, clean_code, wait_for_next_mail
from docstore_events.catalogue.accounts import EmailVerificationRequested
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock
from docstore_platform.errors import DomainError, NotFound, TooMany, invalid, not_found
from docstore_platform.ids import new_id
from docstore_platform.security.mailed_links import VerificationLinks
from docstore_platform.security.tokens import Principal

log = structlog.get_logger(__name__)


def gone() -> DomainError:
    """The same error for a used, an expired and an unknown link."""
    return NotFound("This link or code has been used or has expired. Send a new one.", code="verification_not_found")


class VerificationService:
    """An address belongs to its account only after its owner has verified it: before that it grants nothing."""

    def __init__(
        self,
        settings: AccountsSettings,
        transactor: Transactor,
        verifications: VerificationRepository,
        accounts: AccountRepository,
        clock: Clock,
    ) -> None:
        self._required = settings.verify_emails
        self._transactor = transactor
        self._verifications = verifications
        self._accounts = accounts
        self._links = VerificationLinks(settings.infra)
        self._clock = clock

    @property
    def required(self) -> bool:
        """Whether new accounts must verify their address; otherwise it is trusted."""
        return self._required

    async def start(self, account: Account, transaction: Transaction) -> None:
        """Have a link and a code mailed to the account's address, unless it is verified."""
        if account.email_verified:
            return
        now = self._clock()
        verification = Verification(new_id(), account.id, email_key(account.email), now, now + LIFE)
        await self._verifications.add(verification, transaction)
        transaction.publish(
            EmailVerificationRequested(
                verification_id=verification.id,
                account_id=account.id,
                email=account.email,
                expires_at=verification.expires_at,
                revision=1,
            )
        )

    async def send_again(self, caller: Principal) -> Account:
        """Mail the caller a new link and code. 429 `too_many_verification_mails`.

        If verification is not required any more, verify the account at once.
        """

        async def work(transaction: Transaction) -> Account:
            account = await self._account(caller.account_id, transaction)
            if account.email_verified:
                return account
            if not self._required:
                return await self.prove(account, transaction)
            # Each of two concurrent requests counts the other.
            await self._accounts.hold(account.id, transaction)
            await self._check_rate(account, transaction)
            await self.start(account, transaction)
            return account

        return await self._transactor.run(work)

    async def _check_rate(self, account: Account, transaction: Transaction) -> None:
        sent = await self._verifications.of_account(account.id, transaction)
        wait = wait_for_next_mail([each.created_at for each in sent], self._clock())
        if wait:
            seconds = max(1, round(wait.total_seconds()))
            detail = "Too many mails were sent to this address. Check the spam folder, or try again later."
            raise TooMany(detail, code="too_many_verification_mails", retry_after=seconds)

    async def verify(self, token: str) -> Account:
        """Verify by a mailed link, without a login. 404 `verification_not_found`."""
        verification_id = self._links.read(token)
        verification = await self._verifications.get(verification_id) if verification_id else None
        return await self._use([verification] if verification else [])

    async def verify_own(self, caller: Principal, *, token: str | None = None, code: str | None = None) -> Account:
        """Verify the caller's own account by a mailed link or code.

        404 `verification_not_found`; 422 `wrong_code`, which a verification allows a few times.
        """
        account = await self._accounts.get(caller.account_id)
        if account is not None and account.email_verified:
            return account
        if token is not None:
            verification_id = self._links.read(token)
            verification = await self._verifications.get(verification_id) if verification_id else None
            own = verification is not None and verification.account_id == caller.account_id
            return await self._use([verification] if verification and own else [])
        # Counted before it is compared, so that concurrent guesses count too.
        await self._verifications.count_attempt(caller.account_id)
        alive = [each for each in await self._verifications.of_account(caller.account_id) if self._takes_codes(each)]
        if not alive:
            raise gone()
        typed = clean_code(code or "")
        matching = [each for each in alive if self._links.accepts(each.id, typed)]
        if not matching:
            raise invalid("Wrong code. Check the code in the mail, or send a new one.", "wrong_code")
        return await self._use(matching)

    def _takes_codes(self, verification: Verification) -> bool:
        return verification.failures <= MAX_FAILURES and verification.expires_at > self._clock()

    async def _use(self, verifications: Iterable[Verification]) -> Account:
        """Verify the address of the first of them and delete all of the account."""
        verification = next(iter(verifications), None)
        if verification is None or verification.expires_at <= self._clock():
            raise gone()

        async def work(transaction: Transaction) -> Account:
            account = await self._accounts.get(verification.account_id, transaction)
            unused = await self._verifications.remove(verification.account_id, transaction)
            if account is None or not unused or email_key(account.email) != verification.email_key:
                raise gone()
            return await self.prove(account, transaction)

        return await self._transactor.run(work)

    async def prove(self, account: Account, transaction: Transaction) -> Account:
        """Record that the account's address is verified, publish it, and return the account."""
        if account.email_verified:
            return account
        await self._verifications.remove(account.id, transaction)
        verified = replace(account, email_verified=True, revision=account.revision + 1)
        await self._accounts.replace(account, verified, transaction)
        transaction.publish(events.changed(account, verified))
        log.info("email_verified", account_id=account.id)
        return verified

    async def _account(self, account_id: str, transaction: Transaction) -> Account:
        account = await self._accounts.get(account_id, transaction)
        if account is None:
            raise not_found("account")
        return account
