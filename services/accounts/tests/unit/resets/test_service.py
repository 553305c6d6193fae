"""Forgotten passwords, on fakes."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from accounts_world import World

from docstore_accounts.account.rules import Change
from docstore_accounts.regions.client import RegionUnreachable
from docstore_accounts.regions.service import Home, SingleRegionClaims
from docstore_accounts.resets.service import SESSIONS_END_WITHIN
from docstore_accounts.settings import AccountsSettings
from docstore_events.catalogue.accounts import PasswordReset, PasswordResetRequested
from docstore_platform.errors import DomainError
from docstore_platform.security.mailed_links import ResetLinks, VerificationLinks

ANN, OLD, NEW = "ann@example.org", "correct horse", "another horse battery"


@dataclass
class FakeRegion:
    """Another region, which can be `away`."""

    name: str = "us-west-2"
    public_url: str = "https://us-west-2.example.org"
    away: bool = False
    calls: list[Any] = field(default_factory=list)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        self.calls.append(body)
        if self.away:
            raise RegionUnreachable("away")
        return {"heard": True}


class ElsewhereClaims(SingleRegionClaims):
    """Every address has its account in one other region."""

    def __init__(self, region: FakeRegion) -> None:
        self._region = region

    async def home_of(self, email: str) -> Home | None:
        return Home(self._region, "account-elsewhere")


def mails(world: World) -> list[PasswordResetRequested]:
    return [event for event in world.transactor.published if isinstance(event, PasswordResetRequested)]


async def handle_all(world: World) -> None:
    while await world.forgotten.handle_next():
        pass


async def test_a_request_is_mailed_once_to_the_account(world: World) -> None:
    """And nothing is mailed for an address that no account has."""
    account = await world.registration.sign_up(ANN, OLD)
    for email in ("ANN@example.org", "nobody@example.org"):
        await world.forgotten.request(email)
    await handle_all(world)
    assert [mail.account_id for mail in mails(world)] == [account.id]
    assert world.resets.requests == {}


async def test_a_mailed_link_sets_the_password_once(world: World, settings: AccountsSettings) -> None:
    """And proves the address; the second use is refused."""
    account = await world.registration.sign_up(ANN, OLD)
    await world.forgotten.request(ANN)
    await handle_all(world)
    token = ResetLinks(settings.infra).token(mails(world)[0].reset_id)
    await world.forgotten.confirm(token, NEW, "1.2.3.4")
    assert isinstance(world.transactor.published[-2], PasswordReset)
    assert world.accounts.rows[account.id].email_verified
    with pytest.raises(DomainError, match="used"):
        await world.forgotten.confirm(token, NEW, "1.2.3.4")


async def reset(world: World, reset_id: str) -> PasswordReset:
    """Use the link of a reset; return the event of that."""
    await world.forgotten.confirm(ResetLinks(world.settings.infra).token(reset_id), NEW, "1.2.3.4")
    return [event for event in world.transactor.published if isinstance(event, PasswordReset)][-1]


async def mailed_reset(world: World) -> PasswordReset:
    await world.forgotten.request(ANN)
    await handle_all(world)
    return await reset(world, mails(world)[-1].reset_id)


async def test_a_reset_takes_over_an_account_whose_address_nobody_has_proven(world: World) -> None:
    """Whoever signed up need not own it: their devices are forgotten, and the event has other services end the rest.
    The next reset is an ordinary one."""
    account = await world.registration.sign_up(ANN, OLD)
    await world.logins.log_in(ANN, OLD, address="1.2.3.4")
    assert (await mailed_reset(world)).taken_over_at == world.clock() + SESSIONS_END_WITHIN
    assert not await world.devices.has_any(account.id, None)
    await world.logins.log_in(ANN, NEW, address="1.2.3.4")
    assert (await mailed_reset(world)).taken_over_at is None
    assert await world.devices.has_any(account.id, None)


async def test_a_reset_takes_nothing_over_from_who_has_proven_the_address(world: World) -> None:
    """Who signed up has opened the mailed link: it is their account."""
    await world.registration.sign_up(ANN, OLD)
    (verification_id,) = world.verifications.rows
    await world.verification.verify(VerificationLinks(world.settings.infra).token(verification_id))
    assert (await mailed_reset(world)).taken_over_at is None


async def test_an_administrators_link_takes_an_unproven_account_over(world: World) -> None:
    """The person it is passed on to need not be the one who signed up; a proven account stays as it is."""
    admin = await world.caller(role="admin")
    account = await world.registration.sign_up(ANN, OLD)
    made = await world.forgotten.make(admin, account.id)
    assert (await reset(world, made.token.partition(".")[0])).taken_over_at is not None
    assert not world.accounts.rows[account.id].email_verified
    await world.service.change(account.id, Change(email_verified=True))
    made = await world.forgotten.make(admin, account.id)
    assert (await reset(world, made.token.partition(".")[0])).taken_over_at is None


async def test_a_reset_takes_nothing_over_where_addresses_are_trusted(world: World, settings: AccountsSettings) -> None:
    """An operator who verifies none trusts who signed up, also before."""
    await world.registration.sign_up(ANN, OLD)
    world.configure(settings.model_copy(update={"verify_emails": False}))
    assert (await mailed_reset(world)).taken_over_at is None


async def test_an_account_is_mailed_three_times_an_hour(world: World) -> None:
    """Further requests are handled without a mail, until the first links have expired."""
    await world.registration.sign_up(ANN, OLD)
    for _ in range(5):
        await world.forgotten.request(ANN)
    await handle_all(world)
    assert len(mails(world)) == 3
    world.clock.advance(hours=1)
    await world.forgotten.request(ANN)
    await handle_all(world)
    assert len(mails(world)) == 4


async def test_an_instance_that_lost_its_lease_mails_nothing(world: World) -> None:
    """Another instance handles the request."""
    await world.registration.sign_up(ANN, OLD)
    await world.forgotten.request(ANN)
    world.resets.lost = True
    await handle_all(world)
    assert mails(world) == []


async def test_an_unreachable_region_is_called_once_per_lease(settings: AccountsSettings) -> None:
    """The others wait without a call; all are forwarded once it is reachable."""
    region = FakeRegion(away=True)
    world = World(settings, claims=ElsewhereClaims(region))
    for number in range(3):
        await world.forgotten.request(f"{number}@example.org")
    for _ in range(2):
        await handle_all(world)
        world.resets.end_leases()
    assert len(region.calls) == 1
    region.away = False
    world.clock.advance(seconds=settings.reset_lease_seconds)
    await handle_all(world)
    assert {call["account_id"] for call in region.calls} == {"account-elsewhere"}
    assert len(region.calls) == 4
    assert world.resets.requests == {}
