"""Who may call the routes for other regions, and with what."""

from typing import Any

import orjson
import pytest
from accounts_client import Client
from regions_client import EAST, SECRET, WEST, Region

from docstore_accounts.regions.client import sign
from docstore_contracts.replication import ACCOUNTS_PATH, CLAIMS_PATH, SIGN_UPS_PATH
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.service.client import LocalTransport

pytestmark = pytest.mark.connected


FORGERIES: dict[str, dict[str, Any]] = {
    "unsigned": {"signature": ""},
    "wrong secret": {"secret": "secret of somebody else"},
    "for another region": {"receiver": WEST},
    "for another route": {"path": CLAIMS_PATH},
    "of a stranger": {"sender": "eu-north-1"},
    "an hour old": {"age": 3600},
    "of the future": {"age": -3600},
    "another body": {"body": b"{}"},
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_call_changes_nothing(east: Region, forgery: str) -> None:
    """401 for each; the same call, correctly signed, succeeds."""
    account = {"account_id": new_id(), "email_hash": "a" * 64, "home_region": WEST, "status": "active", "revision": 1}
    body = orjson.dumps({"accounts": [account]})

    async def post(**forged: Any) -> int:
        time = str(int(utc_now().timestamp()) - forged.get("age", 0))
        sender = forged.get("sender", WEST)
        signature = sign(
            forged.get("secret", SECRET),
            path=forged.get("path", ACCOUNTS_PATH),
            sender=sender,
            receiver=forged.get("receiver", EAST),
            time=time,
            body=forged.get("body", body),
        )
        signature = forged.get("signature", signature)
        headers = {"x-docstore-region": sender, "x-docstore-time": time, "x-docstore-signature": signature}
        return (await LocalTransport(east.client.url).send("POST", ACCOUNTS_PATH, headers, body)).status

    assert await post(**FORGERIES[forgery]) == 401
    assert await east.database["directory"].find_one({}) is None
    assert await post() == 200
    assert await east.database["directory"].count_documents({}) == 1


@pytest.mark.parametrize("change", [{"home_region": EAST}, {"revision": 0}, {"status": "admin"}, {"email_hash": "x"}])
async def test_a_region_speaks_of_its_own_accounts_in_due_form(east: Region, change: dict[str, Any]) -> None:
    """422, and nothing is taken in."""
    account = {"account_id": new_id(), "email_hash": "a" * 64, "home_region": WEST, "status": "active", "revision": 1}
    body = orjson.dumps({"accounts": [account | change]})
    time = str(int(utc_now().timestamp()))
    signature = sign(SECRET, path=ACCOUNTS_PATH, sender=WEST, receiver=EAST, time=time, body=body)
    headers = {"x-docstore-region": WEST, "x-docstore-time": time, "x-docstore-signature": signature}
    answer = await LocalTransport(east.client.url).send("POST", ACCOUNTS_PATH, headers, body)
    assert answer.status == 422
    assert await east.database["directory"].find_one({}) is None


async def test_the_size_of_an_unauthenticated_call_is_bounded(east: Region) -> None:
    """413 for a body that no region would send, before any of it is hashed."""
    headers = {"content-length": str(2 << 20)}
    answer = await LocalTransport(east.client.url).send("POST", ACCOUNTS_PATH, headers, b"{}")
    assert answer.status == 413


async def test_a_region_on_its_own_has_no_such_routes(client: Client) -> None:
    """404 for all three, signed or not."""
    for path in (ACCOUNTS_PATH, CLAIMS_PATH, SIGN_UPS_PATH):
        assert await client.refused("POST", path, {}) == (404, "not_found")
