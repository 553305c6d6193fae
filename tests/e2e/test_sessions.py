"""Sessions: log-in and log-out of devices, and repeated calls."""

import asyncio

import pytest
from people import PASSWORD, Person

from docstore_cli.sessions.this_machine import device_name

pytestmark = pytest.mark.connected


async def log_in(person: Person, device: str) -> dict[str, str]:
    credentials = {"email": person.email, "password": PASSWORD, "device_name": device}
    tokens: dict[str, str] = await person.call("POST", "/v1/sessions", credentials)
    return tokens


async def test_a_replayed_refresh_token_ends_its_session(ada: Person, nobody: Person) -> None:
    """Each refresh token works once; used twice, someone has stolen it, and the whole family ends. Others stay."""
    phone = await log_in(ada, "phone")
    renewed = await nobody.call("POST", "/v1/sessions/refresh", {"refresh_token": phone["refresh_token"]})
    nobody.access_token = renewed["access_token"]
    assert (await nobody.call("GET", "/v1/me"))["id"] == ada.id
    nobody.access_token = ""
    stolen = {"refresh_token": phone["refresh_token"]}
    assert (await nobody.refused("POST", "/v1/sessions/refresh", stolen))[0] == 401
    latest = {"refresh_token": renewed["refresh_token"]}
    assert (await nobody.refused("POST", "/v1/sessions/refresh", latest))[0] == 401
    assert [session["device_name"] for session in await ada.every("/v1/sessions")] == [device_name()]
    assert (await ada.call("GET", "/v1/me"))["id"] == ada.id


async def test_devices_are_listed_and_logged_out(ada: Person, nobody: Person) -> None:
    """One device can end another's session: its refresh token works no more."""
    laptop = await log_in(ada, "laptop")
    sessions = await ada.every("/v1/sessions")
    assert {session["device_name"]: session["current"] for session in sessions} == {
        "laptop": False,
        device_name(): True,
    }
    (other,) = [session["id"] for session in sessions if not session["current"]]
    await ada.call("DELETE", f"/v1/sessions/{other}")
    refresh = {"refresh_token": laptop["refresh_token"]}
    assert (await nobody.refused("POST", "/v1/sessions/refresh", refresh))[0] == 401


async def test_a_version_names_its_author_and_device(ada: Person) -> None:
    """The history names the device as its session does."""
    ada.access_token = (await log_in(ada, "Ada's phone"))["access_token"]
    file = await ada.upload("/from the phone.txt", b"x")
    (version,) = await ada.every(f"/v1/files/{file['id']}/versions")
    assert (version["created_by"], version["device"]) == (ada.id, "Ada's phone")


async def test_a_repeated_call_has_one_effect_and_the_same_answer(ada: Person) -> None:
    """With an Idempotency-Key a call sent again begins no second upload; another call may not use the key."""
    body = {"path": "/once.txt", "size": 4, "method": "put"}
    key = {"idempotency-key": "the-only-one"}
    first = await ada.call("POST", "/v1/uploads", body, key)
    again = await asyncio.gather(*(ada.call("POST", "/v1/uploads", body, key) for _ in range(4)))
    assert [upload["id"] for upload in again] == [first["id"]] * 4
    assert len(await ada.every("/v1/uploads")) == 1
    assert (await ada.usage())["reserved"] == 4
    other = await ada.ask("POST", "/v1/uploads", {**body, "size": 5}, key)
    assert (other.status, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_key_is_its_callers_own(ada: Person, grace: Person) -> None:
    """Someone else's key gives none of his answers."""
    body, key = {"path": "/folder"}, {"idempotency-key": "shared"}
    mine = await ada.call("POST", "/v1/folders", body, key)
    theirs = await grace.call("POST", "/v1/folders", body, key)
    assert mine["id"] != theirs["id"]
    assert theirs["owner_id"] == grace.id
