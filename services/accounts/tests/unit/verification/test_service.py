"""Verifying an e-mail address, on fakes."""

import pytest
from accounts_world import World

from docstore_accounts.account.rules import Change
from docstore_accounts.settings import AccountsSettings
from docstore_accounts.verification.rules import MAX_FAILURES
from docstore_events.catalogue.accounts import AccountUpdated, EmailVerificationRequested
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of
from docstore_platform.security.mailed_links import VerificationLinks


def requested(world: World) -> list[EmailVerificationRequested]:
    return [event for event in world.transactor.published if isinstance(event, EmailVerificationRequested)]


async def fails_with(code: str, work) -> None:
    with pytest.raises(DomainError) as failed:
        await work
    assert failed.value.code == code


@pytest.fixture
def links(settings) -> VerificationLinks:
    return VerificationLinks(settings.infra)


async def test_a_new_account_proves_its_address_once(world: World, links) -> None:
    """The event names the address and carries neither link nor code; the link works once, and publishes the proof."""
    account = await world.registration.sign_up("ann@example.org", "correct horse")
    assert not account.email_verified
    (mail,) = requested(world)
    token, code = links.token(mail.verification_id), links.code(mail.verification_id)
    assert (mail.account_id, mail.email) == (account.id, "ann@example.org")
    assert token.partition(".")[2] not in mail.model_dump_json()
    assert code not in mail.model_dump_json()
    assert (await world.verification.verify(token)).email_verified
    updated = world.transactor.published[-1]
    assert isinstance(updated, AccountUpdated)
    assert (updated.email_verified, updated.revision) == (True, 2)
    await fails_with("verification_not_found", world.verification.verify(token))


async def test_the_code_is_for_the_account_that_is_logged_in(world: World, links) -> None:
    """Typed as it is read, with blanks; no one else can use it, nor the link, by being logged in."""
    ann, eve = await world.caller(), await world.caller()
    mails = {mail.account_id: mail.verification_id for mail in requested(world)}
    code, token = links.code(mails[ann.account_id]), links.token(mails[ann.account_id])
    await fails_with("wrong_code", world.verification.verify_own(eve, code=code))
    await fails_with("verification_not_found", world.verification.verify_own(eve, token=token))
    shown = await world.verification.verify_own(ann, code=f" {code[:4]} {code[4:]} ")
    assert shown.email_verified
    assert not (await world.service.get(eve.account_id)).email_verified


async def test_codes_cannot_be_guessed(world: World, links) -> None:
    """After some wrong codes the right one is refused too; a new mail has a code of its own."""
    ann = await world.caller()
    right = links.code(requested(world)[0].verification_id)
    wrong = "00000000" if right != "00000000" else "11111111"
    for _ in range(MAX_FAILURES):
        await fails_with("wrong_code", world.verification.verify_own(ann, code=wrong))
    await fails_with("verification_not_found", world.verification.verify_own(ann, code=right))
    world.clock.advance(minutes=1)
    await world.verification.send_again(ann)
    await world.verification.verify_own(ann, code=links.code(requested(world)[1].verification_id))


async def test_mails_are_bounded_by_the_hour_and_by_the_day(world: World) -> None:
    """Three an hour, eight a day, the first by signing up; the answer contains when the next is allowed."""
    ann = await world.caller()
    for _ in range(2):
        await world.verification.send_again(ann)
    with pytest.raises(DomainError) as refused:
        await world.verification.send_again(ann)
    assert (problem_of(refused.value).status, refused.value.code) == (429, "too_many_verification_mails")
    assert refused.value.retry_after == 3600
    for _ in range(5):
        world.clock.advance(hours=1)
        await world.verification.send_again(ann)
    world.clock.advance(hours=1)
    await fails_with("too_many_verification_mails", world.verification.send_again(ann))
    assert len(requested(world)) == 8


async def test_a_link_ends_after_a_day(world: World, links) -> None:
    """And so does its code, whether or not the row was cleared away."""
    ann = await world.caller()
    mail = requested(world)[0]
    world.clock.advance(hours=24)
    await fails_with("verification_not_found", world.verification.verify(links.token(mail.verification_id)))
    await fails_with(
        "verification_not_found", world.verification.verify_own(ann, code=links.code(mail.verification_id))
    )


async def test_forged_tokens_verify_nothing(world: World, links) -> None:
    """Cut, of nothing, of another purpose, or with a signature of one's own."""
    await world.caller()
    token = links.token(requested(world)[0].verification_id)
    for forged in ("", token[:-1], token + "0", token.partition(".")[0], links.token("invented"), "\u00e9"):
        await fails_with("verification_not_found", world.verification.verify(forged))


async def test_accounts_that_need_no_verification(world: World, settings: AccountsSettings) -> None:
    """The first administrator, also one from before; whom an administrator vouches for; all, by setting."""
    admin = await world.caller(role="admin")
    assert (await world.service.get(admin.account_id)).email_verified
    early = await world.caller()
    vouched = await world.administration.change(admin, early.account_id, Change(email_verified=True))
    assert vouched.email_verified
    waiting = await world.caller()
    world.configure(settings.model_copy(update={"verify_emails": False}))
    trusted = await world.registration.sign_up("new@example.org", "correct horse")
    assert trusted.email_verified
    assert trusted.id not in {mail.account_id for mail in requested(world)}
    assert (await world.verification.send_again(waiting)).email_verified
