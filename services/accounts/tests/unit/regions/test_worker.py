"""Replication of accounts to another region, on fakes."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from accounts_world import World
from regions_fakes import FakeDirectory, FakeIntroductions, FakeReplicationQueue

from docstore_accounts.account import events
from docstore_accounts.account.rules import Account
from docstore_accounts.regions.client import RegionRefused, RegionUnreachable
from docstore_accounts.regions.subscribers import AccountsSubscribers
from docstore_accounts.regions.worker import REFUSED_SECONDS, Replication
from docstore_events.testing import InMemoryEvents
from docstore_events.transaction import Transactor

OTHER = "us-west-2"


@dataclass
class FakeRegion:
    """Another region, which can be `away` or refuse accounts."""

    name: str = OTHER
    public_url: str = "https://us-west-2.example.org"
    away: bool = False
    refuses: set[str] = field(default_factory=set)
    revisions: dict[str, int] = field(default_factory=dict)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        if self.away:
            raise RegionUnreachable("away")
        if any(account["account_id"] in self.refuses for account in body["accounts"]):
            raise RegionRefused("refused")
        self.revisions |= {account["account_id"]: account["revision"] for account in body["accounts"]}
        return {}


class Setup:
    """A region with some accounts that are queued for another one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.region = FakeRegion()
        self.queue = FakeReplicationQueue()
        self.introductions = FakeIntroductions()
        self.replication = Replication(
            world.settings,
            {OTHER: self.region},
            world.accounts,
            FakeDirectory(world.settings.infra.region),
            self.queue,
            self.introductions,
            cast(Transactor, world.transactor),
            wakeup_name="replication",
        )
        self.events = InMemoryEvents(AccountsSubscribers(self.replication, ""), world.transactor)

    async def sign_up(self, count: int) -> list[Account]:
        emails = [f"{number}@example.org" for number in range(count)]
        accounts = [await self.world.registration.sign_up(email, "correct horse") for email in emails]
        await self.announce(*accounts)
        return accounts

    async def announce(self, *accounts: Account) -> None:
        await self.events.deliver(*map(events.created, accounts))


@pytest.fixture
def setup(world: World) -> Setup:
    return Setup(world)


async def test_accounts_are_sent_as_they_are_now(setup: Setup) -> None:
    """A change after the account was queued is sent with it; then nothing is queued."""
    (account,) = await setup.sign_up(1)
    setup.world.accounts.rows[account.id] = replace(account, revision=2)
    assert await setup.replication.send_batch(setup.region)
    assert setup.region.revisions == {account.id: 2}
    assert not await setup.replication.send_batch(setup.region)
    assert setup.queue.rows == {}


async def test_a_change_that_is_queued_while_it_is_sent_stays_queued(setup: Setup) -> None:
    """The newer revision is sent by the next batch."""
    (account,) = await setup.sign_up(1)
    await setup.announce(replace(account, revision=2))
    await setup.replication.send_batch(setup.region)
    assert setup.queue.rows == {(OTHER, account.id): 2}
    setup.world.accounts.rows[account.id] = replace(account, revision=2)
    await setup.replication.send_batch(setup.region)
    assert setup.region.revisions == {account.id: 2}


async def test_an_account_that_is_refused_delays_no_other(setup: Setup) -> None:
    """The others of its batch are sent one by one, and it is due again after a while."""
    accounts = await setup.sign_up(3)
    refused = accounts[1].id
    setup.region.refuses.add(refused)
    await setup.replication.send_batch(setup.region)
    assert setup.region.revisions.keys() == {account.id for account in accounts} - {refused}
    assert setup.queue.postponed == {(OTHER, refused): REFUSED_SECONDS}


async def test_accounts_stay_queued_while_the_region_is_unreachable(setup: Setup) -> None:
    """They are due at once, and sent when it is back."""
    accounts = await setup.sign_up(2)
    setup.region.away = True
    with pytest.raises(RegionUnreachable):
        await setup.replication.send_batch(setup.region)
    setup.region.away = False
    await setup.replication.send_batch(setup.region)
    assert setup.region.revisions.keys() == {account.id for account in accounts}


async def test_a_new_region_is_sent_all_accounts(setup: Setup) -> None:
    """Once; until all are sent, it is not introduced."""
    for number in range(3):
        await setup.world.registration.sign_up(f"{number}@example.org", "correct horse")
    for _ in range(2):
        await setup.replication.introduce()
        assert len(setup.queue.rows) == 3
    assert not await setup.replication.has_introduced(OTHER)
    await setup.replication.send_batch(setup.region)
    assert await setup.replication.has_introduced(OTHER)
    assert setup.introductions.rows == set()
