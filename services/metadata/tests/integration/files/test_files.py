"""Folders, listings, renames, moves, tags and copies, by the public routes."""

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from metadata_stack import Stack

from docstore_metadata.listing.query import parse_list_query
from docstore_metadata.listing.repository import page_filter, page_order
from docstore_metadata.tree.name_order import order_of
from docstore_platform.ids import new_id

pytestmark = pytest.mark.connected

NEVER = "2999-01-01T00:00:00Z"


async def test_a_new_account_has_an_empty_root(running: Stack) -> None:
    """By path and by the account's id; it can't be changed or deleted."""
    me = running.person.account_id
    assert await running.person.ok("GET", "/v1/files") == {"items": [], "next_cursor": None}
    assert await running.person.ok("GET", f"/v1/files?parent_id={me}") == {"items": [], "next_cursor": None}
    root = await running.person.at("/")
    assert (root["id"], root["path"], root["name"], root["parent_id"], root["kind"]) == (me, "/", "", None, "folder")
    assert await running.person.refused("PATCH", f"/v1/files/{me}", {"name": "x"}) == (409, "invalid_move")
    assert await running.person.refused("DELETE", f"/v1/files/{me}") == (409, "invalid_move")
    assert await running.person.refused("POST", f"/v1/files/{me}/copy", {"path": "/x"}) == (409, "invalid_move")


async def test_concurrent_first_calls_of_a_new_account_succeed(running: Stack) -> None:
    """Listings, folders and commits race to create the root; no listing is stale afterwards."""
    for _ in range(5):
        person = replace(running.person, account_id=new_id())
        await asyncio.gather(
            *(person.names() for _ in range(5)),
            *(person.folder(f"/folder-{n}") for n in range(5)),
            *(running.commit(running.item(f"/file-{n}", account_id=person.account_id)) for n in range(5)),
        )
        assert len(await person.names()) == 10


async def test_folders_are_created_with_their_parents(running: Stack) -> None:
    """201, or 200 for an existing folder, 409 for a file."""
    answer = await running.person.send("POST", "/v1/folders", {"path": "/a/b/c"})
    assert answer.status == 201
    again = await running.person.send("POST", "/v1/folders", {"path": "/a/b/c"})
    assert (again.status, again.json()) == (200, answer.json())
    await running.put("/a/file")
    assert await running.person.refused("POST", "/v1/folders", {"path": "/a/file"}) == (409, "name_taken")
    assert await running.person.refused("POST", "/v1/folders", {"path": "/a/file/x"}) == (409, "not_a_folder")


BAD_PATHS = ["", "a", "/a//b", "/a/", "/.", "/a/../b", "/a\x00b", "/a\nb", "/\x7f", "/" + "x" * 256, "/" + "a" * 5000]
BAD_PATHS += ["/e\u0301", "/" + "é" * 128, "/" + "/".join("a" * 65)]


@pytest.mark.parametrize("path", BAD_PATHS)
async def test_invalid_paths_are_refused(running: Stack, path: str) -> None:
    """Every route with a path answers 422 invalid_path."""
    person, refusal = running.person, (422, "invalid_path")
    file = await running.put("/file")
    assert await person.refused("POST", "/v1/folders", {"path": path}) == refusal
    assert await person.refused("POST", f"/v1/files/{file['id']}/copy", {"path": path}) == refusal
    assert await person.refused("GET", f"/v1/files?path={quote(path)}") == refusal
    assert await person.refused("GET", f"/v1/files/by-path?path={quote(path)}") == refusal
    assert (await running.commit(running.item(path)))[0]["problem"]["code"] == "invalid_path"
    name = path.removeprefix("/")
    if name != "a" and "/" not in name:
        assert await person.refused("PATCH", f"/v1/files/{file['id']}", {"name": name}) == refusal


async def test_listing_sorts_filters_and_pages(running: Stack) -> None:
    """Each order up and down in pages of two equals the whole; filters by tag, type, prefix and time."""
    sizes = {"b.txt": 3, "a.txt": 3, "d.png": 1, "c.txt": 2, "e.txt": 3}
    for name, size in sizes.items():
        kind = "image/png" if name.endswith("png") else "text/plain"
        await running.put(
            f"/l/{name}", b"x" * size, content_type=kind, tags=["odd"] if name in ("a.txt", "d.png") else []
        )
    await running.person.folder("/l/f")
    for sort in ("natural", "name", "modified", "created", "size"):
        for order in ("asc", "desc"):
            whole = await running.person.names(f"path=/l&sort={sort}&order={order}")
            assert len(whole) == 6
            paged, cursor = [], ""
            while True:
                page = await running.person.ok("GET", f"/v1/files?path=/l&sort={sort}&order={order}&limit=2{cursor}")
                paged += [item["name"] for item in page["items"]]
                if page["next_cursor"] is None:
                    break
                cursor = f"&cursor={page['next_cursor']}"
            assert paged == whole
    assert await running.person.names("path=/l&sort=created") == [*sizes, "f"]
    assert (await running.person.names("path=/l&sort=size"))[:3] == ["f", "d.png", "c.txt"]
    assert await running.person.names("path=/l&tag=odd") == ["a.txt", "d.png"]
    assert await running.person.names("path=/l&type=image/*") == ["d.png"]
    assert await running.person.names("path=/l&type=text/plain&sort=size") == ["c.txt", "b.txt", "a.txt", "e.txt"]
    assert await running.person.names("path=/l&prefix=e") == ["e.txt"]
    middle = await running.person.at("/l/d.png")
    after = quote(middle["modified_at"])
    assert await running.person.names(f"path=/l&sort=created&modified_after={after}") == [
        "d.png",
        "c.txt",
        "e.txt",
        "f",
    ]
    assert await running.person.names(f"path=/l&sort=created&modified_before={after}") == ["b.txt", "a.txt"]
    created = quote(middle["created_at"])
    assert await running.person.names(f"path=/l&sort=name&created_after={created}") == ["c.txt", "d.png", "e.txt", "f"]
    assert await running.person.names(f"path=/l&sort=created&created_before={created}") == ["b.txt", "a.txt"]
    among = f"path=/l&sort=created&order=desc&created_after={created}&created_before={quote(NEVER)}"
    first = await running.person.ok("GET", f"/v1/files?{among}&limit=1")
    rest = await running.person.names(f"{among}&cursor={first['next_cursor']}")
    assert [first["items"][0]["name"], *rest] == ["f", "e.txt", "c.txt", "d.png"]


async def test_listing_is_filtered_by_metadata_kind_and_owner(running: Stack) -> None:
    """Exactly the pair, all of several, of files and folders, in pages; no one else owns what is in the folder."""
    both, one = {"author": "Ada", "year": "1843"}, {"author": "Ada"}
    for number in range(5):
        await running.put(f"/l/{number}.txt", metadata=both if number % 2 else one)
    await running.put("/l/other.txt", metadata={"author": "Adam", "by": "Ada"})
    await running.put("/l/none.txt")
    folder = await running.person.folder("/l/notes")
    await running.person.ok("PATCH", f"/v1/files/{folder['id']}", {"metadata": one})
    names = running.person.names
    everything = ["notes", "0.txt", "1.txt", "2.txt", "3.txt", "4.txt"]
    assert await names("path=/l&meta.author=Ada") == everything
    assert await names("path=/l&meta.author=Ada&meta.year=1843") == ["1.txt", "3.txt"]
    assert await names("path=/l&meta.author=Ada&meta.author=Bob") == []
    for wrong in ("ada", "Ad", ""):
        assert await names(f"path=/l&meta.author={wrong}") == []
    for sort in ("natural", "name", "modified", "created", "size"):
        page = await running.person.ok("GET", f"/v1/files?path=/l&meta.author=Ada&sort={sort}&limit=2")
        seen = [item["name"] for item in page["items"]]
        rest = await names(f"path=/l&meta.author=Ada&sort={sort}&cursor={page['next_cursor']}")
        assert sorted([*seen, *rest]) == sorted(everything)
        assert await names(f"path=/l&kind=folder&sort={sort}") == ["notes"]
        assert len(await names(f"path=/l&kind=file&sort={sort}")) == 7
    first = await running.person.ok("GET", "/v1/files?path=/l&kind=file&limit=3")
    assert len(await names(f"path=/l&kind=file&cursor={first['next_cursor']}")) == 4
    assert await names("path=/l&kind=file&meta.author=Ada&order=desc") == everything[:0:-1]
    me = running.person.account_id
    assert len(await names(f"path=/l&owner={me}")) == 8
    assert await names(f"path=/l&owner={running.other.account_id}") == []
    await running.person.ok("PATCH", f"/v1/files/{folder['id']}", {"metadata": {}})
    assert await names("path=/l&meta.author=Ada&kind=folder") == []


@pytest.mark.parametrize("query", ["kind=link", "meta.author=" + "x" * 257, "meta.a=a%0Ab"])
async def test_filters_that_nothing_can_pass_are_refused(running: Stack, query: str) -> None:
    """422, not an empty list."""
    assert (await running.person.refused("GET", f"/v1/files?{query}"))[0] == 422
    assert await running.person.refused("GET", "/v1/files?meta.Author=x") == (400, "unknown_parameter")


async def test_a_folder_is_listed_in_natural_order(running: Stack) -> None:
    """Folders first, names without case, numbers by value; also after a rename, a copy and a restore."""
    for path in ("/l/b10.txt", "/l/B9.txt", "/l/a.txt", "/l/Z.txt"):
        await running.put(path, b"x", tags=["odd"])
    for path in ("/l/zoo", "/l/Attic"):
        await running.person.folder(path)
    assert await running.person.names("path=/l") == ["Attic", "zoo", "a.txt", "B9.txt", "b10.txt", "Z.txt"]
    assert await running.person.names("path=/l&order=desc&tag=odd") == ["Z.txt", "b10.txt", "B9.txt", "a.txt"]
    assert await running.person.names("path=/l&sort=name") == ["Attic", "B9.txt", "Z.txt", "a.txt", "b10.txt", "zoo"]
    last = await running.person.at("/l/Z.txt")
    await running.person.ok("PATCH", f"/v1/files/{last['id']}", {"name": "b09.TXT"})
    await running.person.ok("POST", f"/v1/files/{last['id']}/copy", {"path": "/l/b9 copy.txt"})
    await running.person.ok("DELETE", f"/v1/files/{last['id']}")
    assert await running.person.names("path=/l") == ["Attic", "zoo", "a.txt", "b9 copy.txt", "B9.txt", "b10.txt"]
    await running.person.ok("POST", f"/v1/files/{last['id']}/restore")
    assert (await running.person.names("path=/l"))[4:6] == ["B9.txt", "b09.TXT"]


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ("", "live_by_order"),
        ("&kind=file", "live_by_order"),
        ("&tag=odd", "live_by_tag_in_order"),
        ("&meta.parity=odd", "live_by_metadata_in_order"),
    ],
)
async def test_late_pages_of_the_natural_order_use_the_index(running: Stack, filters: str, index: str) -> None:
    """A page in the middle reads as many nodes as it shows, without sorting."""
    odd = {"tags": ["odd"], "metadata": {"parity": "odd", "other": "x"}}
    await running.commit(
        *(running.item(f"/l/{number}.txt", **(odd if number % 5 == 1 else {})) for number in range(60))
    )
    folder = await running.person.at("/l")
    page = parse_list_query(f"limit=5{filters}").page
    middle = replace(page, position=(order_of("file", "30.txt"), "0"))
    condition, order = page_filter(folder["id"], middle), dict(page_order(middle))
    find = {"find": "nodes", "filter": condition, "sort": order, "limit": 5}
    plan = await running.database.command("explain", find, verbosity="executionStats")
    assert plan["executionStats"]["totalDocsExamined"] <= 6
    assert f"'indexName': '{index}'" in str(plan["queryPlanner"]["winningPlan"])
    assert "'stage': 'SORT'" not in str(plan["queryPlanner"]["winningPlan"])


async def test_nodes_of_older_releases_get_their_sort_key(stack: Stack) -> None:
    """At the first start of this release."""
    async with stack.run():
        await stack.commit(*(stack.item(f"/{name}") for name in ("b.txt", "A.txt")))
    await stack.database["nodes"].drop_index("live_by_order")
    await stack.database["nodes"].update_many({}, {"$unset": {"order": ""}})
    async with stack.run():
        assert await stack.person.names("path=/") == ["A.txt", "b.txt"]
        assert await stack.database["nodes"].count_documents({"order": {"$exists": False}}) == 0


@pytest.mark.parametrize(
    "query",
    [
        "sort=colour",
        "order=up",
        "limit=0",
        "limit=1001",
        "limit=x",
        "cursor=!!",
        "modified_after=soon",
        "created_before=soon",
    ],
)
async def test_invalid_parameters_of_a_listing_are_refused(running: Stack, query: str) -> None:
    """422 for each."""
    status, _ = await running.person.refused("GET", f"/v1/files?{query}")
    assert status == 422


async def test_a_cursor_of_another_order_is_refused(running: Stack) -> None:
    """422 invalid_cursor."""
    await running.commit(*(running.item(f"/{n}.txt") for n in range(3)))
    page = await running.person.ok("GET", "/v1/files?sort=size&limit=1")
    refused = await running.person.refused("GET", f"/v1/files?sort=name&limit=1&cursor={page['next_cursor']}")
    assert refused == (422, "invalid_cursor")


async def test_a_listing_answers_304_until_something_changes(running: Stack) -> None:
    """The ETag changes with a child, its tags or a name above."""
    person = running.person
    file = await running.put("/top/l/a.txt")
    folder = await person.at("/top/l")
    etags = set()

    async def etag() -> str:
        answer = await person.send("GET", f"/v1/files?parent_id={folder['id']}")
        again = await person.send("GET", f"/v1/files?parent_id={folder['id']}", if_none_match=answer.headers["etag"])
        assert (again.status, again.body) == (304, b"")
        assert answer.headers["etag"] not in etags
        etags.add(answer.headers["etag"])
        return str(answer.headers["etag"])

    await etag()
    await running.put("/top/l/b.txt")
    await etag()
    await person.ok("PATCH", f"/v1/files/{file['id']}", {"tags": ["x"]})
    await etag()
    await running.put("/top/l/a.txt")
    await etag()
    await person.ok("PATCH", f"/v1/files/{folder['parent_id']}", {"name": "other"})
    await etag()
    await person.ok("DELETE", f"/v1/files/{file['id']}")
    await etag()


async def test_only_existing_folders_can_be_listed(running: Stack) -> None:
    """409 for a file, 404 for an unknown id."""
    file = await running.put("/a.txt")
    assert await running.person.refused("GET", "/v1/files?path=/a.txt") == (409, "not_a_folder")
    assert await running.person.refused("GET", f"/v1/files?parent_id={file['id']}") == (409, "not_a_folder")
    assert await running.person.refused("GET", "/v1/files?path=/nothing") == (404, "not_found")


async def test_renaming_a_folder_changes_the_paths_below(running: Stack) -> None:
    """By one write; the folder publishes file-moved with its old path, the file nothing."""
    file = await running.put("/a/b/c.txt")
    folder = await running.person.at("/a")
    moved = await running.person.ok("PATCH", f"/v1/files/{folder['id']}", {"name": "z"})
    assert moved["path"] == "/z"
    assert (await running.person.get(file))["path"] == "/z/b/c.txt"
    assert (await running.person.at("/z/b/c.txt"))["id"] == file["id"]
    assert await running.person.refused("GET", "/v1/files/by-path?path=/a/b/c.txt") == (404, "not_found")
    assert await running.events(folder["id"]) == ["file-created", "file-moved"]
    assert (await running.event(folder["id"], "file-moved"))["previous_path"] == "/a"
    assert await running.events(file["id"]) == ["file-created"]


async def test_move_rename_and_tag_in_one_call(running: Stack) -> None:
    """Repeating the PATCH changes nothing; If-Match compares the ETag."""
    file, folder = await running.put("/a.txt"), await running.person.folder("/folder")
    change = {"name": "b.txt", "parent_id": folder["id"], "tags": [" x ", "y", "x"]}
    moved = await running.person.ok("PATCH", f"/v1/files/{file['id']}", change, if_match=file["etag"])
    assert (moved["path"], moved["tags"], moved["id"]) == ("/folder/b.txt", ["x", "y"], file["id"])
    assert await running.events(file["id"]) == ["file-created", "file-moved", "file-tagged"]
    assert await running.person.ok("PATCH", f"/v1/files/{file['id']}", change) == moved
    stale = await running.person.refused("PATCH", f"/v1/files/{file['id']}", {"name": "c"}, if_match=file["etag"])
    assert stale == (412, "precondition_failed")
    cleared = await running.person.ok("PATCH", f"/v1/files/{file['id']}", {"tags": []}, if_match=moved["etag"])
    assert cleared["tags"] == []
    assert await running.person.names(f"parent_id={folder['id']}&tag=x") == []


async def test_invalid_moves_are_refused(running: Stack) -> None:
    """Taken names, files as parents, unknown and foreign folders, a folder into itself or below."""
    person = running.person
    a, b = await running.put("/a"), await running.put("/b")
    folder, inner = await person.folder("/f"), await person.folder("/f/g/h")
    foreign = await running.other.folder("/theirs")
    assert await person.refused("PATCH", f"/v1/files/{a['id']}", {"name": "b"}) == (409, "name_taken")
    assert await person.refused("PATCH", f"/v1/files/{a['id']}", {"parent_id": b["id"]}) == (409, "not_a_folder")
    assert await person.refused("PATCH", f"/v1/files/{a['id']}", {"parent_id": "x"}) == (404, "not_found")
    assert await person.refused("PATCH", f"/v1/files/{a['id']}", {"parent_id": foreign["id"]}) == (404, "not_found")
    for target in (folder, inner):
        refused = await person.refused("PATCH", f"/v1/files/{folder['id']}", {"parent_id": target["id"]})
        assert refused == (409, "invalid_move")


@pytest.mark.parametrize("deepest", ["file", "folder"])
async def test_a_move_beyond_the_maximum_depth_is_refused(running: Stack, deepest: str) -> None:
    """Of a folder with contents that would have a 65th name in their path; so is the copy."""
    person = running.person
    path = "/a/" + "/".join("x" * 61)
    await (running.put(f"{path}/file") if deepest == "file" else person.folder(f"{path}/folder"))
    a, fits, too_deep = await person.at("/a"), await person.folder("/b"), await person.folder("/b/c")
    move = {"parent_id": too_deep["id"]}
    assert await person.refused("PATCH", f"/v1/files/{a['id']}", move) == (422, "invalid_path")
    copy = {"path": "/b/c/a"}
    assert await person.refused("POST", f"/v1/files/{a['id']}/copy", copy) == (422, "invalid_path")
    assert await running.events(a["id"]) == ["file-created"]
    await person.ok("PATCH", f"/v1/files/{a['id']}", {"parent_id": fits["id"]})
    assert (await person.at(f"/b{path}/{deepest}"))["kind"] == deepest
    await person.ok("PATCH", f"/v1/files/{fits['id']}", {"name": "d"})


async def test_foreign_ids_are_404_on_every_route(running: Stack) -> None:
    """Other accounts learn nothing of a file, folder or trashed file by any route with an id."""
    file, folder = await running.put("/f/a.txt"), await running.person.at("/f")
    trashed = await running.put("/t")
    await running.person.ok("DELETE", f"/v1/files/{trashed['id']}")
    for node in (file, folder, trashed, {"id": "0" * 32}):
        path = f"/v1/files/{node['id']}"
        calls: list[tuple[str, str, Any]] = [
            ("GET", path, None),
            ("GET", f"/v1/files?parent_id={node['id']}", None),
            ("PATCH", path, {"name": "x"}),
            ("POST", f"{path}/copy", {"path": "/x"}),
            ("DELETE", path, None),
            ("POST", f"{path}/restore", None),
            ("DELETE", f"/v1/trash/{node['id']}", None),
            ("GET", f"{path}/content", None),
            ("GET", f"{path}/versions", None),
            ("GET", f"{path}/changes?since=0", None),
            ("POST", f"{path}/versions/1/restore", None),
        ]
        for method, route, body in calls:
            assert await running.other.refused(method, route, body) == (404, "not_found"), (method, route)
    looked_up = {"account_id": running.other.account_id, "ids": [file["id"], folder["id"]]}
    assert await running.internal.call("POST", "/internal/files/lookup", looked_up) == {"files": []}


async def test_copy_of_a_file_shares_its_object(fresh: Stack) -> None:
    """Its size is counted by the reservation that its event names."""
    file = await fresh.put("/a.txt", b"hello", tags=["x"])
    copy = await fresh.person.ok("POST", f"/v1/files/{file['id']}/copy", {"path": "/new/b.txt"})
    assert (copy["path"], copy["size"], copy["sha256"], copy["tags"]) == ("/new/b.txt", 5, file["sha256"], ["x"])
    created = await fresh.event(copy["id"], "file-created")
    assert fresh.quota.reserved == {created["upload_id"]: 5}
    assert created["file"]["object_key"] == (await fresh.event(file["id"], "file-created"))["file"]["object_key"]
    assert [row["refs"] async for row in fresh.database["objects"].find()] == [2]
    taken = await fresh.person.refused("POST", f"/v1/files/{file['id']}/copy", {"path": "/new/b.txt"})
    assert taken == (409, "name_taken")
    assert len(fresh.quota.released) == 1


async def test_copy_beyond_the_quota_is_refused(running: Stack) -> None:
    """507, nothing is created, and the reservation is released."""
    running.quota.room = 8
    await running.commit(running.item("/f/a"), running.item("/f/b"))
    folder = await running.person.at("/f")
    refused = await running.person.refused("POST", f"/v1/files/{folder['id']}/copy", {"path": "/g"})
    assert refused == (507, "over_quota")
    assert running.quota.released == set(running.quota.reserved)
    assert await running.person.names() == ["f"]


async def test_copy_of_a_folder_copies_all_below(stack: Stack) -> None:
    """At every depth, also into the folder itself; a folder beyond the limit is refused."""
    async with stack.run(max_copied_nodes=5):
        await stack.commit(stack.item("/f/a"), stack.item("/f/g/b"), stack.item("/f/g/c"))
        folder = await stack.person.at("/f")
        copy = await stack.person.ok("POST", f"/v1/files/{folder['id']}/copy", {"path": "/f/copy"})
        assert copy["path"] == "/f/copy"
        assert await stack.person.names("path=/f/copy") == ["g", "a"]
        assert await stack.person.names("path=/f/copy/g") == ["b", "c"]
        refused = await stack.person.refused("POST", f"/v1/files/{folder['id']}/copy", {"path": "/more"})
        assert refused == (413, "too_large")
