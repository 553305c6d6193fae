"""Use cases of accounts on fakes."""

import pytest
from pydantic import SecretStr

from docstore_accounts.domain import Change, Refusal
from docstore_events.accounts import AccountCreated, AccountPlanChanged, AccountUpdated, EmailVerificationRequested
from docstore_platform.problems import Problem
from docstore_platform.tokens import Principal


async def test_sign_up_says_account_created(world) -> None:
    """One event, with the account's state and no trace of the password."""
    account = await world.service.sign_up("Ann@Example.org", "correct horse")
    event, _ = world.transactor.said
    assert isinstance(event, AccountCreated)
    assert (event.account_id, event.email, event.revision) == (account.id, "Ann@Example.org", 1)
    assert (event.display_name, event.plan, event.home_region) == ("Ann", "free", "eu-north-1")
    assert "horse" not in event.model_dump_json()
    assert "argon2" not in event.model_dump_json()


async def test_an_email_is_taken_in_every_spelling(world) -> None:
    """Upper case and Unicode forms of a known address are refused with 409, and nothing is said."""
    await world.service.sign_up("ann@jos\u00e9.example", "correct horse")
    with pytest.raises(Problem) as refused:
        await world.service.sign_up("ANN@JOSE\u0301.Example", "correct horse")
    assert (refused.value.status, refused.value.code) == (409, "email_taken")
    assert [type(event) for event in world.transactor.said] == [AccountCreated, EmailVerificationRequested]


@pytest.mark.parametrize(
    "domain", ["\u2603.example", "\u00fc_x.example", "\u05d0a.example", "x" * 60 + "\u00fc.example"]
)
async def test_a_domain_that_idna_refuses_is_refused_at_sign_up(world, domain: str) -> None:
    """No mail would ever reach its owner, who hears of it at once instead; nothing is said. Other domains are taken."""
    with pytest.raises(Refusal) as refused:
        await world.service.sign_up(f"ann@{domain}", "correct horse")
    assert refused.value.code == "invalid_email"
    assert world.transactor.said == []
    for known in ("mail_1.example", "b\u00fccher.example"):
        await world.service.sign_up(f"ann@{known}", "correct horse")


async def test_every_change_is_said_once_and_no_change_not_at_all(world) -> None:
    """Name, plan, and both at once: gapless revisions, the plan by its own event, nothing for a repeated request."""
    caller = await world.caller(role="admin")
    other = await world.caller()
    world.transactor.said.clear()
    await world.service.update_own(other, "1.2.3.4", display_name=" New  Name ")
    await world.service.update_own(other, "1.2.3.4", display_name="New Name")
    await world.service.choose_plan(other, "premium")
    await world.service.choose_plan(other, "premium")
    await world.service.administer(caller, other.account_id, Change(plan="free", role="admin", status="suspended"))
    said = world.transactor.said
    assert [type(event) for event in said] == [AccountUpdated, AccountPlanChanged, AccountUpdated, AccountPlanChanged]
    assert [event.revision for event in said] == [2, 3, 4, 5]
    assert said[1].previous_plan == "free"
    assert (said[2].plan, said[2].role, said[2].status) == ("premium", "admin", "suspended")
    assert (said[3].plan, said[3].previous_plan) == ("free", "premium")


async def test_suspending_ends_the_sessions(world) -> None:
    """A suspended account has no session left, is refused at log-in, and can log in again once it is active."""
    admin = await world.caller(role="admin")
    other = await world.caller()
    await world.service.administer(admin, other.account_id, Change(status="suspended"))
    assert [session.account_id for session in world.sessions.rows.values()] == [admin.account_id]
    with pytest.raises(Problem) as refused:
        await world.logins.log_in("1@example.org", "correct horse", address="1.2.3.4")
    assert (refused.value.status, refused.value.code) == (403, "account_suspended")
    await world.service.administer(admin, other.account_id, Change(status="active"))
    await world.logins.log_in("1@example.org", "correct horse", address="1.2.3.4")


async def test_only_administrators_administer(world) -> None:
    """Without the role in the token: 403, for reading and for changing."""
    caller = await world.caller()
    for use in (
        world.service.administer(caller, caller.account_id, Change(role="admin")),
        world.service.page(caller, None, "", 10),
    ):
        with pytest.raises(Problem) as refused:
            await use
        assert (refused.value.status, refused.value.code) == (403, "forbidden")


@pytest.mark.parametrize("change", [Change(role="user"), Change(status="suspended")])
async def test_rights_end_at_once_where_they_could_be_taken_back(world, change: Change) -> None:
    """The token of one who was demoted or suspended lives on for minutes: it neither lists nor undoes anything."""
    admin = await world.caller(role="admin")
    former = await world.caller(role="admin")
    await world.service.administer(admin, former.account_id, change)
    for use in (
        world.service.administer(former, former.account_id, Change(role="admin", status="active")),
        world.service.administer(former, admin.account_id, Change(status="suspended")),
        world.service.page(former, None, "", 10),
    ):
        with pytest.raises(Problem) as refused:
            await use
        assert refused.value.status == 403
    assert world.accounts.rows[admin.account_id].status == "active"


async def test_a_suspended_account_changes_nothing(world) -> None:
    """Its token lives on for minutes, but not for its name, its password or its plan: 403."""
    admin = await world.caller(role="admin")
    other = await world.caller()
    await world.service.administer(admin, other.account_id, Change(status="suspended"))
    change = {"display_name": "New", "password": "battery staple", "current_password": "correct horse"}
    for use in (
        world.service.own(other),
        world.service.update_own(other, "1.2.3.4", **change),
        world.service.choose_plan(other, "premium"),
    ):
        with pytest.raises(Problem) as refused:
            await use
        assert (refused.value.status, refused.value.code) == (403, "account_suspended")


@pytest.mark.parametrize("change", [Change(role="user"), Change(status="suspended")])
async def test_administrators_keep_their_own_rights(world, change: Change) -> None:
    """Nobody can lock themselves, perhaps the last administrator, out."""
    admin = await world.caller(role="admin")
    with pytest.raises(Problem) as refused:
        await world.service.administer(admin, admin.account_id, change)
    assert refused.value.status == 409
    await world.service.administer(admin, admin.account_id, Change(plan="premium", role="admin"))


async def test_a_new_password_needs_the_old_one_and_ends_other_sessions(world) -> None:
    """Wrong: 403, and throttled like a log-in. Right: this device stays, others go, the revision does not move."""
    caller = await world.caller()
    await world.logins.log_in("0@example.org", "correct horse", address="1.2.3.4")
    change = {"password": "battery staple", "address": "1.2.3.4"}
    with pytest.raises(Refusal):
        await world.service.update_own(caller, **change)
    with pytest.raises(Problem) as refused:
        await world.service.update_own(caller, **change, current_password="wrong one")
    assert (refused.value.status, refused.value.code) == (403, "invalid_credentials")
    account = await world.service.update_own(caller, **change, current_password="correct horse")
    assert account.revision == 1
    assert list(world.sessions.rows) == [caller.session_id]
    with pytest.raises(Problem):
        await world.logins.log_in("0@example.org", "correct horse", address="1.2.3.4")
    await world.logins.log_in("0@example.org", "battery staple", address="1.2.3.4")


async def test_plans_are_not_self_service_unless_switched_on(world) -> None:
    """403 where an administrator decides."""
    caller = await world.caller()
    world.configure(world.settings.model_copy(update={"self_service_plans": False}))
    with pytest.raises(Problem) as refused:
        await world.service.choose_plan(caller, "premium")
    assert (refused.value.status, refused.value.code) == (403, "plans_not_self_service")


async def test_the_first_admin_is_made_once(world, settings) -> None:
    """Starting again, or with another password, changes nothing; an account a stranger made first is not promoted."""
    password = SecretStr("correct horse")
    update = {"first_admin_email": "root@example.org", "first_admin_password": password}
    world.configure(settings.model_copy(update=update))
    for _ in range(2):
        await world.service.make_first_admin()
    (admin,) = world.accounts.rows.values()
    assert (admin.email, admin.role) == ("root@example.org", "admin")
    assert [event.role for event in world.transactor.said] == ["admin"]
    await world.service.sign_up("early@example.org", "correct horse")
    world.configure(
        settings.model_copy(update={"first_admin_email": "early@example.org", "first_admin_password": password})
    )
    await world.service.make_first_admin()
    assert (await world.accounts.by_email("early@example.org")).role == "user"


async def test_a_token_that_outlived_its_account_is_refused(world) -> None:
    """401, not an empty profile."""
    with pytest.raises(Problem) as refused:
        await world.service.own(Principal("gone", "s", "user", "d"))
    assert refused.value.status == 401
