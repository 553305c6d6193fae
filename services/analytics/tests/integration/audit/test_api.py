"""The audit log on a real database and object store: searched, sealed, tampered with."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from analytics_app import Analytics
from analytics_events import AT, account, call, called, created, moved, reset
from pydantic import SecretStr
from restores import restored

from docstore_analytics.maintenance import after_restore
from docstore_contents.s3.store import ObjectStore
from docstore_contents.s3.transport import ObjectStoreUnavailable
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

ENTRIES = 20
SEALING = {"audit_segment_entries": 8}


async def fill(analytics: Analytics) -> None:
    """20 entries, in several batches."""
    await analytics.publish_and_wait(account("ann"))
    for numbers in (range(4), range(4, 9)):
        ids = [f"file-{number}" for number in numbers]
        await analytics.publish_and_wait(*map(created, ids), *(called(call(object_id=each)) for each in ids))
    await analytics.publish_and_wait(moved("file-0"))


@pytest.fixture(scope="module")
async def filled(running: Analytics) -> Analytics:
    """A log of 20 entries for the tests that leave it as it is, or put back what they change."""
    await fill(running)
    return running


async def sealed(analytics: Analytics, number: int) -> None:
    async def is_sealed() -> bool:
        return bool(await analytics.database["audit_seals"].count_documents({}) == number)

    await eventually(is_sealed)


async def test_the_whole_log_verifies_over_batches_pages_and_restarts(analytics: Analytics) -> None:
    """Also while it grows."""
    async with analytics.running(**SEALING):
        assert await analytics.verified() == {
            "checked": 0,
            "next_after": None,
            "broken": None,
            "last": {"number": 0, "signature": "0" * 64},
            "head": {"number": 0, "signature": "0" * 64},
            "anchor": None,
            "not_compared": None,
        }
        await fill(analytics)
        await sealed(analytics, 2)
    async with analytics.running(**SEALING):
        await analytics.publish_and_wait(created("more"))
        found = await analytics.verified()
        assert (found["checked"], found["broken"], found["last"]) == (ENTRIES + 1, None, found["head"])


TAMPERED: dict[str, Any] = {
    "at": AT + timedelta(days=1),
    "kind": "other",
    "action": "file-created",
    "actor_id": "mallory",
    "object_id": "file-8",
    "status": 200,
    "client": "198.51.100.9",
    "session_id": "other",
    "source_id": "other",
    "detail": "/b.txt",
    "previous": "f" * 64,
    "signature": "f" * 64,
}


@pytest.mark.parametrize("field", TAMPERED)
async def test_a_field_that_was_changed_is_found_in_its_entry(filled: Analytics, field: str) -> None:
    """Whichever it is: the verifier names the entry's number."""
    audit = filled.database["audit"]
    row = await audit.find_one({"_id": 7})
    value = TAMPERED[field] if row[field] != TAMPERED[field] else "something else"
    await audit.update_one({"_id": 7}, {"$set": {field: value}})
    found = await filled.verified()
    assert (found["checked"], found["broken"]["number"], found["broken"]["reason"]) == (0 + 6, 7, "changed")
    await audit.update_one({"_id": 7}, {"$unset": {field: ""}})
    assert (await filled.verified())["broken"]["number"] == 7
    await filled.ok("/v1/admin/audit")  # whatever someone has put there, it can still be read
    await audit.replace_one({"_id": 7}, row)
    assert (await filled.verified())["broken"] is None


async def test_an_entry_that_is_gone_or_added_is_named(filled: Analytics) -> None:
    """In the middle, at the beginning, at the end."""
    audit = filled.database["audit"]
    for number, reason in ((1, "missing"), (11, "missing"), (ENTRIES, "cut_off")):
        row = await audit.find_one_and_delete({"_id": number})
        broken = (await filled.verified())["broken"]
        assert (broken["number"], broken["reason"]) == (number, reason)
        await audit.insert_one(row)
    last = await audit.find_one({"_id": ENTRIES})
    await audit.insert_one({**last, "_id": ENTRIES + 1})
    assert (await filled.verified())["broken"]["number"] == ENTRIES + 1
    await audit.delete_one({"_id": ENTRIES + 1})
    assert (await filled.verified())["broken"] is None


async def test_a_log_that_is_cut_off_is_found_though_its_head_is_set_back(analytics: Analytics) -> None:
    """By the head's seal; and by what is sealed in the object store, though nothing else were left."""
    async with analytics.running(**SEALING):
        await fill(analytics)
        await sealed(analytics, 2)
        audit, heads = analytics.database["audit"], analytics.database["audit_head"]
        head = await heads.find_one({"_id": "head"})
        last = await audit.find_one({"_id": 10})
        await audit.delete_many({"_id": {"$gt": 10}})
        assert (await analytics.verified())["broken"]["number"] == 11
        await heads.update_one({"_id": "head"}, {"$set": {"number": 10, "signature": last["signature"]}})
        assert (await analytics.verified())["broken"]["reason"] == "head_changed"
        await audit.delete_many({})
        await heads.delete_many({})
        broken = (await analytics.verified())["broken"]
        assert (broken["number"], broken["reason"]) == (1, "cut_off")
        assert head["number"] == ENTRIES


async def test_a_log_written_anew_differs_from_what_is_sealed(analytics: Analytics) -> None:
    """Even by someone who has the key: the object store has the first version."""
    async with analytics.running(**SEALING):
        await fill(analytics)
        await sealed(analytics, 2)
        key = (await analytics.database["audit_seals"].find_one({"_id": 9}))["key"]
        async with analytics.store as store:
            original = await store.get(key)
            other = await store.get((await analytics.database["audit_seals"].find_one({"_id": 1}))["key"])
            for content in (other, b"no archive", original[:-9]):
                await store.put(key, content)
                broken = (await analytics.verified())["broken"]
                assert (broken["number"], broken["reason"]) == (9, "differs_from_sealed")
            await store.delete(key)
            assert (await analytics.verified())["broken"]["number"] == 9
            await store.put(key, original)
        assert (await analytics.verified())["broken"] is None


async def anchored(analytics: Analytics, number: int) -> None:
    async def is_anchored() -> bool:
        return bool((await analytics.ok("/v1/admin/audit/verify?limit=1"))["anchor"] == await mark(analytics, number))

    await eventually(is_anchored)


async def mark(analytics: Analytics, number: int) -> dict[str, Any]:
    row = await analytics.database["audit"].find_one({"_id": number})
    return {"number": number, "signature": row["signature"]}


async def test_a_wiped_log_and_one_set_back_are_found(analytics: Analytics) -> None:
    """By what is anchored in the object store: an earlier head is signed as well, and no entry was ever sealed."""
    names = ("audit", "audit_head", "audit_seals", "audit_anchor")
    async with analytics.running():
        await analytics.publish_and_wait(account("ann"), created("first"))
        earlier = {name: await analytics.database[name].find().to_list(None) for name in names}
        await fill(analytics)
        entries = await analytics.database["audit"].count_documents({})
        await anchored(analytics, entries)
    for rows in (earlier, {}):
        for name in names:
            await analytics.database[name].delete_many({})
            if rows.get(name):
                await analytics.database[name].insert_many(rows[name])
        async with analytics.running():
            assert (await analytics.verified())["broken"]["reason"] == "cut_off"


async def test_without_the_object_store_the_log_is_not_verified(
    analytics: Analytics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be checked is, and the answer lists what can't."""

    async def away(*_: Any, **__: Any) -> bytes:
        raise ObjectStoreUnavailable("ServiceUnavailable", "no answer")

    async with analytics.running(**SEALING):
        await fill(analytics)
        await sealed(analytics, 2)
        monkeypatch.setattr(ObjectStore, "get", away)
        found = await analytics.verified()
        assert (found["checked"], found["broken"], found["anchor"]) == (ENTRIES, None, None)
        assert "is unavailable" in found["not_compared"]


async def test_a_restored_database_is_not_contradicted_by_what_came_after_it(analytics: Analytics) -> None:
    """A restore forgets the anchors of entries that the backup has not."""
    async with analytics.running():
        await analytics.publish_and_wait(account("ann"), created("first"))
        await anchored(analytics, 2)
    names = ("audit", "audit_head", "audit_anchor")
    backup = {name: await analytics.database[name].find().to_list(None) for name in names}
    async with analytics.running():
        await fill(analytics)
        await anchored(analytics, await analytics.database["audit"].count_documents({}))
    for name, rows in backup.items():
        await analytics.database[name].delete_many({})
        await analytics.database[name].insert_many(rows)
    async with analytics.store as store:
        await after_restore(restored(analytics.database, objects=store, region=analytics.infra.region))
    async with analytics.running():
        assert (await analytics.verified())["broken"] is None
        await analytics.publish_and_wait(created("second"))
        await anchored(analytics, 3)


async def test_another_key_is_reported(analytics: Analytics) -> None:
    """A changed setting is no tampering, and looks like none."""
    async with analytics.running():
        await fill(analytics)
    async with analytics.running(audit_key=SecretStr("another")):
        assert (await analytics.verified())["broken"]["reason"] == "other_key"


async def test_the_log_is_searched_by_who_what_and_when(analytics: Analytics) -> None:
    """The latest first, page by page, nothing twice."""
    async with analytics.running():
        await fill(analytics)
        now = datetime.now(UTC)
        await analytics.publish_and_wait(called(*(call(at=now, account_id="bob", status=403) for _ in range(3))))
        items: list[Any] = []
        cursor = ""
        while cursor is not None:
            page = await analytics.ok("/v1/admin/audit?limit=5" + (f"&cursor={cursor}" if cursor else ""))
            items += page["items"]
            cursor = page["next_cursor"]
        assert sorted(item["number"] for item in items) == list(range(1, ENTRIES + 4))
        assert [item["at"] for item in items] == sorted((item["at"] for item in items), reverse=True)

        async def numbers(query: str) -> list[int]:
            return [item["number"] for item in (await analytics.ok(f"/v1/admin/audit?{query}"))["items"]]

        assert await numbers("account_id=bob") == [ENTRIES + 3, ENTRIES + 2, ENTRIES + 1]
        assert len(await numbers("object_id=file-0")) == 3
        assert await numbers("action=file-moved&account_id=ann") == [ENTRIES]
        assert len(await numbers(f"to={AT + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}")) == 9
        assert await numbers("action=file-moved&to=2026-01-01T00:00:00Z") == []
        assert (await analytics.get("/v1/admin/audit?cursor=nonsense")).status == 422


async def test_it_is_known_whose_password_was_set_by_a_link(analytics: Analytics) -> None:
    """By the account; who had the link is not known."""
    async with analytics.running():
        await fill(analytics)
        await analytics.publish_and_wait(reset("ann"))
        (entry,) = (await analytics.ok("/v1/admin/audit?object_id=ann&action=password-reset"))["items"]
        assert (entry["kind"], entry["account_id"], entry["number"]) == ("change", None, ENTRIES + 1)


async def test_every_search_is_answered_by_an_index(filled: Analytics) -> None:
    """In the order it is asked for: no sorting, nothing read that is not shown."""
    for wanted in ({}, {"actor_id": "ann"}, {"object_id": "file-0"}, {"action": "file-moved"}, {"at": {"$lt": AT}}):
        cursor = filled.database["audit"].find(wanted).sort([("at", -1), ("_id", -1)]).limit(3)
        plan = await cursor.explain()
        stages = str(plan["queryPlanner"]["winningPlan"])
        assert "IXSCAN" in stages
        assert "'SORT'" not in stages
