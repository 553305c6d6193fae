"""Followers are told of changes by mail."""

import pytest
from deployments import Mailbox
from people import Person

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


def changes_told(mailbox: Mailbox, person: Person) -> list[str]:
    """Subjects of the mails that tell of changes to what is followed, oldest first."""
    return [mail.subject for mail in mailbox.of(person.email) if " was " in mail.subject]


async def test_a_follower_of_a_folder_hears_of_all_in_it(ada: Person, mailbox: Mailbox) -> None:
    """Created, modified, moved and deleted are told in order, each once; what happens elsewhere is not."""
    folder = await ada.call("POST", "/v1/folders", {"path": "/followed/inner"})
    followed = await ada.call("GET", "/v1/files/by-path?path=/followed")
    await ada.call("POST", "/v1/subscriptions", {"file_id": followed["id"], "channel": "email"})
    await ada.call("POST", "/v1/subscriptions", {"file_id": folder["id"], "channel": "email"})
    await ada.upload("/elsewhere.txt", b"x")
    told = []

    async def hears(subject: str) -> None:
        told.append(subject)

        async def arrived() -> bool:
            return len(changes_told(mailbox, ada)) >= len(told)

        await eventually(arrived)
        assert changes_told(mailbox, ada) == told

    file = await ada.upload("/followed/inner/news.txt", b"x")
    await hears("news.txt was created")
    await ada.upload("/followed/inner/news.txt", b"xy")
    await hears("news.txt was modified")
    await ada.call("PATCH", f"/v1/files/{file['id']}", {"name": "old.txt"})
    await hears("old.txt was moved")
    await ada.call("DELETE", f"/v1/files/{file['id']}")
    await hears("old.txt was deleted")
    await ada.call("POST", f"/v1/files/{file['id']}/restore")
    await hears("old.txt was restored")


async def test_who_no_longer_follows_hears_nothing(ada: Person, mailbox: Mailbox) -> None:
    """After the subscription is deleted only the upload itself is told."""
    file = await ada.upload("/a.txt", b"x")
    subscription = await ada.call("POST", "/v1/subscriptions", {"file_id": file["id"], "channel": "email"})
    await ada.upload("/a.txt", b"xy")

    async def heard() -> bool:
        return changes_told(mailbox, ada) == ["a.txt was modified"]

    await eventually(heard)
    await ada.call("DELETE", f"/v1/subscriptions/{subscription['id']}")
    await ada.upload("/a.txt", b"xyz")
    await ada.upload("/last.txt", b"x")

    async def last_is_told() -> bool:
        return any("last.txt" in mail.subject for mail in mailbox.of(ada.email))

    await eventually(last_is_told)
    assert changes_told(mailbox, ada) == ["a.txt was modified"]
