"""Sign-up and the first administrator, on fakes."""

import pytest
from accounts_world import World
from pydantic import SecretStr

from docstore_accounts.settings import AccountsSettings
from docstore_events.catalogue.accounts import AccountCreated, EmailVerificationRequested
from docstore_platform.errors import DomainError, Invalid
from docstore_platform.http.problems import problem_of


async def test_sign_up_publishes_account_created(world: World) -> None:
    """One event, with the account's state and no trace of the password."""
    account = await world.registration.sign_up("Ann@Example.org", "correct horse")
    event, _ = world.transactor.published
    assert isinstance(event, AccountCreated)
    assert (event.account_id, event.email, event.revision) == (account.id, "Ann@Example.org", 1)
    assert (event.display_name, event.plan, event.home_region) == ("Ann", "free", "eu-north-1")
    assert "horse" not in event.model_dump_json()
    assert "argon2" not in event.model_dump_json()


async def test_an_email_is_taken_in_every_spelling(world: World) -> None:
    """Upper case and Unicode forms of a known address are refused with 409, and nothing is published."""
    await world.registration.sign_up("ann@jos\u00e9.example", "correct horse")
    with pytest.raises(DomainError) as refused:
        await world.registration.sign_up("ANN@JOSE\u0301.Example", "correct horse")
    assert (problem_of(refused.value).status, refused.value.code) == (409, "email_taken")
    assert [type(event) for event in world.transactor.published] == [AccountCreated, EmailVerificationRequested]


@pytest.mark.parametrize(
    "domain", ["\u2603.example", "\u00fc_x.example", "\u05d0a.example", "x" * 60 + "\u00fc.example"]
)
async def test_a_domain_that_idna_refuses_is_refused_at_sign_up(world: World, domain: str) -> None:
    """No mail would ever reach its owner, who is refused at once; nothing is published. Other domains are accepted."""
    with pytest.raises(Invalid) as refused:
        await world.registration.sign_up(f"ann@{domain}", "correct horse")
    assert refused.value.code == "invalid_email"
    assert world.transactor.published == []
    for known in ("mail_1.example", "b\u00fccher.example"):
        await world.registration.sign_up(f"ann@{known}", "correct horse")


async def test_the_first_admin_is_made_once(world: World, settings: AccountsSettings) -> None:
    """Starting again, or with another password, changes nothing; an existing account is not promoted."""
    password = SecretStr("correct horse")
    update = {"first_admin_email": "root@example.org", "first_admin_password": password}
    world.configure(settings.model_copy(update=update))
    for _ in range(2):
        await world.registration.create_first_admin()
    (admin,) = world.accounts.rows.values()
    assert (admin.email, admin.role) == ("root@example.org", "admin")
    assert [event.role for event in world.transactor.published] == ["admin"]
    await world.registration.sign_up("early@example.org", "correct horse")
    world.configure(
        settings.model_copy(update={"first_admin_email": "early@example.org", "first_admin_password": password})
    )
    await world.registration.create_first_admin()
    assert (await world.accounts.by_email("early@example.org")).role == "user"
