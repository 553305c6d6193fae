"""What people change of their own account, on fakes."""

import pytest
from accounts_world import World

from docstore_accounts.account.rules import Change
from docstore_platform.errors import DomainError, Invalid
from docstore_platform.http.problems import problem_of
from docstore_platform.security.tokens import Principal


async def test_a_suspended_account_changes_nothing(world: World) -> None:
    """Its token lives on for minutes, but not for its name, its password or its plan: 403."""
    admin = await world.caller(role="admin")
    other = await world.caller()
    await world.administration.change(admin, other.account_id, Change(status="suspended"))
    change = {"display_name": "New", "password": "battery staple", "current_password": "correct horse"}
    for use in (
        world.service.own(other),
        world.profile.update(other, "1.2.3.4", **change),
        world.profile.choose_plan(other, "premium"),
    ):
        with pytest.raises(DomainError) as refused:
            await use
        assert (problem_of(refused.value).status, refused.value.code) == (403, "account_suspended")


async def test_a_new_password_needs_the_old_one_and_ends_other_sessions(world: World) -> None:
    """Wrong: 403, and throttled like a log-in. Right: this device stays, others go, the revision does not move."""
    caller = await world.caller()
    await world.logins.log_in("0@example.org", "correct horse", address="1.2.3.4")
    change = {"password": "battery staple", "address": "1.2.3.4"}
    with pytest.raises(Invalid):
        await world.profile.update(caller, **change)
    with pytest.raises(DomainError) as refused:
        await world.profile.update(caller, **change, current_password="wrong one")
    assert (problem_of(refused.value).status, refused.value.code) == (403, "invalid_credentials")
    account = await world.profile.update(caller, **change, current_password="correct horse")
    assert account.revision == 1
    assert list(world.sessions.rows) == [caller.session_id]
    with pytest.raises(DomainError):
        await world.logins.log_in("0@example.org", "correct horse", address="1.2.3.4")
    await world.logins.log_in("0@example.org", "battery staple", address="1.2.3.4")


async def test_a_language_is_kept_until_another_is_chosen(world: World) -> None:
    """None at first; a change of the name keeps it, and the same choice again is no change."""
    caller = await world.caller()
    assert (await world.service.own(caller)).language is None
    chosen = await world.profile.update(caller, "1.2.3.4", language="de")
    assert (chosen.language, chosen.revision) == ("de", 2)
    renamed = await world.profile.update(caller, "1.2.3.4", display_name="New", language="de")
    assert (renamed.language, renamed.revision) == ("de", 3)
    again = await world.profile.update(caller, "1.2.3.4", language="de")
    assert again.revision == 3


async def test_plans_are_not_self_service_unless_switched_on(world: World) -> None:
    """403 where an administrator decides."""
    caller = await world.caller()
    world.configure(world.settings.model_copy(update={"self_service_plans": False}))
    with pytest.raises(DomainError) as refused:
        await world.profile.choose_plan(caller, "premium")
    assert (problem_of(refused.value).status, refused.value.code) == (403, "plans_not_self_service")


async def test_a_token_that_outlived_its_account_is_refused(world: World) -> None:
    """401, not an empty profile."""
    with pytest.raises(DomainError) as refused:
        await world.service.own(Principal("gone", "s", "user", "d"))
    assert problem_of(refused.value).status == 401
