"""Followers are notified of changes by email."""

import pytest
from deployments import Mailbox
from people import Person

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


def changes_told(mailbox: Mailbox, person: Person) -> list[str]:
    """Subjects of the mails about changes to followed files, oldest first."""
    return [mail.subject for mail in mailbox.of(person.email) if ".txt was " in mail.subject]


async def test_a_follower_of_a_folder_is_notified_of_all_changes_in_it(ada: Person, mailbox: Mailbox) -> None:
    """Created, modified, moved and deleted are notified in order, each once; changes elsewhere are not."""
    folder = await ada.call("POST", "/v1/folders", {"path": "/followed/inner"})
    followed = await ada.call("GET", "/v1/files/by-path?path=/followed")
    await ada.call("POST", "/v1/subscriptions", {"file_id": followed["id"], "channel": "email"})
    await ada.call("POST", "/v1/subscriptions", {"file_id": folder["id"], "channel": "email"})
    await ada.upload("/elsewhere.txt", b"x")
    notified = []

    async def receives(subject: str) -> None:
        notified.append(subject)

        async def arrived() -> bool:
            return len(changes_told(mailbox, ada)) >= len(notified)

        await eventually(arrived)
        assert changes_told(mailbox, ada) == notified

    file = await ada.upload("/followed/inner/news.txt", b"x")
    await receives("news.txt was created")
    await ada.upload("/followed/inner/news.txt", b"xy")
    await receives("news.txt was modified")
    await ada.call("PATCH", f"/v1/files/{file['id']}", {"name": "old.txt"})
    await receives("old.txt was moved")
    await ada.call("DELETE", f"/v1/files/{file['id']}")
    await receives("old.txt was deleted")
    await ada.call("POST", f"/v1/files/{file['id']}/restore")
    await receives("old.txt was restored")


async def test_a_former_follower_is_not_notified(ada: Person, mailbox: Mailbox) -> None:
    """After the subscription is deleted, changes of that file are not notified; those of another still are."""
    files = [await ada.upload(f"/{name}.txt", b"x") for name in ("left", "kept")]
    left, _ = [
        await ada.call("POST", "/v1/subscriptions", {"file_id": file["id"], "channel": "email"}) for file in files
    ]

    async def told_of_both(times: tuple[int, int]) -> bool:
        notified = changes_told(mailbox, ada)
        return (notified.count("left.txt was modified"), notified.count("kept.txt was modified")) == times

    for name in ("left", "kept"):
        await ada.upload(f"/{name}.txt", b"xy")
    await eventually(lambda: told_of_both((1, 1)))
    await ada.call("DELETE", f"/v1/subscriptions/{left['id']}")
    for name in ("left", "kept"):
        await ada.upload(f"/{name}.txt", b"xyz")
    await eventually(lambda: told_of_both((1, 2)))
