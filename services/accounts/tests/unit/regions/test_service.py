"""Sign-ups of one e-mail in two regions, in every order of steps, with crashes, pauses and cut lines."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from accounts_fakes import FakeAccounts, FakeClock
from hypothesis import example, given, settings
from hypothesis import strategies as st
from regions_fakes import FakeDirectory, FakeIntroductions, FakeSignUps

from docstore_accounts.account.rules import Account
from docstore_accounts.regions.client import RegionUnreachable
from docstore_accounts.regions.rules import arbiter, entry_of, hash_email
from docstore_accounts.regions.service import SIGN_UP_LIFE, CrossRegionClaims
from docstore_contracts.replication import ACCOUNTS_PATH, CLAIMS_PATH
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of

NAMES = ("us-west-2", "ap-southeast-2", "eu-north-1")
EMAIL, PEPPER = "ann@example.org", "pepper"


@dataclass
class FakeRegion:
    """The line from one region to another."""

    of: "Region"
    to: "Region"
    cut: bool = False
    public_url: str = "https://region"

    @property
    def name(self) -> str:
        return self.to.name

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        if self.cut:
            raise RegionUnreachable("cut")
        if path == CLAIMS_PATH:
            return {"granted": await self.to.claims.grant(body["email_hash"], body["account_id"], self.of.name)}
        if path == ACCOUNTS_PATH:
            known = {entry.account_id for entry in self.of.directory.rows.values()}
            return {"introduced": self.to.accounts.rows.keys() <= known}
        return {"state": await self.to.claims.settle(body["account_id"])}


@dataclass
class Region:
    name: str
    clock: FakeClock
    directory: FakeDirectory
    accounts: FakeAccounts = field(default_factory=FakeAccounts)
    sign_ups: FakeSignUps = field(default_factory=FakeSignUps)
    introductions: FakeIntroductions = field(init=False)
    claims: CrossRegionClaims = field(init=False)

    def __post_init__(self) -> None:
        self.introductions = FakeIntroductions(name for name in NAMES if name != self.name)

    def connect(self, others: dict[str, Any]) -> None:
        self.claims = CrossRegionClaims(
            self.name,
            PEPPER,
            others,
            self.directory,
            self.sign_ups,
            self.introductions,
            self.accounts,
            self.clock,
        )


@dataclass
class SignUp:
    """One sign-up between its claim and its end."""

    region: Region
    account: Account
    claim: AbstractAsyncContextManager[None]


class Regions:
    """Three regions, and whoever is signing up for EMAIL in them."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.regions = [Region(name, self.clock, FakeDirectory(name)) for name in NAMES]
        self.lines = {(a.name, b.name): FakeRegion(a, b) for a in self.regions for b in self.regions if a is not b}
        for region in self.regions:
            region.connect({b: line for (a, b), line in self.lines.items() if a == region.name})
        self.open: list[SignUp] = []
        self.made: list[Account] = []
        self.lost_by = 0  # the region whose restore has lost an account: only there its e-mail can be had again
        self.ids = 0

    async def be_older(self, number: int) -> None:
        """A region that had the account before there were others; it is still to be replicated."""
        region = self.regions[number]
        region.introductions.rows.clear()
        account = self.new_account(region)
        region.accounts.rows[account.id] = account
        await region.directory.apply([entry_of(account, PEPPER)], None)
        self.made.append(account)

    def new_account(self, region: Region) -> Account:
        self.ids += 1
        return Account(f"{self.ids:032x}", EMAIL, "Ann", "free", "user", "active", region.name, self.clock(), 1)

    def cut(self, number: int, is_cut: bool) -> None:
        """A region without any line in or out."""
        for pair, line in self.lines.items():
            if NAMES[number] in pair:
                line.cut = is_cut

    async def begin(self, number: int) -> int:
        """Claim the e-mail; the status of a refusal, 0 if it is granted."""
        region = self.regions[number]
        account = self.new_account(region)
        claim = region.claims.claimed(account.id, EMAIL)
        try:
            await claim.__aenter__()
        except DomainError as problem:
            return problem_of(problem).status
        self.open.append(SignUp(region, account, claim))
        return 0

    async def finish(self, index: int) -> None:
        """The transaction that makes the account."""
        sign_up = self.open.pop(index % len(self.open))
        try:
            await sign_up.region.claims.confirm(sign_up.account, None)
        except DomainError as problem:
            await sign_up.claim.__aexit__(type(problem), problem, None)
            return
        sign_up.region.accounts.rows[sign_up.account.id] = sign_up.account
        self.made.append(sign_up.account)

    def crash(self, index: int) -> None:
        """It never sends anything again; its row stays."""
        self.open.pop(index % len(self.open))

    async def replicate(self) -> None:
        for account in self.made:
            for region in self.regions:
                if account.home_region == region.name or not self.lines[account.home_region, region.name].cut:
                    assert await region.directory.apply([entry_of(account, PEPPER)], None) == []

    async def restore(self, number: int) -> None:
        """A region that all others know continues from a backup made before any of its sign-ups."""
        if any(line.cut for line in self.lines.values()):
            return
        await self.replicate()
        region = self.regions[number]
        if region.accounts.rows:
            self.lost_by = number
        region.accounts.rows.clear()
        region.sign_ups.rows.clear()
        region.directory.rows = {k: row for k, row in region.directory.rows.items() if row.home_region != region.name}
        self.open = [sign_up for sign_up in self.open if sign_up.region is not region]
        self.made = [account for account in self.made if account.home_region != region.name]


STEPS = st.one_of(
    st.tuples(st.just("begin"), st.integers(0, 2)),
    st.tuples(st.sampled_from(["finish", "crash"]), st.integers(0, 5)),
    st.tuples(st.sampled_from(["cut", "mend", "restore"]), st.integers(0, 2)),
    st.tuples(st.sampled_from(["replicate", "wait"]), st.just(0)),
)

ENDED_WHERE_ONE_WAS_LOST = [("restore", 2), ("begin", 2), ("wait", 0), ("crash", 0), ("begin", 0), ("finish", 0)]
"""Other regions still know the lost account: none of them may have the e-mail after the sign-up that crashed."""


async def play(regions: Regions, steps: list[tuple[str, int]]) -> None:
    for step, number in steps:
        if step == "begin":
            await regions.begin(number)
        elif step in ("cut", "mend"):
            regions.cut(number, step == "cut")
        elif step == "replicate":
            await regions.replicate()
        elif step == "restore":
            await regions.restore(number)
        elif step == "wait":
            regions.clock.now += SIGN_UP_LIFE
        elif regions.open:
            if step == "finish":
                await regions.finish(number)
            else:
                regions.crash(number)
        assert len(regions.made) <= 1


@settings(max_examples=6 * settings().max_examples)
@given(st.none() | st.integers(0, 2), st.lists(STEPS, max_size=25))
@example(2, ENDED_WHERE_ONE_WAS_LOST)
async def test_whatever_happens_one_email_gets_one_account_and_nothing_stays_half_done(
    older: int | None, steps: list[tuple[str, int]]
) -> None:
    """Never two accounts, also where one region had it before the others were added.

    Once all lines are mended and what crashed is old: one account, or the next gets it.
    """
    regions = Regions()
    if older is not None:
        await regions.be_older(older)
    await play(regions, steps)
    for number in range(3):
        regions.cut(number, False)
    regions.open.clear()
    regions.clock.now += SIGN_UP_LIFE
    if older is not None:
        await regions.replicate()
    status = await regions.begin(regions.lost_by)
    assert (status == 409) == bool(regions.made)
    if status == 0:
        await regions.finish(0)
    await regions.replicate()
    (account,) = regions.made
    for region in regions.regions:
        assert region.directory.rows == {hash_email(PEPPER, EMAIL): entry_of(account, PEPPER)}
        home = await region.claims.home_of(EMAIL)
        assert (home is None) == (region.name == account.home_region)


async def test_a_sign_up_that_was_given_up_by_others_can_only_fail() -> None:
    """Paused for too long, it wakes up after another took its e-mail: 503, and one account."""
    regions = Regions()
    assert await regions.begin(0) == 0
    assert await regions.begin(1) == 409
    regions.clock.now += SIGN_UP_LIFE
    assert await regions.begin(1) == 0
    await regions.finish(0)
    assert regions.made == []
    await regions.finish(0)
    assert [account.home_region for account in regions.made] == [NAMES[1]]


async def test_a_paused_sign_up_continues_if_nothing_changed_meanwhile() -> None:
    """Time alone ends nothing."""
    regions = Regions()
    assert await regions.begin(0) == 0
    regions.clock.now += 10 * SIGN_UP_LIFE
    await regions.finish(0)
    assert len(regions.made) == 1


async def test_without_the_home_region_of_claims_the_address_is_refused() -> None:
    """The claimant may have made its account: only its region knows, and it is cut off."""
    regions = Regions()
    arbitrates = NAMES.index(arbiter(NAMES, hash_email(PEPPER, EMAIL)))
    claims, asks = [number for number in range(3) if number != arbitrates]
    assert await regions.begin(claims) == 0
    regions.crash(0)
    regions.clock.now += SIGN_UP_LIFE
    regions.cut(claims, True)
    assert await regions.begin(asks) == 503
    regions.cut(claims, False)
    assert await regions.begin(asks) == 0
