"""Journals and snapshots of readers."""

from typing import Any

import orjson
import pytest
from metadata_stack import Person, Stack
from profiled import profiled

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.changes.recorder import FileEventRecorder
from docstore_metadata.changes.tree_changes import TreeChanges
from docstore_metadata.files.service import FileService
from docstore_metadata.journal.repository import MongoJournal, create_journal_indexes
from docstore_metadata.journal.service import ChangeFeed
from docstore_metadata.sharing.service import ShareService
from docstore_metadata.storage import Store
from docstore_metadata.sync import snapshot as snapshot_module
from docstore_metadata.trash.service import TrashService
from docstore_metadata.tree.lookup import Tree
from docstore_platform.clock import utc_now
from docstore_platform.security.tokens import Principal

pytestmark = pytest.mark.connected


async def changes_of(person: Person, cursor: str = "") -> list[tuple[str, str]]:
    page = await person.ok("GET", f"/v1/changes?limit=1000&cursor={cursor}")
    return [(change["type"], change["file"]["path"]) for change in page["changes"]]


async def latest(person: Person) -> str:
    return str((await person.ok("GET", "/v1/changes?cursor=latest"))["cursor"])


async def snapshot(person: Person, limit: int, cursor: str = "") -> list[str]:
    """Paths on all pages from a cursor on."""
    paths: list[str] = []
    while cursor is not None:
        page = await person.ok("GET", f"/v1/snapshot?limit={limit}&cursor={cursor}")
        paths += [item["path"] for item in page["items"]]
        cursor = page["next_cursor"]
    return paths


async def share(running: Stack, path: str, role: str = "viewer") -> str:
    """Share with `running.other`; the share's route."""
    await running.register(running.other, "reader@example.com")
    folder = await running.person.at(path)
    route = f"/v1/files/{folder['id']}/shares"
    made = await running.person.ok("POST", route, {"email": "reader@example.com", "role": role})
    return f"{route}/{made['id']}"


async def test_a_readers_journal_has_each_change(running: Stack) -> None:
    """From the share to its end, with the reader's paths; the owner's journal has no entry for shares."""
    owner, reader = running.person, running.other
    await running.put("/private/team/a.txt")
    route = await share(running, "/private/team")
    file = await running.put("/private/team/b.txt")
    await owner.ok("PATCH", f"/v1/files/{file['id']}", {"name": "c.txt"})
    await running.put("/private/secret.txt")
    await owner.ok("POST", route.rpartition("/")[0], {"email": "reader@example.com", "role": "editor"})
    await owner.ok("DELETE", f"/v1/files/{file['id']}")
    await owner.ok("DELETE", route)
    await running.put("/private/team/late.txt")
    assert await changes_of(reader) == [
        ("shared", "/team"),
        ("created", "/team/b.txt"),
        ("moved", "/team/c.txt"),
        ("shared", "/team"),
        ("deleted", "/team/c.txt"),
        ("unshared", "/team"),
    ]
    assert "shared" not in {kind for kind, _ in await changes_of(owner)}


async def test_moving_in_and_out_of_a_shared_folder_is_shared_and_unshared(running: Stack) -> None:
    """`moved` for the owner, `shared` or `unshared` for the reader; `moved` for both within the folder."""
    owner, reader = running.person, running.other
    await running.put("/team/sub/x.txt")
    await running.put("/own/y.txt")
    await share(running, "/team")
    team, y = await owner.at("/team"), await owner.at("/own/y.txt")
    cursor, owners = await latest(reader), await latest(owner)
    for parent in (team["id"], (await owner.at("/team/sub"))["id"], owner.account_id):
        await owner.ok("PATCH", f"/v1/files/{y['id']}", {"parent_id": parent})
    assert await changes_of(reader, cursor) == [
        ("shared", "/team/y.txt"),
        ("moved", "/team/sub/y.txt"),
        ("unshared", "/team/sub/y.txt"),
    ]
    assert [kind for kind, _ in await changes_of(owner, owners)] == ["moved"] * 3


async def test_a_file_shared_by_itself_stays_after_its_folder_is_unshared(running: Stack) -> None:
    """The reader's journal has the folder as `unshared` and the file as `shared`."""
    await running.put("/team/sub/x.txt")
    await running.put("/team/other.txt")
    route = await share(running, "/team")
    await share(running, "/team/sub/x.txt", "editor")
    cursor = await latest(running.other)
    await running.person.ok("DELETE", route)
    assert await changes_of(running.other, cursor) == [("unshared", "/team"), ("shared", "/x.txt")]
    assert await snapshot(running.other, 10) == ["/x.txt"]


async def test_a_reader_of_a_file_sees_its_folders_deletion(running: Stack) -> None:
    """And its restoration, by entries of the file."""
    await running.put("/a/b/x.txt")
    await running.put("/a/b/y.txt")
    await share(running, "/a/b/x.txt")
    cursor = await latest(running.other)
    folder = await running.person.at("/a")
    await running.person.ok("DELETE", f"/v1/files/{folder['id']}")
    await running.jobs_done()
    assert await changes_of(running.other, cursor) == [("deleted", "/x.txt")]
    await running.person.ok("POST", f"/v1/files/{folder['id']}/restore")
    await running.jobs_done()
    assert await changes_of(running.other, cursor) == [("deleted", "/x.txt"), ("restored", "/x.txt")]


@pytest.mark.parametrize("max_folders", [snapshot_module.MAX_FOLDERS, 1])
async def test_the_snapshot_contains_shared_trees(
    running: Stack, monkeypatch: pytest.MonkeyPatch, max_folders: int
) -> None:
    """Own files first, then each shared tree once, with pages of any size; nothing after the share ends.

    A tree with very many folders is read in another way, with the same result.
    """
    monkeypatch.setattr(snapshot_module, "MAX_FOLDERS", max_folders)
    owner, reader = running.person, running.other
    for path in ("/p/team/a.txt", "/p/team/s/b.txt", "/p/team/s/t/c.txt", "/p/team/u/d.txt", "/p/one.txt", "/p/no.txt"):
        await running.put(path)
    route = await share(running, "/p/team")
    await share(running, "/p/team/s/t")
    await share(running, "/p/one.txt")
    await reader.folder("/mine")
    in_team = ["", "/a.txt", "/s", "/s/b.txt", "/s/t", "/s/t/c.txt", "/u", "/u/d.txt"]
    wanted = sorted(["/mine", "/one.txt", *(f"/team{path}" for path in in_team)])
    for limit in (1, 2, 3, 1000):
        assert sorted(await snapshot(reader, limit)) == wanted
    await owner.ok("DELETE", route)
    assert sorted(await snapshot(reader, 2)) == ["/mine", "/one.txt", "/t", "/t/c.txt"]


async def test_a_shared_tree_that_grows_beside_its_snapshot_is_read_whole(
    running: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has very many folders from the second page on: the rest is read in the other way, and may repeat items."""
    for path in ("/team/a.txt", "/team/s/b.txt", "/team/s/t/c.txt", "/team/u/d.txt"):
        await running.put(path)
    await share(running, "/team")
    whole = await snapshot(running.other, 1000)
    first = await running.other.ok("GET", "/v1/snapshot?limit=4")
    monkeypatch.setattr(snapshot_module, "MAX_FOLDERS", 1)
    rest = await snapshot(running.other, 2, first["next_cursor"])
    assert len(first["items"]) == 4
    assert {item["path"] for item in first["items"]} | set(rest) == set(whole)


async def test_pages_of_a_shared_tree_use_indexes(running: Stack) -> None:
    """Finding its folders reads folders only; a page reads no more nodes than it shows."""
    items = [running.item(f"/team/{number % 10}/{number}.txt") for number in range(300)]
    await running.commit(*items)
    team = await running.person.at("/team")
    database = running.database
    ids = [team["id"], *[row["_id"] async for row in database["nodes"].find({"parent": team["id"]})]]
    folders = {"find": "nodes", "filter": {"parent": {"$in": ids}, "kind": "folder", "live": True}}
    plan = await database.command("explain", folders, verbosity="executionStats")
    assert plan["executionStats"]["totalDocsExamined"] == 10
    order = {"parent": 1, "created": 1, "_id": 1}
    page = {"find": "nodes", "filter": {"parent": {"$in": sorted(ids)}, "live": True}, "sort": order, "limit": 50}
    plan = await database.command("explain", page, verbosity="executionStats")
    assert plan["executionStats"]["totalDocsExamined"] == 50


async def test_many_shares_of_others_do_not_slow_a_reader(running: Stack) -> None:
    """Revoking one person's share and reading a page of a snapshot read few or none of another's many shares."""
    await running.put("/team/x.txt")
    route = await share(running, "/team")
    database, friend = running.database, running.new_person()
    await friend.folder("/much")
    [much] = await database["nodes"].find({"owner": friend.account_id, "name": "much"}).to_list(1)
    share_row = await database["shares"].find_one({"account": running.other.account_id})
    many = [{**much, "_id": f"{number:032x}", "name": str(number)} for number in range(1000)]
    rows = [{"_id": one["_id"], "node": one["_id"], "owner": friend.account_id} for one in many]
    await database["nodes"].insert_many([{**one, "shared_with": {share_row["account"]: "viewer"}} for one in many])
    await database["shares"].insert_many([{**share_row, **row} for row in rows])
    async with profiled(database, {"command.aggregate": "nodes"}) as lookups:
        await running.person.ok("DELETE", route)
        await running.other.ok("GET", "/v1/snapshot?limit=1")
    assert [row["docsExamined"] for row in lookups if row["docsExamined"] > 200] == []


async def test_a_file_created_while_its_folder_is_shared_is_not_missed(stack: Stack) -> None:
    """By a transaction that spans the share: it has an entry, or existed at the folder's entry."""
    owner, reader = stack.person.account_id, stack.new_person()
    store = Store.in_mongo(stack.database, lease_seconds=30)
    await store.create_indexes()
    await create_journal_indexes(stack.database, 30)
    transactor = Transactor(stack.mongo, stack.database, "metadata", stack.infra.topic_prefix)
    tree = Tree(store.nodes)
    await stack.register(reader, "reader@example.com")
    caller = Principal(owner, "s1", "user", "laptop")
    files = FileService(store, tree, transactor, TrashService(store, tree, transactor))
    await files.make_folder(caller, "/team/sub")
    team = await files.get_by_path(caller, "/team")
    shares = ShareService(store, tree, transactor, set)
    shared: list[Any] = []

    async def make_folder(transaction: Transaction) -> None:
        parts = ("team", "sub", "new")
        found = await tree.walk(owner, [parts], transaction.session)
        changes = TreeChanges(utc_now(), owner, "laptop")
        changes.make_folder(owner, parts, found, FileEventRecorder(transaction, owner))
        if not shared:
            shared.append(await shares.share(caller, team.node.id, "reader@example.com", {"role": "viewer"}))
        await changes.write(store, transaction.session)

    await transactor.run(make_folder)
    page = orjson.loads((await ChangeFeed(MongoJournal(stack.database)).page(reader.account_id, None, 10)).body)
    changes = [(change["type"], change["file"]["path"]) for change in page["changes"]]
    assert changes == [("shared", "/team"), ("created", "/team/sub/new")]
