"""Commits, on the real servers."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from metadata_stack import Stack

from docstore_platform.ids import new_id

pytestmark = pytest.mark.connected

BATCHES, FILES = 3, 20


async def test_a_commit_creates_the_file_and_its_folders(running: Stack) -> None:
    """The response is the public file; missing folders are created; each publishes file-created with its ancestors."""
    [result] = await running.commit(running.item("/docs/2026/a.txt", b"hello", tags=["x"]))
    file = result["file"]
    assert (file["name"], file["path"], file["size"], file["version"]) == ("a.txt", "/docs/2026/a.txt", 5, 1)
    assert (file["tags"], file["permission"], file["indexed"], file["preview"]) == (["x"], "owner", False, False)
    docs = await running.person.at("/docs")
    year = await running.person.at("/docs/2026")
    assert await running.events(docs["id"]) == ["file-created"]
    created = await running.event(file["id"], "file-created")
    assert created["file"]["ancestors"] == [running.person.account_id, docs["id"], year["id"]]
    assert created["path"] == "/docs/2026/a.txt"
    assert await running.person.get(file) == file | {"owner_name": None, "modified_by_name": None}


async def test_a_repeated_commit_gets_the_same_answer(running: Stack) -> None:
    """Alone or in a batch, it changes nothing, even if the file has changed or was deleted since."""
    first, other = running.item("/a.txt", base_version=0, on_conflict="fail"), running.item("/b.txt")
    [answer] = await running.commit(first)
    assert await running.commit(first) == [answer]
    again, _ = await running.commit(first, other)
    assert again == answer
    await running.person.ok("DELETE", f"/v1/files/{answer['file']['id']}")
    assert await running.commit(first) == [answer]
    assert await running.events(answer["file"]["id"]) == ["file-created", "file-deleted"]


async def test_a_refused_upload_stays_refused(running: Stack) -> None:
    """The uploaded object is deleted after a refusal: a late commit is refused too, even if it could succeed now."""
    file = await running.put("/a.txt")
    await running.person.ok("DELETE", f"/v1/files/{file['id']}")
    late, other = running.item(file_id=file["id"]), running.item("/b.txt")
    [refused] = await running.commit(late)
    assert refused["problem"]["code"] == "not_found"
    await running.person.ok("POST", f"/v1/files/{file['id']}/restore")
    assert await running.commit(late) == [refused]
    assert (await running.commit(late, other))[0] == refused
    assert (await running.person.get(file))["version"] == 1


async def test_one_upload_twice_in_a_batch_is_one_file(running: Stack) -> None:
    """Duplicates within a batch are detected."""
    item = running.item("/a.txt")
    first, second = await running.commit(item, item)
    assert first == second
    assert await running.person.names() == ["a.txt"]


async def test_a_commit_to_an_existing_path_is_its_next_version(running: Stack) -> None:
    """Without a base version; also within one batch."""
    results = await running.commit(running.item("/a.txt", b"1"), running.item("/a.txt", b"22"))
    third = await running.put("/a.txt", b"333")
    assert [result["version"] for result in results] == [1, 2]
    assert (third["id"], third["version"], third["size"]) == (results[0]["file"]["id"], 3, 3)
    assert await running.events(third["id"]) == ["file-created", "file-modified", "file-modified"]
    modified = await running.event(third["id"], "file-modified")
    assert modified["added_bytes"] == 3
    assert modified["upload_id"]
    assert await running.internal.call("GET", f"/internal/accounts/{running.person.account_id}/storage") == {
        "bytes": 6,
        "documents": 1,
    }


async def test_a_stale_base_becomes_a_conflicted_copy_or_is_refused(running: Stack) -> None:
    """The first commit on a base wins; later ones become copies named by day and device, or 409."""
    file = await running.put("/docs/report.pdf")
    day = datetime(2026, 11, 21, 12, tzinfo=UTC).isoformat()
    stale = {"base_version": 1, "device": "Ann's phone/2", "uploaded_at": day}
    assert (await running.put(file_id=file["id"], base_version=1))["version"] == 2
    copy = await running.put("/docs/report.pdf", **stale)
    assert copy["name"] == "report (conflicted copy 2026-11-21 Ann's phone2).pdf"
    [second] = await running.commit(running.item(None, file_id=file["id"], **stale))
    assert second["file"]["name"] == "report (conflicted copy 2026-11-21 Ann's phone2 2).pdf"
    assert (second["conflicted"], second["version"]) == (True, 1)
    [refused] = await running.commit(running.item("/docs/report.pdf", base_version=1, on_conflict="fail"))
    problem = refused["problem"]
    assert (problem["status"], problem["code"], problem["current_version"]) == (409, "version_conflict", 2)
    [created] = await running.commit(running.item("/docs/report.pdf", base_version=0, on_conflict="fail"))
    assert created["problem"]["code"] == "version_conflict"


async def test_only_one_of_many_commits_on_one_base_wins(stack: Stack) -> None:
    """Twenty concurrent commits through two instances: one new version, nineteen copies, nothing lost."""
    second_url = f"local:second-{new_id()}"
    async with stack.run(), stack.run(second_url):
        file = await stack.put("/race.txt", b"base")
        items = [stack.item("/race.txt", b"x", base_version=1, device=f"d{i}") for i in range(20)]
        other = type(stack.internal)("metadata", stack.infra.model_copy(update={"metadata_url": second_url}))

        async def commit(number: int) -> Any:
            client = stack.internal if number % 2 else other
            answer = await client.call("POST", "/internal/commits", {"items": [items[number]]})
            return answer["results"][0]

        results = await asyncio.gather(*(commit(number) for number in range(20)))
        winners = [result for result in results if not result["conflicted"]]
        assert [winner["file"]["id"] for winner in winners] == [file["id"]]
        assert winners[0]["version"] == 2
        assert len({result["file"]["id"] for result in results}) == 20
        assert len(await stack.person.names()) == 20
        assert await stack.events(file["id"]) == ["file-created", "file-modified"]


async def test_invalid_targets_of_commits_are_refused(running: Stack) -> None:
    """Each item gets its own answer: bad paths, folders, files in the way, deleted and foreign files."""
    folder, file = await running.person.folder("/folder"), await running.put("/file")
    gone = await running.put("/gone")
    await running.person.ok("DELETE", f"/v1/files/{gone['id']}")
    items = [
        running.item("/../x"),
        running.item("/folder"),
        running.item("/file/x"),
        running.item("/"),
        running.item(None, file_id=folder["id"]),
        running.item(None, file_id=gone["id"]),
        running.item(None, file_id="nothing"),
        running.item("/ok.txt"),
        running.item("/tagged.txt", tags=["\x00"]),
    ]
    results = await running.commit(*items)
    codes = [result.get("problem", {}).get("code") for result in results]
    assert codes == [
        "invalid_path",
        "name_taken",
        "not_a_folder",
        "name_taken",
        "not_a_file",
        "not_found",
        "not_found",
        None,
        "invalid_tags",
    ]
    other = running.item(None, file_id=file["id"], account_id=running.other.account_id)
    assert (await running.commit(other))[0]["problem"]["status"] == 404
    assert await running.person.names() == ["folder", "file", "ok.txt"]


async def test_check_predicts_the_outcome_of_a_commit(running: Stack) -> None:
    """Before an upload: its path and current version, or the problem."""
    file = await running.put("/docs/a.txt")
    items = [
        {"path": "/docs/a.txt"},
        {"path": "/new/deep/b.txt"},
        {"file_id": file["id"], "base_version": 1},
        {"path": "/docs/a.txt", "base_version": 7, "on_conflict": "fail"},
        {"path": "/docs/a.txt", "base_version": 7},
        {"path": "/docs"},
        {"path": "/docs/a.txt/x"},
        {"file_id": "nothing"},
        {"path": "a"},
    ]
    body = {"account_id": running.person.account_id, "items": items}
    results = (await running.internal.call("POST", "/internal/uploads/check", body))["results"]
    there = {
        "owner_id": running.person.account_id,
        "path": "/docs/a.txt",
        "file_id": file["id"],
        "current_version": 1,
    }
    absent = {**there, "path": "/new/deep/b.txt", "file_id": None, "current_version": 0}
    assert results[:3] == [there, absent, there]
    assert results[3]["problem"]["code"] == "version_conflict"
    assert results[4] == there
    codes = [result["problem"]["code"] for result in results[5:]]
    assert codes == ["name_taken", "not_a_folder", "not_found", "invalid_path"]


async def test_folders_are_created_unless_an_upload_wants_them_there(running: Stack) -> None:
    """`create_folders: false` refuses a path below a missing folder, when checked and at the commit."""
    await running.put("/there/a.txt")
    items = [{"path": path, "create_folders": False} for path in ("/b.txt", "/there/b.txt", "/gone/b.txt")]
    body = {"account_id": running.person.account_id, "items": items}
    *allowed, refused = (await running.internal.call("POST", "/internal/uploads/check", body))["results"]
    assert [each["path"] for each in allowed] == ["/b.txt", "/there/b.txt"]
    assert (refused["problem"]["status"], refused["problem"]["code"]) == (409, "no_parent_folder")
    *committed, late = await running.commit(
        *(running.item(item["path"], create_folders=item["create_folders"]) for item in items)
    )
    assert [each["file"]["path"] for each in committed] == ["/b.txt", "/there/b.txt"]
    assert late["problem"]["code"] == "no_parent_folder"
    assert await running.person.names() == ["there", "b.txt"]


async def test_a_batch_of_files_is_one_transaction(running: Stack) -> None:
    """Two hundred files in a new folder: each is published once, and the folder is created once."""
    results = await running.commit(*(running.item(f"/many/{n:03}.txt") for n in range(200)))
    assert [result["file"]["name"] for result in results] == [f"{n:03}.txt" for n in range(200)]
    assert len(await running.person.names("path=/many&limit=1000")) == 200
    root = await running.database["nodes"].find_one({"_id": running.person.account_id})
    assert root["children_revision"] == 1


async def test_concurrent_commits_into_one_folder_all_succeed(running: Stack) -> None:
    """Forty requests, some to the same paths: none fails, and the version numbers are correct."""
    answers = await asyncio.gather(
        *(
            running.commit(running.item(f"/shared/{n % 20}.txt"), running.item(f"/shared/own-{n}.txt"))
            for n in range(40)
        )
    )
    versions = sorted(answer[0]["version"] for answer in answers)
    assert versions == [1] * 20 + [2] * 20
    assert len(await running.person.names("path=/shared&limit=1000")) == 60


async def test_neither_large_batches_nor_small_commits_starve(running: Stack) -> None:
    """The owner sends batches and an editor single files to one tree, without pauses: all are committed."""
    owner, editor = running.person, running.other
    folder = await owner.folder("/team")
    await running.register(editor, "editor@example.com")
    await owner.ok("POST", f"/v1/files/{folder['id']}/shares", {"email": "editor@example.com", "role": "editor"})
    batches = files = 0

    async def send() -> None:
        nonlocal batches
        while batches < BATCHES or files < FILES:
            results = await running.commit(*(running.item(f"/own/{batches}-{n}.txt") for n in range(400)))
            assert all("file" in result for result in results)
            batches += 1

    async def edit() -> None:
        nonlocal files
        while batches < BATCHES or files < FILES:
            await running.put(f"/{files}.txt", account_id=editor.account_id, parent_id=folder["id"])
            files += 1

    await asyncio.gather(send(), edit())
    assert len(await owner.names("path=/team&limit=1000")) == files


async def test_versions_beyond_the_cap_are_pruned(stack: Stack) -> None:
    """The current and first versions stay; pruned ones are published with their bytes, and their objects deleted."""
    async with stack.run(max_versions=4):
        items = [stack.item("/a.txt", b"x" * (n + 1)) for n in range(7)]
        for item in items:
            await stack.commit(item)
        file = await stack.person.at("/a.txt")
        shown = (await stack.person.ok("GET", f"/v1/files/{file['id']}/versions"))["items"]
        kept = [version["version"] for version in shown]
        assert (len(kept), kept[0], kept[-1]) == (4, 7, 1)
        assert (await stack.events(file["id"])).count("version-pruned") == 3
        storage = await stack.internal.call("GET", f"/internal/accounts/{stack.person.account_id}/storage")
        assert storage["bytes"] == sum(kept)
        pruned = await stack.event(file["id"], "version-pruned")
        assert pruned["freed_bytes"] == pruned["pruned_version"]


async def test_the_version_cap_holds_for_files_of_several_owners(stack: Stack) -> None:
    """A batch that changes an own and a shared file keeps no more versions of either than the cap."""
    me, other = stack.person, stack.other
    async with stack.run(max_versions=3):
        await stack.register(me, "me@example.com")
        shared = await stack.put("/theirs.txt", account_id=other.account_id)
        await other.ok("POST", f"/v1/files/{shared['id']}/shares", {"email": "me@example.com", "role": "editor"})
        own = await stack.put("/mine.txt")
        for _ in range(5):
            await stack.commit(stack.item(file_id=own["id"]), stack.item(file_id=shared["id"]))
        for person, file in ((me, own), (other, shared)):
            kept = (await person.ok("GET", f"/v1/files/{file['id']}/versions"))["items"]
            assert len(kept) == 3


async def test_commits_of_several_accounts_are_written_together(running: Stack) -> None:
    """Each account gets its own files, also at equal paths, with gapless journals; what is refused to one is so only
    for it, and a repeated commit gets its first answer."""
    people = [running.new_person() for _ in range(6)]
    folder = await running.person.folder("/team")

    def item(number: int, path: str) -> dict[str, Any]:
        return running.item(path, account_id=people[number].account_id)

    repeated = item(0, "/first.txt")
    [first] = await running.commit(repeated)
    refused = running.item("/x.txt", account_id=people[1].account_id, parent_id=folder["id"])
    rounds = [
        [running.commit(item(number, f"/docs/{n}.txt")) for number in range(len(people)) for n in range(4)],
        [running.commit(refused), running.commit(repeated)],
        [running.commit(item(number, f"/docs/{n}.txt")) for number in range(len(people)) for n in range(4, 8)],
    ]
    answers = await asyncio.gather(*(call for calls in rounds for call in calls))
    assert sum("file" in answer for [answer] in answers) == len(answers) - 1
    assert answers[len(rounds[0]) + 1] == [first]
    for person in people:
        assert await person.names("path=/docs") == [f"{n}.txt" for n in range(8)]
        entries = await running.database["journal"].find({"_id": {"$regex": f"^{person.account_id}"}}).to_list(None)
        numbers = sorted(int(entry["_id"].rpartition(".")[2]) for entry in entries)
        assert numbers == list(range(1, len(entries) + 1))
        assert len(entries) == 9 + (person is people[0])
