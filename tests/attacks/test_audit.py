"""Attack: manipulate the audit log with write access to the database."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from people import Person
from stacks import DetachedStack

from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.testing import eventually
from docstore_standalone.credentials import load_credentials
from docstore_standalone.embedded.mongo_users import operator_url

pytestmark = pytest.mark.attack

COLLECTIONS = ("audit", "audit_head", "audit_seals", "audit_anchor")
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
async def database(stack: DetachedStack) -> AsyncIterator[Database]:
    """That of analytics, by the operator's password; the audit log in it is broken from then on."""
    mongo = Mongo(operator_url(stack.state.addresses["mongodb"], load_credentials(stack.data)), app_name="attack")
    yield mongo.database("docstore_analytics")
    mongo.close()


async def rows(database: Database) -> Rows:
    return {name: await database[name].find().to_list(None) for name in COLLECTIONS}


async def put(database: Database, kept: Rows) -> None:
    for name in COLLECTIONS:
        await database[name].delete_many({})
        for row in kept.get(name, []):  # the service may write meanwhile
            await database[name].replace_one({"_id": row["_id"]}, row, upsert=True)


async def verified(admin: Person) -> Any:
    after = 0
    while True:
        page = await admin.call("GET", f"/v1/admin/audit/verify?after={after}")
        if page["broken"] or page["next_after"] is None:
            return page
        after = page["next_after"]


async def test_a_log_that_is_truncated_or_deleted_is_detected(database: Database, ada: Person, admin: Person) -> None:
    """An earlier state is put back, whole and well signed; then nothing is left of it at all."""

    async def anchored() -> Any:
        page = await verified(admin)
        return page if page["anchor"] and page["anchor"]["number"] >= page["head"]["number"] - 2 else None

    await ada.upload("/one.txt", b"one")
    await eventually(anchored)
    earlier = await rows(database)
    await ada.upload("/two.txt", b"two")

    async def grown() -> Any:
        page = await anchored()
        return page if page and page["anchor"]["number"] > len(earlier["audit"]) else None

    assert (await eventually(grown))["broken"] is None
    now = await rows(database)
    assert now["audit"] != earlier["audit"]
    for state in (earlier, {}):
        await put(database, state)
        assert (await verified(admin))["broken"] is not None
