"""Who may sign up, on fakes."""

from datetime import timedelta

import pytest
from accounts_world import World

from docstore_accounts.settings import AccountsSettings
from docstore_events.catalogue.accounts import AccountInvited
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of
from docstore_platform.security.mailed_links import INVITATION_LIFE, InvitationLinks
from docstore_platform.security.tokens import Principal

PASSWORD = "correct horse"
ADMIN = Principal("admin", "s1", "admin", "laptop")


def mode(world: World, sign_up: str) -> None:
    world.configure(world.settings.model_copy(update={"sign_up": sign_up}))


async def refused(world: World, email: str, **more) -> str:
    with pytest.raises(DomainError) as caught:
        await world.registration.sign_up(email, PASSWORD, **more)
    return caught.value.code


async def test_an_invitation_verifies_the_address_it_was_mailed_to(world: World) -> None:
    """By its link one signs up where others can't, in any spelling of the address; no event carries the link."""
    mode(world, "invitation")
    assert await refused(world, "ben@example.org") == "invitation_required"
    made = await world.invitations.invite(ADMIN, "Ben@example.org")
    (event,) = world.transactor.published
    assert isinstance(event, AccountInvited)
    token = made.url.partition("#")[2]
    assert token not in event.model_dump_json()
    for email in ("eve@example.org", "ben@example.net"):
        assert await refused(world, email, invitation=token) == "invitation_not_valid"
    assert await refused(world, "ben@example.org", invitation=token + "0") == "invitation_not_valid"
    account = await world.registration.sign_up("ben@EXAMPLE.org", PASSWORD, invitation=token)
    assert account.email_verified
    assert await refused(world, "ben@example.org", invitation=token) == "email_taken"


async def test_an_invitation_ends(world: World, settings: AccountsSettings) -> None:
    """After 30 days; where sign-up is open one signs up without it, and proves the address by mail."""
    invited_at = world.clock() - INVITATION_LIFE
    token = InvitationLinks(settings.infra).url_for("ben@example.org", invited_at).partition("#")[2]
    assert await refused(world, "ben@example.org", invitation=token) == "invitation_not_valid"
    later = InvitationLinks(settings.infra).url_for("ben@example.org", invited_at + timedelta(seconds=2))
    assert (
        await world.registration.sign_up("ben@example.org", PASSWORD, invitation=later.partition("#")[2])
    ).email_verified
    assert not (await world.registration.sign_up("eve@example.org", PASSWORD)).email_verified


async def test_a_closed_sign_up_does_not_reveal_accounts(world: World) -> None:
    """The same for an address that is taken and one that is not; only the first administrator is made."""
    await world.registration.sign_up("ann@example.org", PASSWORD)
    made = await world.invitations.invite(ADMIN, "ben@example.org")
    for sign_up, code in (("closed", "sign_up_closed"), ("invitation", "invitation_required")):
        mode(world, sign_up)
        assert {await refused(world, email) for email in ("ann@example.org", "new@example.org")} == {code}
    mode(world, "closed")
    assert await refused(world, "ben@example.org", invitation=made.url.partition("#")[2]) == "sign_up_closed"
    with pytest.raises(DomainError) as caught:
        await world.invitations.invite(ADMIN, "ben@example.org")
    assert caught.value.code == "sign_up_closed"
    assert (await world.registration.sign_up("root@example.org", PASSWORD, role="admin")).email_verified


async def test_invitations_are_bounded_by_sender_and_by_address(world: World) -> None:
    """Neither mails one address over and over nor many at once; a day later they may again."""
    world.configure(world.settings.model_copy(update={"invitations_per_day": 4, "invitations_to_address_per_day": 2}))
    other_admin = Principal("other", "s2", "admin", "laptop")

    async def refused_invitation(caller: Principal, email: str) -> tuple[int, str]:
        with pytest.raises(DomainError) as caught:
            await world.invitations.invite(caller, email)
        assert int(caught.value.retry_after or 0) > 0
        return problem_of(caught.value).status, caught.value.code

    for caller in (ADMIN, other_admin):
        await world.invitations.invite(caller, "Ben@example.org")
    assert await refused_invitation(other_admin, "ben@EXAMPLE.org") == (429, "too_many_invitations")
    for number in range(3):
        await world.invitations.invite(ADMIN, f"p{number}@example.org")
    assert await refused_invitation(ADMIN, "last@example.org") == (429, "too_many_invitations")
    assert len(world.transactor.published) == 5
    world.clock.now += timedelta(days=1)
    await world.invitations.invite(ADMIN, "ben@example.org")
