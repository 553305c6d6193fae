"""The change feed: entries of owners and readers, cursors, and the snapshot."""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from metadata_stack import Person, Stack
from restores import restored

from docstore_metadata.changes.journal_writer_repository import entry_id
from docstore_metadata.journal.repository import create_journal_indexes
from docstore_metadata.maintenance import after_restore
from docstore_platform.clock import utc_now
from docstore_platform.errors import DomainError
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.ids import new_id

pytestmark = pytest.mark.connected


async def changes(person: Person, cursor: str | None = None, limit: int = 100) -> list[Any]:
    """All changes after a cursor, page by page; asserts that their numbers have no gap."""
    found: list[Any] = []
    while True:
        query = f"limit={limit}" + (f"&cursor={quote(cursor)}" if cursor else "")
        page = await person.ok("GET", f"/v1/changes?{query}")
        found += page["changes"]
        cursor = page["cursor"]
        if not page["has_more"]:
            numbers = [change["seq"] for change in found]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
            return found


async def latest(person: Person) -> str:
    return str((await person.ok("GET", "/v1/changes?cursor=latest"))["cursor"])


def type_and_path(found: list[Any]) -> list[tuple[str, str]]:
    return [(change["type"], change["file"]["path"]) for change in found]


async def test_each_change_has_one_entry_in_order(running: Stack) -> None:
    """Created, modified, tagged, renamed, moved, deleted, restored: each with the file as it was then."""
    me = running.person
    file = await running.put("/docs/a.txt")
    await running.put("/docs/a.txt", b"more")
    await me.ok("PATCH", f"/v1/files/{file['id']}", {"tags": ["x"]})
    folder = await me.folder("/other")
    await me.ok("PATCH", f"/v1/files/{file['id']}", {"name": "b.txt", "parent_id": folder["id"]})
    await me.ok("DELETE", f"/v1/files/{file['id']}")
    await me.ok("POST", f"/v1/files/{file['id']}/restore")
    found = await changes(me, limit=3)
    assert type_and_path(found) == [
        ("created", "/docs"),
        ("created", "/docs/a.txt"),
        ("modified", "/docs/a.txt"),
        ("modified", "/docs/a.txt"),
        ("created", "/other"),
        ("moved", "/other/b.txt"),
        ("deleted", "/other/b.txt"),
        ("restored", "/other/b.txt"),
    ]
    now = await me.get(file)
    assert found[-1]["file"] | {"indexed": now["indexed"]} == {k: v for k, v in now.items() if not k.endswith("_name")}
    assert found[3]["file"]["tags"] == ["x"]


async def test_a_folders_entry_covers_its_contents(running: Stack) -> None:
    """Deleting and restoring a folder is one entry each, though events of each descendant are published."""
    me = running.person
    await running.put("/f/one.txt")
    folder = await me.at("/f")
    cursor = await latest(me)
    await me.ok("DELETE", f"/v1/files/{folder['id']}")
    await me.ok("POST", f"/v1/files/{folder['id']}/restore")
    assert type_and_path(await changes(me, cursor)) == [("deleted", "/f"), ("restored", "/f")]


async def test_a_journal_is_private(running: Stack) -> None:
    """Another account finds nothing in its own journal, and can't use a foreign cursor."""
    await running.put("/a.txt")
    assert await changes(running.other) == []
    cursor = await latest(running.person)
    for wrong in (cursor, "garbage", encode_cursor(running.other.account_id, -1), encode_cursor("x"), "%00"):
        assert await running.other.refused("GET", f"/v1/changes?cursor={wrong}") == (422, "invalid_cursor")
        assert await running.other.refused("GET", f"/v1/snapshot?cursor={wrong}") == (422, "invalid_cursor")


async def test_an_expired_cursor_is_410_and_the_snapshot_continues(running: Stack) -> None:
    """From the beginning, from before a gap and from beyond the end; the snapshot's cursor works."""
    me = running.person
    for number in range(6):
        await running.put(f"/{number}.txt")
    ids = [entry_id(me.account_id, number) for number in (1, 2, 3)]
    await running.database["journal"].delete_many({"_id": {"$in": ids}})
    answer = await me.send("GET", "/v1/changes")
    assert (answer.status, answer.json()["code"]) == (410, "cursor_expired")
    assert answer.json()["snapshot"] == "/v1/snapshot"
    for after in (2, 99):
        cursor = encode_cursor(me.account_id, after)
        assert await me.refused("GET", f"/v1/changes?cursor={cursor}") == (410, "cursor_expired")
    assert len(await changes(me, encode_cursor(me.account_id, 3))) == 3
    await running.database["journal"].delete_many({})
    assert await me.refused("GET", f"/v1/changes?cursor={encode_cursor(me.account_id, 5)}") == (410, "cursor_expired")
    assert await changes(me, encode_cursor(me.account_id, 6)) == []
    snapshot = await me.ok("GET", "/v1/snapshot")
    await running.put("/later.txt")
    assert type_and_path(await changes(me, snapshot["changes_cursor"])) == [("created", "/later.txt")]


async def test_a_restore_reuses_no_number(running: Stack) -> None:
    """Cursors from the backup's end on lead to 410, and the snapshot has another epoch."""
    me, other = running.person, running.other
    await running.put("/a.txt")
    before = await me.ok("GET", "/v1/snapshot")
    assert before["epoch"] == ""
    numbers, epochs = [decode_cursor(before["changes_cursor"], str, int)[1]], {""}
    for _ in range(3):
        await after_restore(restored(running.database, [me.account_id, other.account_id]))
        for after in (numbers[-1], numbers[-1] + 1, numbers[-1] + 7):
            for person in (me, other):
                cursor = encode_cursor(person.account_id, after)
                assert await person.refused("GET", f"/v1/changes?cursor={cursor}") == (410, "cursor_expired")
        for person in (me, other):
            snapshot = await person.ok("GET", "/v1/snapshot")
            assert snapshot["epoch"] not in epochs or person is other
            epochs.add(snapshot["epoch"])
        numbers.append(decode_cursor(snapshot["changes_cursor"], str, int)[1] + 5)
    snapshot = await me.ok("GET", "/v1/snapshot")
    await running.put("/later.txt")
    assert type_and_path(await changes(me, snapshot["changes_cursor"])) == [("created", "/later.txt")]


async def test_the_expiry_index_follows_a_changed_setting(running: Stack) -> None:
    """The index that removes old entries is updated at start."""
    await create_journal_indexes(running.database, 7)
    indexes = await running.database["journal"].index_information()
    assert indexes["kept"]["expireAfterSeconds"] == 7 * 24 * 3600


async def test_numbers_have_no_gap_under_parallel_writers(stack: Stack) -> None:
    """Two instances and many writers of one account, with a refused change among them: each commit has its number."""
    async with stack.run() as _, stack.run(url="local:second") as _:
        me = stack.person
        other = type(me)("local:second", me.issuer, me.account_id)
        await asyncio.gather(*((me, other)[number % 2].folder(f"/{number % 7}/{number}") for number in range(40)))
        paths = [path for kind, path in type_and_path(await changes(me, limit=7)) if kind == "created"]
        assert sorted(paths) == sorted({f"/{n % 7}" for n in range(40)} | {f"/{n % 7}/{n}" for n in range(40)})
        assert await stack.database["journal"].count_documents({}) == 47


async def test_a_failed_transaction_uses_no_number(fresh: Stack) -> None:
    """It leaves nothing in tree and journal, and the next change has the next number."""
    me = fresh.person
    await fresh.put("/a.txt")
    outbox = fresh.database["outbox"]
    await fresh.database.command("collMod", "outbox", validator={"value": {"$exists": False}})
    with pytest.raises(DomainError):
        await fresh.put("/b.txt")
    await fresh.database.command("collMod", "outbox", validator={})
    await fresh.put("/c.txt")
    assert await outbox.count_documents({}) == 2
    assert type_and_path(await changes(me)) == [("created", "/a.txt"), ("created", "/c.txt")]
    assert await me.names() == ["a.txt", "c.txt"]


async def test_late_pages_of_the_journal_use_the_index(running: Stack) -> None:
    """A page near the end of a long journal examines as many documents as it returns."""
    account = running.person.account_id
    shown = orjson.dumps(await running.other.folder("/seen"))
    rows = [
        {"_id": entry_id(account, n), "type": "created", "at": utc_now(), "paths": [n], "file": shown}
        for n in range(1, 5001)
    ]
    await running.database["journal"].insert_many(rows)
    await running.database["journals"].insert_one({"_id": account, "seq": 5000})
    page = await running.person.ok("GET", f"/v1/changes?limit=50&cursor={encode_cursor(account, 4900)}")
    assert [change["seq"] for change in page["changes"]] == list(range(4901, 4951))
    beyond = {"_id": {"$gt": entry_id(account, 4900), "$lte": entry_id(account, 5000)}}
    find = {"find": "journal", "filter": beyond, "sort": {"_id": 1}, "limit": 50}
    plan = await running.database.command("explain", find, verbosity="executionStats")
    assert plan["executionStats"]["totalDocsExamined"] == 50
    assert plan["executionStats"]["totalKeysExamined"] <= 51


async def test_entries_expire_by_their_age(fresh: Stack) -> None:
    """The expiry index has the period of the setting, and new entries have a time."""
    await fresh.put("/a.txt")
    [entry] = await fresh.database["journal"].find({}).to_list(None)
    assert utc_now() - entry["at"] < timedelta(minutes=1)
    indexes = await fresh.database["journal"].index_information()
    assert indexes["kept"]["expireAfterSeconds"] == 90 * 24 * 3600


async def test_heads_are_the_cursors_of_the_last_changes(running: Stack) -> None:
    """They are equal to the cursor of the last page of changes."""
    me = running.person
    unknown = new_id()
    body = {"accounts": [me.account_id, unknown]}
    before = (await running.internal.call("POST", "/internal/journals/heads", body))["heads"]
    assert decode_cursor(before[unknown], str, int) == [unknown, 0]
    await running.put("/a.txt")
    after = (await running.internal.call("POST", "/internal/journals/heads", body))["heads"]
    assert after[unknown] == before[unknown]
    assert after[me.account_id] != before[me.account_id]
    assert after[me.account_id] == await latest(me)


async def test_the_snapshot_has_every_reachable_node_once(running: Stack) -> None:
    """With pages of any size; the trash is left out."""
    me = running.person
    for number in range(7):
        await running.put(f"/d{number % 3}/{number}.txt")
    await me.ok("DELETE", f"/v1/files/{(await me.at('/d0'))['id']}")
    wanted = ["/d1", "/d1/1.txt", "/d1/4.txt", "/d2", "/d2/2.txt", "/d2/5.txt"]
    for limit in (1, 2, 1000):
        paths: list[str] = []
        cursor = ""
        while cursor is not None:
            page = await me.ok("GET", f"/v1/snapshot?limit={limit}&cursor={cursor}")
            assert len(page["items"]) <= limit
            assert page["changes_cursor"] == await latest(me)
            paths += [item["path"] for item in page["items"]]
            cursor = page["next_cursor"]
        assert sorted(paths) == wanted
