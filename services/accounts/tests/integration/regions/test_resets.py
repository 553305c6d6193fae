"""Passwords that were forgotten, said in a region that is not the account's home."""

from typing import Any

import pytest

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_the_home_region_answers_wherever_one_asks(west: Any, east: Any) -> None:
    """Also when it could not be reached at first; the region that was asked keeps nothing, and says 202 each time."""
    email = west.email()
    assert (await west.sign_up(email)).status == 201
    await east.knows(email, home_region=west.name)
    west.line.cut = True
    assert (await east.client.call("POST", "/v1/password-resets", {"email": email})).status == 202

    async def was_tried() -> Any:
        return await east.database["reset_requests"].find_one({"$expr": {"$gt": ["$due_at", "$asked_at"]}})

    assert await eventually(was_tried)
    west.line.cut = False

    async def made() -> Any:
        return await west.database["password_resets"].find_one({})

    assert await eventually(made)

    async def handed_over() -> bool:
        return await east.database["reset_requests"].find_one({}) is None

    assert await eventually(handed_over)
    assert await east.database["password_resets"].find_one({}) is None
    assert email.encode() not in b"".join(west.line.bodies)
