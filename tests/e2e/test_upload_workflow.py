"""Abandoned uploads, missing bytes, and form uploads."""

from urllib.parse import urlsplit

import pytest
from deployments import Bucket, Mailbox
from people import Person

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_a_vanished_clients_upload_is_finished(ada: Person, mailbox: Mailbox, small_limits: None) -> None:
    """No client calls complete: the file appears all the same, counted, found, notified; complete returns it later."""
    upload = await ada.begin("/vanished gull.txt", 4)
    await ada.send(upload, b"text")

    async def completed() -> bool:
        return bool((await ada.call("GET", f"/v1/uploads/{upload['id']}"))["state"] == "completed")

    await eventually(completed)
    assert await ada.names() == ["vanished gull.txt"]
    await ada.counted(4)
    await ada.found("gull", "/vanished gull.txt")

    async def notified() -> bool:
        return any("after your client disconnected" in mail.text for mail in mailbox.of(ada.email))

    await eventually(notified)
    file = await ada.complete(upload)
    assert file["version"] == 1


async def test_an_upload_that_never_came_leaves_nothing(ada: Person, bucket: Bucket, small_limits: None) -> None:
    """Initiated and half sent: it expires, its room is free again, and the object store has nothing of it."""
    size = 7 << 20
    upload = await ada.begin("/never.bin", size, "multipart")
    first, *rest = upload["multipart"]["parts"]
    assert rest
    await ada.put_part(first["url"], bytes(upload["multipart"]["part_size"]))
    assert (await ada.usage())["reserved"] == size

    async def expired() -> bool:
        return bool((await ada.call("GET", f"/v1/uploads/{upload['id']}"))["state"] == "expired")

    await eventually(expired)
    assert await ada.refused("POST", f"/v1/uploads/{upload['id']}/complete", {}) == (409, "upload_expired")
    await ada.counted(0)

    async def nothing_is_left() -> bool:
        return not await bucket.unfinished(ada.id) and not await bucket.keys(ada.id)

    await eventually(nothing_is_left)
    assert await ada.names() == []


async def test_an_upload_given_up_leaves_nothing(ada: Person, bucket: Bucket) -> None:
    """Sent, then given up: no file, no room taken, no object."""
    upload = await ada.begin("/given up.bin", 7 << 20, "multipart")
    first = upload["multipart"]["parts"][0]
    await ada.put_part(first["url"], bytes(min(upload["multipart"]["part_size"], 7 << 20)))
    await ada.call("DELETE", f"/v1/uploads/{upload['id']}")
    assert await ada.refused("POST", f"/v1/uploads/{upload['id']}/complete", {}) == (409, "upload_aborted")
    await ada.counted(0)
    assert await bucket.unfinished(ada.id) == []
    assert await bucket.keys(ada.id) == []
    assert await ada.names() == []


async def test_a_browsers_form_leads_back_to_the_list(ada: Person, nobody: Person) -> None:
    """The store sends the browser, which has no token, to the redirect: the file is there, and the list is next."""
    upload = await ada.begin("/letters/from a form.txt", 4, "form")
    location = await nobody.post_form(upload["form"], b"text", "from a form.txt")
    assert location.startswith(f"{ada.gateway}/v1/uploads/{upload['id']}")
    target = urlsplit(location)
    answer = await nobody.ask("GET", f"{target.path}?{target.query}")
    assert answer.status == 303
    assert answer.headers["location"] == f"{ada.gateway}/?path=/letters"
    assert await ada.names("/letters") == ["from a form.txt"]
    again = await nobody.ask("GET", f"{target.path}?{target.query}")
    assert again.status == 303
    await ada.counted(4)


async def test_a_form_of_another_account_cannot_be_completed(ada: Person, nobody: Person) -> None:
    """Without its token the redirect is 404 and completes nothing."""
    upload = await ada.begin("/form.txt", 4, "form")
    for path in (f"{upload['id']}", f"{upload['id']}.{'0' * 32}"):
        assert (await nobody.ask("GET", f"/v1/uploads/{path}/redirect")).status == 404
    assert (await ada.call("GET", f"/v1/uploads/{upload['id']}"))["state"] == "initiated"


async def test_an_interrupted_upload_goes_on(grace: Person, small_limits: None) -> None:
    """A client that has lost everything but the id asks what is still to be sent, and sends only that."""
    size = 6 << 20
    upload = await grace.begin("/resumed.bin", size, "multipart")
    part_size = upload["multipart"]["part_size"]
    content = bytes(range(256)) * (size // 256)
    await grace.put_part(upload["multipart"]["parts"][0]["url"], content[:part_size])
    known = await grace.call("GET", f"/v1/uploads/{upload['id']}")
    (missing,) = known["multipart"]["parts"]
    assert missing["number"] == 2
    await grace.put_part(missing["url"], content[part_size:])
    file = await grace.complete(upload)
    assert await grace.content(file["id"]) == content
