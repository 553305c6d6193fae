"""Signing keys: agreed on, rotated, published long enough."""

import asyncio

from accounts_world import World

from docstore_accounts.account.rules import Account
from docstore_accounts.sessions.rules import Session
from docstore_accounts.signing_keys.service import KeyRing
from docstore_platform.security.tokens import TokenVerifier


async def a_token(world: World, ring: KeyRing | None = None) -> str:
    account = Account("acc", "a@b.c", "A", "free", "admin", "active", "eu", world.clock.now, 1)
    session = Session("ses", "acc", "Phone", world.clock.now, world.clock.now, world.clock.now, "", "")
    return await (ring or world.ring).access_token(account, session)


async def test_instances_that_start_together_sign_with_one_key(world: World) -> None:
    """Of keys made at the same moment one is kept, and every instance uses it."""
    rings = [world.another_ring() for _ in range(5)]
    sets = await asyncio.gather(*(ring.public_keys() for ring in rings))
    assert len(world.keys.rows) == 1
    assert all(keys == sets[0] for keys in sets)


async def test_published_keys_hold_no_private_part(world: World) -> None:
    """The JWK set names key, curve and use, and nothing that signs."""
    (key,) = (await world.ring.public_keys())["keys"]
    assert key.keys() == {"kid", "kty", "crv", "x", "use", "alg"}
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")


async def test_a_token_names_the_caller(world: World) -> None:
    """Account, session, role and device of a verified token are those it was made for."""
    world.clock.now = world.clock.now.now(world.clock.now.tzinfo)
    principal = await TokenVerifier(world.ring.public_keys, "docstore").verify(await a_token(world))
    assert (principal.account_id, principal.session_id) == ("acc", "ses")
    assert (principal.role, principal.device) == ("admin", "Phone")


async def test_an_old_key_is_followed_by_a_new_one_and_stays_published(world: World) -> None:
    """After the rotation another key signs; tokens of the old one are still verified until they have expired."""
    world.clock.now = world.clock.now.now(world.clock.now.tzinfo)
    (first,) = (await world.ring.public_keys())["keys"]
    world.clock.advance(seconds=world.settings.key_rotation_interval_seconds - 60)
    late = await a_token(world)
    world.clock.advance(seconds=61)
    both = (await world.ring.public_keys())["keys"]
    assert len(both) == 2
    assert first in both
    assert late.split(".")[0] != (await a_token(world)).split(".")[0]
    world.clock.advance(seconds=world.settings.access_token_lifetime_seconds + 2 * 86_400)
    assert first not in (await world.ring.public_keys())["keys"]


async def test_an_instance_takes_over_a_newer_key(world: World) -> None:
    """A key another instance has made is used here within a minute."""
    ring, other = world.another_ring(), world.another_ring()
    before = (await a_token(world, ring)).split(".")[0]
    number = max(world.keys.rows)
    newest = world.keys.rows[number]
    world.keys.rows[number + 1] = type(newest)(number + 1, "new", newest.seed, newest.signs_until, newest.signs_until)
    assert (await a_token(world, ring)).split(".")[0] == before
    world.clock.advance(seconds=61)
    assert (await a_token(world, ring)).split(".")[0] == (await a_token(world, other)).split(".")[0] != before


async def test_a_service_that_slept_through_all_keys_makes_a_new_one(world: World) -> None:
    """Neither an expired row that is still there nor an empty collection keeps it from signing."""
    await world.ring.public_keys()
    world.clock.advance(days=365)
    assert len((await world.another_ring().public_keys())["keys"]) == 1
    world.keys.rows.clear()
    assert len((await world.another_ring().public_keys())["keys"]) == 1
