"""Attacks on log-in: resource exhaustion, password guessing, weak passwords, use of tokens after log-out."""

import asyncio
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from people import PASSWORD, Person, SignUp

from docstore_platform.testing import eventually

pytestmark = pytest.mark.attack

CONNECTIONS = 110


async def status(person: Person, path: str = "/v1/me") -> int:
    return (await person.ask("GET", path)).status


async def ends(person: Person, path: str = "/v1/me") -> None:
    """Once the token that the person holds is refused."""

    async def is_refused() -> bool:
        return await status(person, path) == 401

    await eventually(is_refused)


async def test_password_changes_of_one_account_delay_no_log_in(sign_up: SignUp, ada: Person) -> None:
    """110 connections that change a password to itself: every log-in of someone else meanwhile succeeds."""
    mallory = await sign_up("mallory")
    change = {"password": PASSWORD, "current_password": PASSWORD}
    going_on = True
    seen: set[int] = set()

    async def flood() -> None:
        while going_on:
            seen.add((await mallory.ask("PATCH", "/v1/me", change)).status)

    floods = [asyncio.create_task(flood()) for _ in range(CONNECTIONS)]
    try:
        for _ in range(20):
            async with Person(ada.gateway) as again:
                await again.log_in(ada.email, PASSWORD)
    finally:
        going_on = False
        await asyncio.gather(*floods)
    assert 503 not in seen
    assert seen & {429, 200, 403}


async def test_guessing_is_stopped_and_the_owners_device_goes_on(ada: Person, nobody: Person) -> None:
    """After ten wrong passwords even the right one is refused from that address, but not on a device of the owner."""
    login = {"email": ada.email, "password": PASSWORD}
    device = (await nobody.call("POST", "/v1/sessions", login))["device_token"]
    for number in range(10):
        answer = await nobody.ask("POST", "/v1/sessions", {"email": ada.email, "password": f"guess {number}"})
        assert answer.status == 401
    refused = await nobody.ask("POST", "/v1/sessions", login)
    assert (refused.status, refused.json()["code"]) == (429, "too_many_failures")
    assert int(refused.headers["retry-after"]) > 0
    assert (await nobody.ask("POST", "/v1/sessions", login | {"device_token": device})).status == 201


@pytest.mark.parametrize("password", ["password", "12345678", "Password1!", "docstore2026"])
async def test_a_password_that_is_guessed_first_opens_no_account(nobody: Person, password: str) -> None:
    """422 with the reason."""
    answer = await nobody.ask("POST", "/v1/accounts", {"email": "weak@example.org", "password": password})
    assert (answer.status, answer.json()["code"]) == (422, "weak_password")


async def test_a_stolen_token_ends_with_the_log_out(ada: Person) -> None:
    """The access token is refused, and so is the refresh token; another device of the person goes on."""
    async with Person(ada.gateway) as laptop:
        await laptop.log_in(ada.email, PASSWORD)
        await ada.call("DELETE", "/v1/sessions/current")
        await ends(ada)
        assert (await ada.ask("POST", "/v1/sessions/refresh", {"refresh_token": ada.refresh_token})).status == 401
        assert await status(laptop) == 200


async def test_a_stolen_token_ends_with_a_new_password(ada: Person) -> None:
    """Whoever is logged in elsewhere is out; the device that changed the password stays."""
    async with Person(ada.gateway) as thief:
        await thief.log_in(ada.email, PASSWORD)
        change = {"password": "another battery staple", "current_password": PASSWORD}
        await ada.call("PATCH", "/v1/me", change)
        await ends(thief)
        assert await status(ada) == 200


async def test_a_suspension_and_a_demotion_take_effect_at_once(ada: Person, admin: Person) -> None:
    """A new administrator refreshes and may; demoted, the same token may no more; suspended, nothing is left."""
    path = f"/v1/admin/accounts/{ada.id}"
    await admin.call("PATCH", path, {"role": "admin"})
    await ends(ada)
    await ada.refresh()
    assert await status(ada, "/v1/admin/overview") == 200
    await admin.call("PATCH", path, {"role": "user"})
    await ends(ada, "/v1/admin/overview")
    await ada.refresh()
    assert await status(ada, "/v1/admin/overview") == 403
    await admin.call("PATCH", path, {"status": "suspended"})
    await ends(ada)
    assert (await ada.ask("POST", "/v1/sessions/refresh", {"refresh_token": ada.refresh_token})).status in (401, 403)


async def test_a_stream_ends_with_its_session(ada: Person) -> None:
    """A stream that was opened with a stolen token sends nothing more."""
    async with ada._session.get(f"{ada.gateway}/v1/events", headers=ada.headers) as stream:
        assert stream.status == 200
        async with Person(ada.gateway) as owner:
            await owner.log_in(ada.email, PASSWORD)
            await owner.call("PATCH", "/v1/me", {"password": "another battery staple", "current_password": PASSWORD})
        async with asyncio.timeout(60):
            assert b"event: token_expired" in await stream.content.read()


async def test_a_token_of_another_key_is_refused(ada: Person) -> None:
    """Signed by the attacker, for a year, as an administrator."""
    now = int(time.time())
    claims = {"iss": "docstore", "aud": "docstore", "sub": ada.id, "sid": "s", "role": "admin", "iat": now}
    kid = jwt.get_unverified_header(ada.access_token)["kid"]
    ada.access_token = jwt.encode(
        claims | {"exp": now + 365 * 86_400}, Ed25519PrivateKey.generate(), "EdDSA", headers={"kid": kid}
    )
    assert await status(ada) == 401
