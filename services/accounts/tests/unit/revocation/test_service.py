"""Which tokens are revoked when, and how gateways follow; on fakes."""

import asyncio

import pytest
from accounts_world import World

from docstore_accounts.account.rules import Change
from docstore_accounts.revocation.service import RevocationFeed
from docstore_platform.security.revocations import RevokedTokens
from docstore_platform.security.tokens import Principal


@pytest.fixture
def feed(world: World) -> RevocationFeed:
    """One instance's reading of what all instances revoke."""
    return RevocationFeed(world.revocations, clock=world.clock)


async def revoked(world: World) -> RevokedTokens:
    """What a gateway holds that begins now."""
    held = RevokedTokens()
    held.add((await RevocationFeed(world.revocations, clock=world.clock).page("", 0)).revocations, now(world))
    return held


def now(world: World) -> float:
    return float(world.clock.now.timestamp())


async def test_logging_out_revokes_the_tokens_of_that_session(world: World) -> None:
    """Log-out and ending another device: its tokens and no one else's."""
    first = await world.caller()
    world.clock.advance(seconds=1)
    second = await world.caller()
    await world.logins.end_current(first)
    await world.logins.end_current(first)
    held = await revoked(world)
    assert (held.covers(first), held.covers(second)) == (True, False)
    assert len(world.revocations.rows) == 1


async def test_a_new_password_revokes_the_other_sessions(world: World) -> None:
    """The session that changes it stays; one that was not used for longer than a token lives needs no entry."""
    asleep = await world.caller()
    email = "0@example.org"
    world.clock.advance(hours=1)
    sessions = []
    for _ in range(3):
        tokens = await world.logins.log_in(email, "correct horse", address="1.2.3.4")
        sessions.append(Principal(tokens.account.id, list(world.sessions.rows)[-1], "user", ""))
    change = {"password": "battery staple", "current_password": "correct horse"}
    await world.profile.update(sessions[0], "1.2.3.4", **change)
    held = await revoked(world)
    assert [held.covers(session) for session in sessions] == [False, True, True]
    assert not held.covers(asleep)
    assert list(world.sessions.rows) == [sessions[0].session_id]


async def test_a_change_of_role_or_status_outdates_tokens(world: World) -> None:
    """Tokens of before are refused, a refreshed one has the new role; another name changes nothing."""
    admin = await world.caller(role="admin")
    other = await world.caller()
    await world.profile.update(other, "1.2.3.4", display_name="New name")
    assert not world.revocations.rows
    await world.administration.change(admin, other.account_id, Change(role="admin"))
    assert (await revoked(world)).covers(other)
    tokens = await world.logins.log_in("1@example.org", "correct horse", address="1.2.3.4")
    assert not (await revoked(world)).covers(Principal(other.account_id, "new", "admin", "", tokens.account.revision))
    await world.administration.change(admin, other.account_id, Change(status="suspended"))
    after = await world.service.get(other.account_id)
    assert (await revoked(world)).covers(Principal(other.account_id, "new", "admin", "", after.revision - 1))


async def test_the_list_is_bounded_by_the_life_of_a_token(world: World) -> None:
    """After that nothing is left of it at a gateway, and nothing is given to a new one."""
    caller = await world.caller()
    await world.logins.end_current(caller)
    held = await revoked(world)
    world.clock.advance(seconds=world.settings.access_token_lifetime_seconds + 70)
    held.forget_expired(now(world))
    assert len(held) == 0
    fresh = RevokedTokens()
    fresh.add((await RevocationFeed(world.revocations, clock=world.clock).page("", 0)).revocations, now(world))
    assert len(fresh) == 0


async def test_a_follower_is_answered_when_something_is_revoked(world: World, feed) -> None:
    """It waits without a read of the database; what other instances added is found by the next read."""
    caller = await world.caller()
    begun = await feed.page("", 0)
    assert begun.revocations == []
    assert await feed.read_new() == 0
    waiting = asyncio.create_task(feed.page(begun.cursor, 60))
    await asyncio.sleep(0)
    await world.logins.end_current(caller)
    assert await feed.read_new() == 1
    page = await waiting
    assert [revocation.session_ids for revocation in page.revocations] == [(caller.session_id,)]
    assert (await feed.page(page.cursor, 0)).revocations == []


async def test_a_follower_that_comes_to_another_instance_gets_everything(world: World, feed) -> None:
    """A cursor is of one instance: another answers all that is in force, at once."""
    caller = await world.caller()
    await world.logins.end_current(caller)
    page = await feed.page("", 0)
    other = RevocationFeed(world.revocations, clock=world.clock)
    assert (await other.page(page.cursor, 60)).revocations == page.revocations
    assert (await other.page("nonsense", 60)).revocations == page.revocations


async def test_stopping_answers_all_who_wait(world: World, feed) -> None:
    """An instance that stops keeps no gateway waiting."""
    cursor = (await feed.page("", 0)).cursor
    waiting = asyncio.create_task(feed.page(cursor, 60))
    await asyncio.sleep(0)
    feed.stop()
    assert (await waiting).revocations == []
