"""API tokens and what they are exchanged for; on fakes."""

from datetime import timedelta

import jwt
import pytest
from accounts_world import World

from docstore_accounts.account.rules import Change
from docstore_accounts.api_tokens.rules import MAX_TOKENS, TOKEN
from docstore_events.catalogue.accounts import ApiTokenCreated, ApiTokenRevoked
from docstore_platform.errors import DomainError, NotFound
from docstore_platform.security.revocations import RevokedTokens
from docstore_platform.security.tokens import Principal, TokenVerifier


async def exchanged(world: World, secret: str, email: str | None = None) -> Principal:
    """The caller that services see."""
    access_token, _ = await world.programs.exchange(secret, email)
    return await TokenVerifier(world.ring.public_keys, "docstore").verify(access_token)


async def is_refused(world: World, secret: str, email: str | None = None) -> bool:
    try:
        await world.programs.exchange(secret, email)
    except NotFound as error:
        return error.code == "invalid_token"
    return False


@pytest.fixture(autouse=True)
def _verifiers_share_the_clock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docstore_platform.security.tokens.unix_time", lambda: world.clock.now.timestamp())


async def test_a_token_is_exchanged_for_an_access_token_with_its_scopes(world: World) -> None:
    """For five minutes, in the name of the token, whatever the role of its owner."""
    ann = await world.caller("admin")
    token, secret = await world.programs.create(ann, "Backup", ["files:read", "shares"], None, None)
    access_token, seconds = await world.programs.exchange(secret, None)
    claims = jwt.decode(access_token, options={"verify_signature": False})
    assert (seconds, claims["exp"] - claims["iat"]) == (300, 300)
    principal = await exchanged(world, secret)
    assert (principal.account_id, principal.session_id, principal.device) == (ann.account_id, token.id, "Backup")
    assert principal.scopes == {"files:read", "shares"}
    assert not principal.is_admin


async def test_only_a_hash_of_a_token_is_stored(world: World) -> None:
    """And none is in the event."""
    ann = await world.caller()
    token, secret = await world.programs.create(ann, "Backup", ["files:read"], None, None)
    assert TOKEN.fullmatch(secret)
    created = world.transactor.published[-1]
    assert isinstance(created, ApiTokenCreated)
    assert secret not in repr((world.api_tokens.rows, created))
    assert (created.token_id, created.scopes) == (token.id, ("files:read",))


async def test_as_a_password_it_works_for_its_owner_only(world: World) -> None:
    """In any spelling of the e-mail; with another account's it is as unknown as one that never was."""
    ann, _ = await world.caller(), await world.caller()
    _, secret = await world.programs.create(ann, "rclone", ["files:read"], None, None)
    assert (await exchanged(world, secret, " 0@Example.org")).account_id == ann.account_id
    assert await is_refused(world, secret, "1@example.org")
    assert await is_refused(world, secret, "")
    assert await is_refused(world, "dst_" + "x" * 43)


async def test_a_token_and_what_it_was_exchanged_for_end_at_its_expiry(world: World) -> None:
    """It is listed for some time after; one that has already expired cannot be created."""
    ann = await world.caller()
    soon = world.clock.now + timedelta(seconds=90)
    _, secret = await world.programs.create(ann, "CI", ["files:read"], None, soon)
    assert (await world.programs.exchange(secret, None))[1] == 90
    world.clock.advance(seconds=90)
    assert await is_refused(world, secret)
    assert [each.name for each in await world.programs.page(ann, "", 10)] == ["CI"]
    with pytest.raises(DomainError) as refused:
        await world.programs.create(ann, "CI", ["files:read"], None, world.clock.now)
    assert refused.value.code == "invalid_expiry"


async def test_a_revoked_token_ends_at_gateways_too(world: World) -> None:
    """Its access tokens are on the list that gateways follow; no one else can revoke it, nor its owner twice."""
    ann, eve = await world.caller(), await world.caller()
    token, secret = await world.programs.create(ann, "CI", ["files:read"], None, None)
    principal = await exchanged(world, secret)
    with pytest.raises(NotFound):
        await world.programs.revoke(eve, token.id)
    await world.programs.revoke(ann, token.id)
    assert isinstance(world.transactor.published[-1], ApiTokenRevoked)
    assert await is_refused(world, secret)
    held = RevokedTokens()
    held.add([revocation for _, revocation in world.revocations.rows], world.clock.now.timestamp())
    assert held.covers(principal)
    assert not held.covers(ann)
    with pytest.raises(NotFound):
        await world.programs.revoke(ann, token.id)


async def test_a_suspended_account_has_no_working_token(world: World) -> None:
    """Until it is reinstated; access tokens from before are outdated at once."""
    ann = await world.caller()
    _, secret = await world.programs.create(ann, "CI", ["files:read"], None, None)
    before = await exchanged(world, secret)
    await world.service.change(ann.account_id, Change(status="suspended"))
    with pytest.raises(DomainError) as refused:
        await world.programs.exchange(secret, None)
    assert refused.value.code == "account_suspended"
    held = RevokedTokens()
    held.add([revocation for _, revocation in world.revocations.rows], world.clock.now.timestamp())
    assert held.covers(before)
    await world.service.change(ann.account_id, Change(status="active"))
    assert not held.covers(await exchanged(world, secret))


async def test_a_reset_ends_all_tokens_and_a_change_none(world: World) -> None:
    """Who resets the password may have lost the account to someone; who changes it knows the old one."""
    ann = await world.caller()
    _, secret = await world.programs.create(ann, "CI", ["files:read"], None, None)
    principal = await exchanged(world, secret)
    await world.profile.update(ann, "1.2.3.4", password="battery staple", current_password="correct horse")
    assert not await is_refused(world, secret)
    root = await world.caller("admin")
    link = await world.forgotten.make(root, ann.account_id)
    await world.forgotten.confirm(link.token, "staple battery", "1.2.3.4")
    assert await is_refused(world, secret)
    held = RevokedTokens()
    held.add([revocation for _, revocation in world.revocations.rows], world.clock.now.timestamp())
    assert held.covers(principal)


async def test_a_session_that_has_ended_creates_no_token(world: World) -> None:
    """Its access token lives on for a moment, in which a thief must not make a longer-lived one."""
    ann = await world.caller()
    await world.logins.end_current(ann)
    with pytest.raises(DomainError) as refused:
        await world.programs.create(ann, "CI", ["files:read"], None, None)
    assert refused.value.code == "unauthorized"


async def test_only_administrators_create_tokens_that_read_as_one(world: World) -> None:
    """And such a token loses the role with its owner."""
    ann, root = await world.caller(), await world.caller("admin")
    with pytest.raises(DomainError) as refused:
        await world.programs.create(ann, "Monitor", ["admin:read"], None, None)
    assert refused.value.code == "forbidden"
    _, secret = await world.programs.create(root, "Monitor", ["admin:read"], None, None)
    assert (await exchanged(world, secret)).is_admin
    await world.service.change(root.account_id, Change(role="user"))
    assert not (await exchanged(world, secret)).is_admin


async def test_an_account_has_a_limited_number_of_tokens(world: World) -> None:
    """Revoking one makes room."""
    ann = await world.caller()
    made = [(await world.programs.create(ann, "CI", ["files:read"], None, None))[0] for _ in range(MAX_TOKENS)]
    with pytest.raises(DomainError) as refused:
        await world.programs.create(ann, "CI", ["files:read"], None, None)
    assert refused.value.code == "too_many_tokens"
    await world.programs.revoke(ann, made[0].id)
    await world.programs.create(ann, "CI", ["files:read"], None, None)


async def test_the_last_use_is_written_at_most_every_two_minutes(world: World) -> None:
    """However often a program calls."""
    ann = await world.caller()
    token, secret = await world.programs.create(ann, "CI", ["files:read"], None, None)
    used = []
    for _ in range(5):
        await world.programs.exchange(secret, None)
        used.append(world.api_tokens.rows[token.id].last_used_at)
        world.clock.advance(seconds=50)
    assert used[0] == used[1] == used[2]
    assert used[3] == used[4] != used[0]


async def test_a_token_can_be_limited_to_a_folder(world: World) -> None:
    """By its id: services get it with every call, and the list shows where the folder is now."""
    ann = await world.caller()
    world.metadata.folders["/docs"] = "f1"
    token, secret = await world.programs.create(ann, "Scanner", ["files:write"], "/docs", None)
    assert (await exchanged(world, secret)).folder_id == "f1"
    world.metadata.folders = {"/archive/docs": "f1"}
    assert await world.programs.paths_of(ann, [token]) == {"f1": "/archive/docs"}
    with pytest.raises(NotFound):
        await world.programs.create(ann, "Scanner", ["files:write"], "/docs", None)
