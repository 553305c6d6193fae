"""Compare: what a client lists against what is here, was here, or never was."""

from typing import Any

import pytest

pytestmark = pytest.mark.connected

SAME, OTHER = "ab" * 32, "cd" * 32
"""The checksum of every file committed here, and another one."""


async def compare(person: Any, files: dict[str, str], **folder: str) -> dict[str, Any]:
    entries = [{"path": path, "sha256": sha256} for path, sha256 in files.items()]
    answer: dict[str, Any] = await person.ok("POST", "/v1/compare", {"entries": entries, **folder})
    for name in ("newer", "missing"):
        answer[name] = [file["path"] for file in answer[name]]
    return answer


async def test_each_entry_is_one_of_five(running: Any) -> None:
    """Same, newer, missing, deleted, unknown; a folder where the client has a file is something else."""
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


async def test_what_was_moved_away_is_gone_from_there(running: Any) -> None:
    """By rename or by another folder: else a client would upload it again under its old name."""
    file = await running.put("/old.txt")
    await running.person.ok("PATCH", f"/v1/files/{file['id']}", {"name": "new.txt"})
    answer = await compare(running.person, {"/old.txt": SAME})
    assert (answer["deleted"], answer["missing"]) == (["/old.txt"], ["/new.txt"])


@pytest.mark.parametrize("journal_is_kept", [True, False])
async def test_what_is_below_a_deleted_folder_is_known_one_by_one(running: Any, journal_is_kept: bool) -> None:
    """A folder was renamed, then put into the trash: what was in it is deleted, what never was there is unknown."""
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


async def test_a_folder_is_compared_by_itself(running: Any) -> None:
    """What is elsewhere is not missing; entries from elsewhere are a mistake; what is no folder is refused."""
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


async def test_a_reader_compares_a_shared_folder(running: Any) -> None:
    """By its id, with the paths it has for them; a stranger finds no such folder, and the trash tells them nothing."""
    owner, reader = running.person, running.stranger
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


async def test_missing_files_are_bounded(running: Any) -> None:
    """At most a thousand are listed, and the answer says that there are more."""
    items = [running.item(f"/many/{number}.txt") for number in range(1005)]
    for start in range(0, len(items), 500):
        await running.commit(*items[start : start + 500])
    answer = await compare(running.person, {"/many/0.txt": SAME})
    assert (len(answer["missing"]), answer["missing_truncated"], answer["same"]) == (1000, True, 1)


async def test_very_long_paths_are_looked_for_in_bounded_pieces(running: Any) -> None:
    """Of paths that can be no file's, and of as many as there can be, each is just unknown."""
    too_deep = {f"/{number}{'/a' * 9000}": SAME for number in range(2)}
    assert (await compare(running.person, too_deep))["unknown"] == list(too_deep)
    name = "n" * 200
    await running.put(f"/x{f'/{name}' * 63}")
    folder = await running.person.at("/x")
    await running.person.ok("DELETE", f"/v1/files/{folder['id']}")
    deepest = {f"/{number}{f'/{name}' * 63}": SAME for number in (*range(60), "x")}
    answer = await compare(running.person, deepest)
    assert (len(answer["unknown"]), answer["deleted"]) == (60, [f"/x{f'/{name}' * 63}"])
