"""One e-mail, one account, in all regions together: docs/adr/0009-regions.md says why it can't go wrong."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any, NamedTuple, Protocol

import structlog

from docstore_accounts.directory import Directory, Introductions, SignUps
from docstore_accounts.domain import Account
from docstore_accounts.peers import ACCOUNTS_PATH, CLAIMS_PATH, SIGN_UPS_PATH, Peer, PeerRefused, PeerUnreachable
from docstore_accounts.regions import CLAIMED, Entry, SignUpState, arbiter, entry_of, hash_email
from docstore_accounts.storage import AccountStore
from docstore_platform.clock import Clock
from docstore_platform.mongo import Session as Transaction
from docstore_platform.problems import Problem

log = structlog.get_logger(__name__)

SIGN_UP_LIFE = timedelta(seconds=30)
"""After this, whoever wants the same e-mail may end a sign-up. Ending one that still runs only makes it fail."""
TRIES = 5


def email_taken() -> Problem:
    return Problem(409, "email_taken", "There is an account with this e-mail address.")


def region_unreachable() -> Problem:
    detail = "Whether this e-mail address is free can't be found out just now; try again in a moment."
    return Problem(503, "region_unreachable", detail, headers={"Retry-After": "5"})


class Home(NamedTuple):
    """The other region in which an e-mail has its account."""

    peer: Peer
    account_id: str


class Emails(Protocol):
    """What sign-up and log-in ask about e-mails of the world outside this region."""

    def claimed(self, account_id: str, email: str) -> AbstractAsyncContextManager[None]:
        """While it lasts no other account can get the e-mail; 409 `email_taken`, 503 `region_unreachable`."""
        ...

    async def confirm(self, account: Account, tx: Transaction) -> None:
        """In the transaction that makes the account: nobody else has the e-mail, and now nobody else can."""
        ...

    async def home_of(self, email: str) -> Home | None:
        """Where it has its account, if that is in another region."""
        ...


class OneRegion:
    """There is no world outside: the unique index on e-mails decides, and no network is asked."""

    @asynccontextmanager
    async def claimed(self, account_id: str, email: str) -> AsyncIterator[None]:
        yield

    async def confirm(self, account: Account, tx: Transaction) -> None:
        return None

    async def home_of(self, email: str) -> Home | None:
        return None


class AllRegions:
    """Asks the e-mail's arbiter; is the arbiter of some e-mails itself."""

    def __init__(
        self,
        region: str,
        pepper: str,
        peers: Mapping[str, Peer],
        directory: Directory,
        sign_ups: SignUps,
        introductions: Introductions,
        accounts: AccountStore,
        clock: Clock,
    ) -> None:
        self._here = region
        self._pepper = pepper
        self._peers = peers
        self._regions = frozenset({region, *peers})
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
        except BaseException:
            # Ended or not, without this row the claim is worth nothing and the next who asks may have it.
            await self._sign_ups.end(account_id)
            raise

    async def _ask_arbiter(self, email_hash: str, account_id: str) -> bool:
        region = arbiter(self._regions, email_hash)
        if region == self._here:
            return await self.grant(email_hash, account_id, self._here)
        answer = await self._ask(region, CLAIMS_PATH, {"email_hash": email_hash, "account_id": account_id})
        return bool(answer["granted"])

    async def _ask(self, region: str, path: str, question: dict[str, Any]) -> Any:
        """A peer's answer; 503 if there is none."""
        peer = self._peers.get(region)
        try:
            if peer is None:
                raise PeerUnreachable(f"{region} is no peer any more")
            return await peer.call(path, question)
        except (PeerUnreachable, PeerRefused) as error:
            log.warning("a region can't be asked about an e-mail", region=region, path=path, error=str(error))
            raise region_unreachable() from None

    async def confirm(self, account: Account, tx: Transaction) -> None:
        if not await self._sign_ups.end(account.id, tx):
            raise region_unreachable()  # it took so long that somebody else was let in
        entry = entry_of(account, self._pepper)
        holder = await self._directory.get(entry.email_hash, tx)
        if holder is not None and holder.account_id != account.id and holder.revision != CLAIMED:
            raise email_taken()
        await self._directory.apply([entry], tx)

    async def home_of(self, email: str) -> Home | None:
        entry = await self._directory.get(hash_email(self._pepper, email))
        if entry is None or entry.revision == CLAIMED:
            return None
        peer = self._peers.get(entry.home_region)
        return Home(peer, entry.account_id) if peer is not None else None

    async def grant(self, email_hash: str, account_id: str, region: str) -> bool:
        """As the arbiter: whether the e-mail is that account's now. 503 while the holder of a claim can't be asked.

        A claim is never given to another by the lapse of time: its home region is asked, and ends it for good if it
        leads nowhere. An account is, where its own home asks and has it no more, as after a restore from a backup: as
        other regions still know that account, the e-mail stays with that home should the new sign-up fail.
        """
        await self._be_introduced()
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

    async def _be_introduced(self) -> None:
        """A region that began without accounts decides nothing before it knows those of all others; 503 till then."""
        for region in await self._introductions.awaited():
            if region not in self._peers:
                continue
            answer = await self._ask(region, ACCOUNTS_PATH, {"accounts": []})
            if not answer.get("introduced"):
                log.warning("a region has not told of all of its accounts yet", region=region)
                raise region_unreachable()
            await self._introductions.heard(region)

    async def _state_of(self, holder: Entry) -> SignUpState:
        if holder.home_region == self._here:
            return await self.settle(holder.account_id)
        answer = await self._ask(holder.home_region, SIGN_UPS_PATH, {"account_id": holder.account_id})
        state: SignUpState = answer["state"]
        return state

    async def settle(self, account_id: str) -> SignUpState:
        """As a sign-up's home: what has become of it. One that takes too long is ended by this."""
        begun_at = await self._sign_ups.begun_at(account_id)
        if begun_at is not None and self._clock() - begun_at < SIGN_UP_LIFE:
            return "open"
        await self._sign_ups.end(account_id)
        return "account" if await self._accounts.get(account_id) else "gone"
