"""Compare: a client's files against the files of the service, its trash and its journal."""

from typing import Any

import pytest
from metadata_stack import Person, Stack

pytestmark = pytest.mark.connected

SAME, OTHER = "ab" * 32, "cd" * 32
"""The checksum of every file committed here, and another one."""


async def compare(person: Person, files: dict[str, str], **folder: str) -> dict[str, Any]:
    entries = [{"path": path, "sha256": sha256} for path, sha256 in files.items()]
    answer: dict[str, Any] = await person.ok("POST", "/v1/compare", {"entries": entries, **folder})
    for name in ("newer", "missing"):
        answer[name] = [file["path"] for file in answer[name]]
    return answer


async def test_compare_classifies_each_entry(running: Stack) -> None:
    """Same, newer, missing, deleted or unknown; a folder at the path of a client's file is newer."""
    for path in ("/same.txt", "/changed.txt", "/only-here.txt", "/d/gone.txt", "/folder/x.txt"):
        await running.put(path)
    await running.person.ok("DELETE", f"/v1/files/{(await running.person.at('/d/gone.txt'))['id']}")
    listed = {"/same.txt": SAME, "/changed.txt": OTHER, "/d/gone.txt": SAME, "/never.txt": SAME, "/folder": SAME}
    assert await compare(running.person, listed) == {
        "same": 1,
        "newer": ["/changed.txt", "/folder"],
        "missing": ["/only-here.txt", "/folder/x.txt"],
        "missing_truncated": False,
        "deleted": ["/d/gone.txt"],
        "unknown": ["/never.txt"],
    }


async def test_compare_reports_moved_files_as_deleted(running: Stack) -> None:
    """After a rename or a move: a client would otherwise upload it again under its old name."""
    file = await running.put("/old.txt")
    await running.person.ok("PATCH", f"/v1/files/{file['id']}", {"name": "new.txt"})
    answer = await compare(running.person, {"/old.txt": SAME})
    assert (answer["deleted"], answer["missing"]) == (["/old.txt"], ["/new.txt"])


@pytest.mark.parametrize("journal_is_kept", [True, False])
async def test_compare_knows_each_file_of_a_deleted_folder(running: Stack, journal_is_kept: bool) -> None:
    """Of a folder that was renamed and deleted: its files are deleted, others are unknown."""
    await running.put("/first/a/b.txt")
    folder = await running.person.at("/first")
    await running.person.ok("PATCH", f"/v1/files/{folder['id']}", {"name": "second"})
    await running.person.ok("DELETE", f"/v1/files/{folder['id']}")
    if not journal_is_kept:
        await running.database["journal"].delete_many({})
    listed = {"/second/a/b.txt": SAME, "/second/a/new.txt": SAME, "/second/new.txt": SAME}
    answer = await compare(running.person, listed)
    assert answer["deleted"] == ["/second/a/b.txt"]
    assert answer["unknown"] == ["/second/a/new.txt", "/second/new.txt"]


async def test_compare_is_limited_to_the_folder(running: Stack) -> None:
    """Files elsewhere are not missing; entries elsewhere are 422, and a file instead of a folder is refused."""
    await running.put("/a/1.txt")
    await running.put("/b/2.txt")
    assert (await compare(running.person, {}, path="/a"))["missing"] == ["/a/1.txt"]
    mistakes = [
        ({"path": "/a", "entries": [{"path": "/b/2.txt", "sha256": SAME}]}, (422, "path_outside_folder")),
        ({"path": "/none", "entries": []}, (404, "not_found")),
        ({"path": "/a/1.txt", "entries": []}, (409, "not_a_folder")),
        ({"entries": [{"path": "/x", "sha256": "short"}]}, (422, "invalid_request")),
        ({"entries": [{"path": "/x", "sha256": SAME}] * 10_001}, (422, "invalid_request")),
    ]
    for body, refusal in mistakes:
        assert await running.person.refused("POST", "/v1/compare", body) == refusal


async def test_a_reader_compares_a_shared_folder(running: Stack) -> None:
    """By its id and with the reader's paths; other accounts get 404, and the owner's trash is not revealed."""
    owner, reader = running.person, running.other
    await running.register(reader, "reader@example.com")
    await running.put("/private/team/a.txt")
    folder = await owner.at("/private/team")
    assert await reader.refused("POST", "/v1/compare", {"parent_id": folder["id"], "entries": []}) == (404, "not_found")
    await owner.ok("POST", f"/v1/files/{folder['id']}/shares", {"email": "reader@example.com", "role": "viewer"})
    gone = await running.put("/private/team/gone.txt")
    await owner.ok("DELETE", f"/v1/files/{gone['id']}")
    listed = {"/team/a.txt": OTHER, "/team/gone.txt": SAME, "/team/never.txt": SAME}
    answer = await compare(reader, listed, parent_id=folder["id"], path="/")
    assert (answer["newer"], answer["deleted"]) == (["/team/a.txt"], ["/team/gone.txt"])
    assert answer["unknown"] == ["/team/never.txt"]


async def test_compare_lists_at_most_a_thousand_missing_files(running: Stack) -> None:
    """The response shows that there are more."""
    items = [running.item(f"/many/{number}.txt") for number in range(1005)]
    for start in range(0, len(items), 500):
        await running.commit(*items[start : start + 500])
    answer = await compare(running.person, {"/many/0.txt": SAME})
    assert (len(answer["missing"]), answer["missing_truncated"], answer["same"]) == (1000, True, 1)


async def test_compare_queries_long_paths_in_bounded_batches(running: Stack) -> None:
    """Paths too long for a file, and the maximum number of them, are unknown."""
    too_deep = {f"/{number}{'/a' * 9000}": SAME for number in range(2)}
    assert (await compare(running.person, too_deep))["unknown"] == list(too_deep)
    name = "n" * 200
    await running.put(f"/x{f'/{name}' * 63}")
    folder = await running.person.at("/x")
    await running.person.ok("DELETE", f"/v1/files/{folder['id']}")
    deepest = {f"/{number}{f'/{name}' * 63}": SAME for number in (*range(60), "x")}
    answer = await compare(running.person, deepest)
    assert (len(answer["unknown"]), answer["deleted"]) == (60, [f"/x{f'/{name}' * 63}"])
