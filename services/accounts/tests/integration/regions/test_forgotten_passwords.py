"""Password resets requested in a region that is not the account's home."""

from functools import partial
from typing import Any

import orjson
import pytest
from regions_client import EAST, WEST, OpenRegion, Region

from docstore_accounts.regions.client import Signatures
from docstore_contracts.replication import RESETS_PATH
from docstore_platform.ids import new_id
from docstore_platform.service.client import LocalTransport
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_the_home_region_answers_wherever_one_asks(west: Region, east: Region) -> None:
    """Also when it could not be reached at first; the called region stores no address and always returns 202."""
    email = west.email()
    assert (await west.sign_up(email)).status == 201
    await east.knows(email, home_region=west.name)
    west.line.cut = True
    assert (await east.client.call("POST", "/v1/password-resets", {"email": email})).status == 202

    async def was_tried() -> Any:
        return await east.database["reset_requests"].find_one({"attempts": 1})

    assert await eventually(was_tried)
    west.line.cut = False

    async def made() -> Any:
        return await west.database["password_resets"].find_one({})

    assert await eventually(made)

    async def handed_over() -> bool:
        return await east.database["reset_requests"].find_one({"due_at": {"$exists": True}}) is None

    assert await eventually(handed_over)
    assert await east.database["password_resets"].find_one({}) is None
    assert email.encode() not in await east.everything()
    assert email.encode() not in b"".join(west.line.bodies)


async def test_an_unreachable_region_delays_no_other(open_region: OpenRegion) -> None:
    """However many requests wait for it, each lease calls it for one of them; later requests are answered."""
    async with open_region(WEST) as west, open_region(EAST, reset_lease_seconds=600) as east:
        far, near = west.email(), east.email()
        for region, email in ((west, far), (east, near)):

            async def is_let_in(region: Region = region, email: str = email) -> bool:
                return bool((await region.sign_up(email)).status == 201)

            await eventually(is_let_in)
        await east.knows(far, home_region=west.name)
        west.line.cut = True
        for email in [far] * 5 + [near]:
            assert (await east.client.call("POST", "/v1/password-resets", {"email": email})).status == 202

        async def made() -> Any:
            return await east.database["password_resets"].find_one({})

        assert await eventually(made)
        assert west.line.tried.count(RESETS_PATH) == 1


async def test_a_repeated_replication_is_one_request(west: Region, east: Region) -> None:
    """As when the answer to its call was lost: also after the mail was sent, there is no second."""
    email = west.email()
    account = (await west.sign_up(email)).json()
    body = orjson.dumps({"request_id": new_id(), "account_id": account["id"]})
    headers = Signatures(east.settings).headers(RESETS_PATH, west.name, body)

    async def tell() -> None:
        answer = await LocalTransport(west.client.url).send("POST", RESETS_PATH, headers, body)
        assert (answer.status, answer.json()) == (200, {"heard": True})

    async def made(count: int) -> bool:
        waits = await west.database["reset_requests"].find_one({"due_at": {"$exists": True}})
        return waits is None and await west.database["password_resets"].count_documents({}) >= count

    await tell()
    assert await eventually(partial(made, 1))
    await tell()
    assert (await west.client.call("POST", "/v1/password-resets", {"email": email})).status == 202
    assert await eventually(partial(made, 2))
    assert await west.database["password_resets"].count_documents({}) == 2
