"""Attack: a blocked person tries to reach the person who blocked them, or to detect the block."""

from typing import Any

import pytest
from deployments import Mailbox
from people import Person

from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.attack

COMPARED = ("role", "state")


async def test_a_blocked_person_leaves_no_trace_and_learns_nothing(
    ada: Person, mallory: Person, mailbox: Mailbox
) -> None:
    """Sharing and unsharing mails no one and shows nowhere; every answer is that of a share that waits."""
    before, after, last = [await mallory.upload(f"/{name}.txt", b"x") for name in ("before", "after", "last")]
    ada.mailbox = mailbox
    await mallory.share(before, ada)

    async def mailed() -> bool:
        return any("before.txt" in mail.text for mail in mailbox.of(ada.email))

    await eventually(mailed)
    await ada.call("PUT", f"/v1/blocked-people/{mallory.email}")
    nobody = f"nobody-{new_id()[-10:]}@example.org"
    seen: dict[str, list[Any]] = {ada.email: [], nobody: []}
    for email, answers in seen.items():
        for _ in range(3):
            share = await mallory.call("POST", f"/v1/files/{after['id']}/shares", {"email": email, "role": "viewer"})
            access = await mallory.call("GET", f"/v1/files/{after['id']}/access")
            file = await mallory.call("GET", f"/v1/files/{after['id']}")
            answers.append([share.keys(), *(share[field] for field in COMPARED), len(access["shares"]), file["etag"]])
            await mallory.call("DELETE", f"/v1/files/{after['id']}/shares/{share['id']}")
    assert seen[ada.email] == seen[nobody]
    await mallory.call("POST", f"/v1/files/{last['id']}/shares", {"email": ada.email, "role": "editor"})
    await mallory.call("POST", f"/v1/files/{last['id']}/shares", {"email": nobody, "role": "editor"})

    async def others_are_mailed() -> bool:
        return any("last.txt" in mail.text for mail in mailbox.of(nobody))

    await eventually(others_are_mailed)  # so the events of ada's shares have been handled, too
    assert not any(name in mail.text for mail in mailbox.of(ada.email) for name in ("after.txt", "last.txt"))
    for path in ("/v1/shared-with-me", "/v1/share-invitations"):
        assert await ada.every(path) == []
    found = await ada.call("GET", "/v1/search?q=after")
    assert (found["items"], found["total"]) == ([], 0)
    notices = await ada.every("/v1/notifications")
    assert not any("after.txt" in str(notice) or "last.txt" in str(notice) for notice in notices)
