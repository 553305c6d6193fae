"""Use cases of accounts on fakes."""

import pytest
from accounts_world import World

from docstore_accounts.account.rules import Change
from docstore_events.catalogue.accounts import AccountPlanChanged, AccountUpdated
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of


async def test_every_change_is_published_once_and_no_change_not_at_all(world: World) -> None:
    """Name, plan, and both at once: gapless revisions, the plan by its own event, nothing for a repeated request."""
    caller = await world.caller(role="admin")
    other = await world.caller()
    world.transactor.published.clear()
    await world.profile.update(other, "1.2.3.4", display_name=" New  Name ")
    await world.profile.update(other, "1.2.3.4", display_name="New Name")
    await world.profile.choose_plan(other, "premium")
    await world.profile.choose_plan(other, "premium")
    await world.administration.change(caller, other.account_id, Change(plan="free", role="admin", status="suspended"))
    published = world.transactor.published
    assert [type(event) for event in published] == [
        AccountUpdated,
        AccountPlanChanged,
        AccountUpdated,
        AccountPlanChanged,
    ]
    assert [event.revision for event in published] == [2, 3, 4, 5]
    assert published[1].previous_plan == "free"
    assert (published[2].plan, published[2].role, published[2].status) == ("premium", "admin", "suspended")
    assert (published[3].plan, published[3].previous_plan) == ("free", "premium")


async def test_suspending_ends_the_sessions(world: World) -> None:
    """A suspended account has no session left, is refused at log-in, and can log in again once it is active."""
    admin = await world.caller(role="admin")
    other = await world.caller()
    await world.administration.change(admin, other.account_id, Change(status="suspended"))
    assert [session.account_id for session in world.sessions.rows.values()] == [admin.account_id]
    with pytest.raises(DomainError) as refused:
        await world.logins.log_in("1@example.org", "correct horse", address="1.2.3.4")
    assert (problem_of(refused.value).status, refused.value.code) == (403, "account_suspended")
    await world.administration.change(admin, other.account_id, Change(status="active"))
    await world.logins.log_in("1@example.org", "correct horse", address="1.2.3.4")


async def test_only_administrators_administer(world: World) -> None:
    """Without the role in the token: 403, for reading and for changing."""
    caller = await world.caller()
    for use in (
        world.administration.change(caller, caller.account_id, Change(role="admin")),
        world.administration.page(caller, None, "", 10),
    ):
        with pytest.raises(DomainError) as refused:
            await use
        assert (problem_of(refused.value).status, refused.value.code) == (403, "forbidden")


@pytest.mark.parametrize("change", [Change(role="user"), Change(status="suspended")])
async def test_rights_end_at_once_where_they_could_be_taken_back(world: World, change: Change) -> None:
    """The token of one who was demoted or suspended lives on for minutes: it neither lists nor undoes anything."""
    admin = await world.caller(role="admin")
    former = await world.caller(role="admin")
    await world.administration.change(admin, former.account_id, change)
    for use in (
        world.administration.change(former, former.account_id, Change(role="admin", status="active")),
        world.administration.change(former, admin.account_id, Change(status="suspended")),
        world.administration.page(former, None, "", 10),
    ):
        with pytest.raises(DomainError) as refused:
            await use
        assert problem_of(refused.value).status == 403
    assert world.accounts.rows[admin.account_id].status == "active"


@pytest.mark.parametrize("change", [Change(role="user"), Change(status="suspended")])
async def test_administrators_keep_their_own_rights(world: World, change: Change) -> None:
    """No one can lock themselves, perhaps the last administrator, out."""
    admin = await world.caller(role="admin")
    with pytest.raises(DomainError) as refused:
        await world.administration.change(admin, admin.account_id, change)
    assert problem_of(refused.value).status == 409
    await world.administration.change(admin, admin.account_id, Change(plan="premium", role="admin"))
