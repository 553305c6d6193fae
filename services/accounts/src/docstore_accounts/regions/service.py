"""Use cases of e-mail claims: one account per e-mail in all regions together (proof: docs/adr/0009-regions.md)."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import NamedTuple, Protocol

import structlog

from docstore_accounts.account.repository import AccountRepository
from docstore_accounts.account.rules import Account
from docstore_accounts.regions.client import OtherRegion, RegionRefused, RegionUnreachable
from docstore_accounts.regions.repository import Directory, Introductions, SignUps
from docstore_accounts.regions.rules import CLAIMED, Entry, SignUpState, arbiter, entry_of, hash_email
from docstore_contracts.replication import ReplicationClient
from docstore_events.transaction import Transaction
from docstore_platform.clock import Clock
from docstore_platform.errors import Conflict, DomainError, Unavailable

log = structlog.get_logger(__name__)

SIGN_UP_LIFE = timedelta(seconds=30)
"""After this another sign-up with the e-mail may end this one. If it is still running, it fails."""
TRIES = 5


def email_taken() -> DomainError:
    return Conflict("There is an account with this e-mail address.", code="email_taken")


def region_unreachable() -> DomainError:
    detail = "This e-mail address can't be checked right now. Try again in a moment."
    return Unavailable(detail, code="region_unreachable", retry_after=5)


class Home(NamedTuple):
    """The other region that has the account of an e-mail."""

    region: OtherRegion
    account_id: str


class EmailClaims(Protocol):
    """Claims of e-mails, and the home region of each."""

    def claimed(self, account_id: str, email: str) -> AbstractAsyncContextManager[None]:
        """Hold a claim: no other account can get the e-mail meanwhile. 409 `email_taken`, 503 `region_unreachable`."""

    async def confirm(self, account: Account, transaction: Transaction) -> None:
        """Assign the e-mail in the transaction that creates the account; no other account can have or get it then."""

    async def home_of(self, email: str) -> Home | None:
        """Return the other region that has the e-mail's account, if any."""


class SingleRegionClaims:
    """Claims of a single region: the unique index on e-mails decides, without a network call."""

    @asynccontextmanager
    async def claimed(self, account_id: str, email: str) -> AsyncIterator[None]:
        yield

    async def confirm(self, account: Account, transaction: Transaction) -> None:
        return None

    async def home_of(self, email: str) -> Home | None:
        return None


class CrossRegionClaims:
    """Claims in several regions: asks the e-mail's arbiter, and is the arbiter of some e-mails."""

    def __init__(
        self,
        region: str,
        pepper: str,
        others: Mapping[str, OtherRegion],
        directory: Directory,
        sign_ups: SignUps,
        introductions: Introductions,
        accounts: AccountRepository,
        clock: Clock,
    ) -> None:
        self._here = region
        self._pepper = pepper
        self._others = others
        self._regions = frozenset({region, *others})
        self._directory = directory
        self._sign_ups = sign_ups
        self._introductions = introductions
        self._accounts = accounts
        self._clock = clock

    @asynccontextmanager
    async def claimed(self, account_id: str, email: str) -> AsyncIterator[None]:
        email_hash = hash_email(self._pepper, email)
        known = await self._directory.get(email_hash)
        if known is not None and known.revision != CLAIMED:
            raise email_taken()
        await self._sign_ups.begin(account_id, self._clock())
        try:
            if not await self._ask_arbiter(email_hash, account_id):
                raise email_taken()
            yield
        except BaseException:  # also when cancelled: the claim must not outlive the sign-up
            # Without this row the claim is void, and another account may claim the e-mail.
            await self._sign_ups.end(account_id)
            raise

    async def _ask_arbiter(self, email_hash: str, account_id: str) -> bool:
        region = arbiter(self._regions, email_hash)
        if region == self._here:
            return await self.grant(email_hash, account_id, self._here)
        with self._calling(region) as other:
            return await other.claim_email(email_hash, account_id)

    @contextmanager
    def _calling(self, region: str) -> Iterator[ReplicationClient]:
        """Client of the region; 503 if it does not respond."""
        other = self._others.get(region)
        try:
            if other is None:
                raise RegionUnreachable(f"{region} is no longer configured")
            yield ReplicationClient(other)
        except (RegionUnreachable, RegionRefused) as error:
            log.warning("region_unreachable", region=region, error=str(error))
            raise region_unreachable() from None

    async def confirm(self, account: Account, transaction: Transaction) -> None:
        if not await self._sign_ups.end(account.id, transaction):
            raise region_unreachable()  # took too long: another sign-up has ended this one
        entry = entry_of(account, self._pepper)
        holder = await self._directory.get(entry.email_hash, transaction)
        if holder is not None and holder.account_id != account.id and holder.revision != CLAIMED:
            raise email_taken()
        await self._directory.apply([entry], transaction)

    async def home_of(self, email: str) -> Home | None:
        entry = await self._directory.get(hash_email(self._pepper, email))
        if entry is None or entry.revision == CLAIMED:
            return None
        region = self._others.get(entry.home_region)
        return Home(region, entry.account_id) if region is not None else None

    async def grant(self, email_hash: str, account_id: str, region: str) -> bool:
        """Decide, as the arbiter, whether the account gets the e-mail. 503 while a claim's home region is unreachable.

        A claim never expires by time: its home region is asked, and ends a sign-up that took too long. An account loses
        the e-mail only if its own home asks and no longer has it, as after a restore. Since other regions still know
        that account, the e-mail stays with that home even if the new sign-up fails.
        """
        await self._require_introductions()
        for _ in range(TRIES):
            holder = await self._directory.claim(email_hash, account_id, region)
            if holder is None:
                return True
            may_be_gone = holder.revision == CLAIMED or holder.home_region == region
            if not may_be_gone or await self._state_of(holder) != "gone":
                return False
            if await self._directory.take_over(holder, account_id, region):
                return True
        raise region_unreachable()

    async def _require_introductions(self) -> None:
        """A region that started without accounts decides nothing until it knows those of all others; 503 till then."""
        for region in await self._introductions.awaited():
            if region not in self._others:
                continue
            with self._calling(region) as other:
                received = await other.send_accounts([])
            if not received.get("introduced"):
                log.warning("introduction_incomplete", region=region)
                raise region_unreachable()
            await self._introductions.complete(region)

    async def _state_of(self, holder: Entry) -> SignUpState:
        if holder.home_region == self._here:
            return await self.settle(holder.account_id)
        with self._calling(holder.home_region) as other:
            return await other.sign_up_state(holder.account_id)

    async def settle(self, account_id: str) -> SignUpState:
        """Return a sign-up's state, as its home. Ends a sign-up that takes too long."""
        begun_at = await self._sign_ups.begun_at(account_id)
        if begun_at is not None and self._clock() - begun_at < SIGN_UP_LIFE:
            return "open"
        await self._sign_ups.end(account_id)
        return "account" if await self._accounts.get(account_id) else "gone"
