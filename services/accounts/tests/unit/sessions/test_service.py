"""Log-ins and refresh tokens on fakes."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from accounts_world import World

from docstore_accounts.sessions.rules import RefreshToken
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_json, problem_of
from docstore_platform.security.fair_queue import Requester
from docstore_platform.security.tokens import Principal

EMAIL, PASSWORD, HERE = "ann@example.org", "correct horse", "1.2.3.4"


async def log_in(world: World, password: str = PASSWORD, email: str = EMAIL):
    return await world.logins.log_in(email, password, "Phone", address=HERE)


async def test_unknown_and_wrong_are_refused_alike(world: World) -> None:
    """Neither the answer nor the work done reveals whether there is an account."""
    await world.registration.sign_up(EMAIL, PASSWORD)
    refusals = []
    for email in (EMAIL, "nobody@example.org"):
        with pytest.raises(DomainError) as refused:
            await log_in(world, "wrong one", email)
        refusals.append(problem_json(refused.value))
    assert refusals[0] == refusals[1]
    assert (refusals[0]["status"], refusals[0]["code"]) == (401, "invalid_credentials")


async def test_failures_count_in_any_spelling_of_the_email(world: World) -> None:
    """Capitals give a guesser no further tries."""
    await world.registration.sign_up(EMAIL, PASSWORD)
    for email in (EMAIL, EMAIL.upper(), EMAIL.title()):
        with pytest.raises(DomainError):
            await log_in(world, "wrong one", email)
    with pytest.raises(DomainError) as refused:
        await log_in(world)
    assert problem_of(refused.value).status == 429


async def test_a_login_renews_an_outdated_hash(world: World) -> None:
    """After the cost was raised, the next log-in stores a hash of the new cost; the password stays the same."""
    await world.registration.sign_up(EMAIL, PASSWORD)
    world.configure(world.settings.model_copy(update={"argon2_memory_kib": 16}))
    await log_in(world)
    (stored,) = world.accounts.hashes.values()
    assert "m=16" in stored
    await log_in(world)
    assert world.accounts.hashes.popitem()[1] == stored


async def test_only_hashes_of_a_refresh_token_are_kept(world: World) -> None:
    """Who reads the database can't renew a session."""
    await world.registration.sign_up(EMAIL, PASSWORD)
    token = RefreshToken.parse((await log_in(world)).refresh_token)
    (session,) = world.sessions.rows.values()
    assert token.secret.hex() not in repr(session)
    assert token.family.hex() not in repr(session)


async def test_refreshing_moves_the_session_on(world: World) -> None:
    """Each refresh token works once and leads to the next; the session lives on from its last use."""
    await world.registration.sign_up(EMAIL, PASSWORD)
    tokens = await log_in(world)
    for _ in range(3):
        world.clock.advance(days=20)
        renewed = await world.logins.refresh(tokens.refresh_token)
        assert renewed.refresh_token != tokens.refresh_token
        tokens = renewed
    (session,) = world.sessions.rows.values()
    assert session.last_used_at == world.clock.now


async def test_a_replayed_refresh_token_revokes_its_family(world: World) -> None:
    """Any token used before, the first as well as the last, ends the session: the newest token is refused as well."""
    await world.registration.sign_up(EMAIL, PASSWORD)
    for age in range(3):
        chain = [(await log_in(world)).refresh_token]
        for _ in range(3):
            chain.append((await world.logins.refresh(chain[-1])).refresh_token)
        for token in (chain[age], chain[-1]):
            with pytest.raises(DomainError) as refused:
                await world.logins.refresh(token)
            assert problem_of(refused.value).status == 401
    assert not world.sessions.rows


async def test_concurrent_reuse_of_a_refresh_token_ends_the_session(world: World) -> None:
    """Two holders of one token can't both go on, whoever was first."""
    await world.registration.sign_up(EMAIL, PASSWORD)
    token = (await log_in(world)).refresh_token
    outcomes = await asyncio.gather(*(world.logins.refresh(token) for _ in range(2)), return_exceptions=True)
    assert sum(isinstance(outcome, DomainError) for outcome in outcomes) == 1
    assert not world.sessions.rows


async def test_a_forged_token_ends_no_session(world: World) -> None:
    """The id of a session is not enough to revoke it."""
    await world.registration.sign_up(EMAIL, PASSWORD)
    real = RefreshToken.parse((await log_in(world)).refresh_token)
    for token in (RefreshToken.new(real.session_id).text, replace(real.next(), family=b"x" * 18).text, "nonsense"):
        with pytest.raises(DomainError) as refused:
            await world.logins.refresh(token)
        assert problem_of(refused.value).status == 401
    assert len(world.sessions.rows) == 1


async def test_a_login_reports_whether_the_device_is_new(world: World) -> None:
    """By the token it was given, also after a log-out; never by a name, which anyone can take."""
    account = await world.registration.sign_up(EMAIL, PASSWORD)
    known = None
    for device, token in (("Phone", None), ("Phone", "known"), ("Phone", None), ("Phone", "dsd_" + "x" * 43)):
        given = known if token == "known" else token
        tokens = await world.logins.log_in(EMAIL, PASSWORD, device, address=HERE, device_token=given)
        known = known or tokens.device_token
        session_id = RefreshToken.parse(tokens.refresh_token).session_id
        await world.logins.end_current(Principal(account.id, session_id, "user", device))
    started = [event for event in world.transactor.published if event.type == "session-started"]
    assert [event.account_id for event in started] == [account.id] * 4
    assert [event.new_device for event in started] == [True, False, True, True]
    assert [event.first_login for event in started] == [True, False, False, False]


async def test_an_account_from_before_devices_were_kept_has_no_first_login(world: World) -> None:
    """Its owner is warned of a log-in, whether or not a session of earlier days still is there."""
    for email in (EMAIL, "bob@example.org"):
        account = await world.registration.sign_up(email, PASSWORD)
        await world.logins.log_in(email, PASSWORD, "Phone", address=HERE)
        world.devices.known.clear()
        if email != EMAIL:
            await world.sessions.delete_all(account.id)
            world.accounts.rows[account.id] = replace(account, created_at=account.created_at - timedelta(days=3650))
        await world.logins.log_in(email, PASSWORD, "Tablet", address=HERE)
    started = [event.first_login for event in world.transactor.published if event.type == "session-started"]
    assert started == [True, False, True, False]


async def test_a_device_token_is_kept_if_it_has_the_form_of_one(world: World) -> None:
    """A browser that two people share is one device; what is no token of ours is replaced by a new one."""
    for email in (EMAIL, "bob@example.org"):
        await world.registration.sign_up(email, PASSWORD)
    first = await world.logins.log_in(EMAIL, PASSWORD, "Phone", address=HERE)
    second = await world.logins.log_in(
        "bob@example.org", PASSWORD, "Phone", address=HERE, device_token=first.device_token
    )
    assert second.device_token == first.device_token
    third = await world.logins.log_in(EMAIL, PASSWORD, "Phone", address=HERE, device_token="Phone")
    assert third.device_token.startswith("dsd_")
    assert third.device_token != first.device_token


async def test_other_addresses_do_not_lock_a_known_device_out(world: World) -> None:
    """While many addresses guess, a device with its token logs in; one without waits, and so does a made-up token."""
    await world.registration.sign_up(EMAIL, PASSWORD)
    known = (await log_in(world)).device_token
    for number in range(10):
        with pytest.raises(DomainError):
            await world.logins.log_in(EMAIL, "wrong one", "x", address=f"6.6.6.{number}")
    for token in (None, "dsd_" + "x" * 43):
        with pytest.raises(DomainError) as refused:
            await world.logins.log_in(EMAIL, PASSWORD, "x", address="7.7.7.7", device_token=token)
        assert problem_of(refused.value).status == 429
    await world.logins.log_in(EMAIL, PASSWORD, "x", address="7.7.7.7", device_token=known)


async def test_renewing_a_session_is_no_login(world: World) -> None:
    """Refreshing a token publishes nothing."""
    await world.registration.sign_up(EMAIL, PASSWORD)
    tokens = await log_in(world)
    published = len(world.transactor.published)
    await world.logins.refresh(tokens.refresh_token)
    assert len(world.transactor.published) == published


async def test_an_idle_session_expires(world: World) -> None:
    """A refresh token that was not used for the life of a session is refused."""
    await world.registration.sign_up(EMAIL, PASSWORD)
    token = (await log_in(world)).refresh_token
    world.clock.advance(seconds=world.settings.session_lifetime_seconds)
    with pytest.raises(DomainError) as refused:
        await world.logins.refresh(token)
    assert problem_of(refused.value).status == 401


async def test_a_session_of_a_suspended_account_is_not_renewed(world: World) -> None:
    """A log-in that slipped in while the account was being suspended ends at its first refresh."""
    account = await world.registration.sign_up(EMAIL, PASSWORD)
    token = (await log_in(world)).refresh_token
    world.accounts.rows[account.id] = replace(account, status="suspended")
    with pytest.raises(DomainError) as refused:
        await world.logins.refresh(token)
    assert refused.value.code == "account_suspended"
    assert not world.sessions.rows


@pytest.mark.parametrize("change", ["password", "status"])
async def test_a_login_that_meets_a_new_password_or_a_suspension_ends(world: World, change: str) -> None:
    """Between the check of the old password and the new session the account changed: no session is left."""
    account = await world.registration.sign_up(EMAIL, PASSWORD)
    insert = world.sessions.insert

    async def insert_after_the_change(session, tx) -> None:
        if change == "password":
            world.accounts.hashes[account.id] = await world.passwords.hash("battery staple", Requester("", ""))
        else:
            world.accounts.rows[account.id] = replace(account, status="suspended")
        await insert(session, tx)

    world.sessions.insert = insert_after_the_change
    with pytest.raises(DomainError) as refused:
        await log_in(world)
    assert refused.value.code == "invalid_credentials"
    assert not world.sessions.rows


async def test_logins_that_renew_one_hash_at_once_all_succeed(world: World) -> None:
    """Of several that store a hash of the new cost one wins, and none is refused for it."""
    await world.registration.sign_up(EMAIL, PASSWORD)
    world.configure(world.settings.model_copy(update={"argon2_memory_kib": 16}))
    await asyncio.gather(*(log_in(world) for _ in range(4)))
    assert len(world.sessions.rows) == 4


async def test_people_end_their_own_sessions_only(world: World) -> None:
    """Another's session id is unknown; one's own is ended, the current one as often as asked."""
    ann, bob = await world.caller(), await world.caller()
    with pytest.raises(DomainError) as refused:
        await world.logins.end(bob, ann.session_id)
    assert problem_of(refused.value).status == 404
    await world.logins.end(ann, ann.session_id)
    for _ in range(2):
        await world.logins.end_current(bob)
    assert not world.sessions.rows
