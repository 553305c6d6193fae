"""Sharing: who gets access to what, and when access ends."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from deployments import Mailbox
from people import PASSWORD, Person, SignUp, problem_of
from verified_emails import verification_token

from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

Json = dict[str, Any]


async def changes(person: Person) -> list[tuple[str, str]]:
    """Types and paths of all entries in a person's journal."""
    found: list[tuple[str, str]] = []
    cursor, more = "", True
    while more:
        page = await person.call("GET", "/v1/changes" + (f"?cursor={cursor}" if cursor else ""))
        found += [(change["type"], change["file"]["path"]) for change in page["changes"]]
        cursor, more = page["cursor"], page["has_more"]
    return found


async def test_a_team_works_in_a_shared_folder(ada: Person, grace: Person, sign_up: SignUp) -> None:
    """An editor adds and changes files on the owner's quota, a viewer sees it, in lists, search and journals."""
    viewer = await sign_up("vera")
    plan = await ada.upload("/private/team/plan.txt", b"plan")
    folder = await ada.call("GET", f"/v1/files/{plan['parent_id']}")
    await ada.share(folder, grace, "editor")
    await ada.share(folder, viewer)
    for person, role in ((grace, "editor"), (viewer, "viewer")):
        [shown] = await person.every("/v1/shared-with-me")
        assert (shown["path"], shown["permission"], shown["share"]["owner_id"]) == ("/team", role, ada.id)
    walrus = await grace.upload("/notes/walrus.txt", b"walrus", parent_id=folder["id"])
    assert (walrus["path"], walrus["owner_id"], walrus["modified_by"]) == ("/team/notes/walrus.txt", ada.id, grace.id)
    upload = {"file_id": plan["id"], "size": 7, "method": "put", "base_version": 1}
    begun = await grace.call("POST", "/v1/uploads", upload)
    assert begun["path"] == "/team/plan.txt"
    changed = await grace.complete(begun, await grace.send(begun, b"planned"))
    assert (changed["version"], await viewer.content(plan["id"])) == (2, b"planned")
    await ada.counted(4 + 6 + 7)
    await grace.counted(0)
    await viewer.found("walrus", "/team/notes/walrus.txt")
    await ada.found("walrus", "/private/team/notes/walrus.txt")
    copy = await viewer.call("POST", f"/v1/files/{walrus['id']}/copy", {"path": "/mine.txt"})
    assert (copy["owner_id"], await viewer.content(copy["id"])) == (viewer.id, b"walrus")
    await viewer.counted(6)
    seen = await changes(viewer)
    assert seen[0] == ("shared", "/team")
    assert ("modified", "/team/plan.txt") in seen
    assert ("created", "/team/notes/walrus.txt") in seen


async def test_a_revoked_share_is_gone_at_the_next_request(
    ada: Person, grace: Person, record_property: Callable[[str, object], None]
) -> None:
    """For lists, looks, content, versions, changes, search, journal and shared-with-me; how long it took is printed."""
    await grace.choose("free")
    files = await ada.upload_batch({f"/f/{number}-canary.txt": b"x" for number in range(25)})
    folder = await ada.call("GET", f"/v1/files/{files[0]['parent_id']}")
    file_id = files[0]["id"]
    made = await ada.share(folder, grace)
    await grace.found("canary", *(f"/f/{number}-canary.txt" for number in range(25)))
    started = time.perf_counter()
    await ada.call("DELETE", f"/v1/files/{folder['id']}/shares/{made['id']}")
    revoked = time.perf_counter()
    hits = await grace.call("GET", "/v1/search?q=canary&limit=5")
    searched = time.perf_counter()
    for path in (
        f"/v1/files?parent_id={folder['id']}",
        f"/v1/files/{file_id}",
        f"/v1/files/{file_id}/content",
        f"/v1/files/{file_id}/versions",
        f"/v1/files/{file_id}/changes?since=0",
        f"/v1/files/by-path?path=/0-canary.txt&parent_id={folder['id']}",
    ):
        assert (await grace.ask("GET", path)).status == 404, path
    assert await grace.every("/v1/shared-with-me") == []
    seen = await changes(grace)
    ended = time.perf_counter()
    assert (hits["items"], hits["total"]) == ([], 0)
    assert seen == [("shared", "/f"), ("unshared", "/f")]
    record_property("revoke_ms", round(1000 * (revoked - started), 1))
    print(
        f"revoked in {1000 * (revoked - started):.0f} ms; then search knew after {1000 * (searched - revoked):.0f} ms,"
        f" and six reads, shared-with-me and the journal within {1000 * (ended - searched):.0f} ms more"
    )


async def test_a_share_waits_until_the_address_is_proven(ada: Person, nobody: Person, mailbox: Mailbox) -> None:
    """Whoever signs up with the address, in any spelling, has what was shared with it once they have proven it."""
    email = f"Late-{new_id()[-10:]}@Example.org"
    file = await ada.upload("/for-later.txt", b"hello")
    made = await ada.call("POST", f"/v1/files/{file['id']}/shares", {"email": email, "role": "editor"})
    assert made["state"] == "pending"
    await nobody.sign_up(email.lower(), PASSWORD)
    token = await verification_token(mailbox, email.lower())
    assert await nobody.every("/v1/shared-with-me") == []
    assert (await nobody.call("GET", "/v1/me"))["email_verified"] is False
    await nobody.call("POST", "/v1/accounts/verify", {"token": token})
    assert (await nobody.call("GET", "/v1/me"))["email_verified"] is True

    async def granted() -> Any:
        return await nobody.every("/v1/shared-with-me")

    [shown] = await eventually(granted)
    assert (shown["id"], shown["permission"]) == (file["id"], "editor")
    assert [one["state"] for one in await ada.every(f"/v1/files/{file['id']}/shares")] == ["active"]
    await nobody.call("DELETE", f"/v1/files/{file['id']}/shares/{shown['share']['id']}")
    assert (await nobody.ask("GET", f"/v1/files/{file['id']}")).status == 404


async def test_an_upload_that_was_begun_before_the_share_was_revoked(ada: Person, grace: Person) -> None:
    """`complete` returns the outcome, nothing is stored, and the reserved bytes are released."""
    file = await ada.upload("/f/a.txt", b"a")
    folder = await ada.call("GET", f"/v1/files/{file['parent_id']}")
    made = await ada.share(folder, grace, "editor")
    upload = await grace.begin("/late.txt", 4, parent_id=folder["id"])
    await ada.counted(1, reserved=4)
    done = await grace.send(upload, b"late")
    await ada.call("DELETE", f"/v1/files/{folder['id']}/shares/{made['id']}")
    answer = await grace.ask("POST", f"/v1/uploads/{upload['id']}/complete", done or {})
    assert problem_of(answer) == (409, "target_gone")
    shown = await grace.call("GET", f"/v1/uploads/{upload['id']}")
    assert (shown["state"], shown["problem"]["code"]) == ("aborted", "target_gone")
    await ada.counted(1)
    assert [one["name"] for one in await ada.every("/v1/files", path="/f")] == ["a.txt"]


async def test_editors_and_owner_write_at_once(ada: Person, sign_up: SignUp) -> None:
    """Thirty uploads by three people into one shared folder: each is there once, none is lost, and all see all."""
    editors = [await sign_up(f"editor{number}") for number in range(2)]
    folder = await ada.call("POST", "/v1/folders", {"path": "/team"})
    for editor in editors:
        await ada.share(folder, editor, "editor")
    people = [ada, *editors]
    await asyncio.gather(
        *(
            person.upload(f"/sub/{place}-{number}.txt", b"x", parent_id=folder["id"])
            for number in range(10)
            for place, person in enumerate(people)
        )
    )
    expected = sorted(f"{place}-{number}.txt" for place in range(3) for number in range(10))
    for person in people:
        listed = await person.every("/v1/files", parent_id=folder["id"], path="/sub", limit=7)
        assert [file["name"] for file in listed] == expected
    await ada.counted(30)
