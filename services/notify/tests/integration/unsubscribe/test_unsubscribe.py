"""How people get no more of a kind of mail."""

import pytest
from notify_service import Notify
from steps import click

from docstore_events.catalogue.files import FileModified
from docstore_platform.service.client import LocalTransport

pytestmark = pytest.mark.connected


async def test_one_click_ends_mails_of_a_kind_without_a_login(notify: Notify) -> None:
    """Opening the page, in the reader's language, ends nothing; the button does; the app still notifies."""
    anna = notify.person()
    async with notify.running(digest_interval_seconds=0):
        ids = await notify.publish(anna.signed_up(), anna.uploaded("one.txt"))
        await notify.until_notified(ids[1])
        (mail,) = notify.ses.mailbox.mails
        page = await click(notify, mail, "GET")
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert b'<form method="post">' in page.body
        assert "form-action 'self'" in page.headers["content-security-policy"]
        german = await click(notify, mail, "GET", "de-CH, en;q=0.5")
        assert "keine E-Mails über abgeschlossene Uploads mehr" in german.body.decode()
        assert (german.headers["content-language"], german.headers["vary"]) == ("de", "accept-language")
        assert (await anna.get("/v1/notifications/preferences"))["upload_done"]["email"] is True
        for _ in range(2):
            assert b"receive emails about completed uploads anymore" in (await click(notify, mail)).body
        assert (await anna.get("/v1/notifications/preferences"))["upload_done"]["email"] is False
        (event_id,) = await notify.publish(anna.uploaded("two.txt"))
        await notify.until_notified(event_id, channel="in_app")
        assert notify.ses.mailbox.subjects() == ["Uploaded: one.txt"]


async def test_one_click_ends_the_following_that_a_mail_came_from(notify: Notify) -> None:
    """Only that; a forged or cut token is 404 and ends nothing."""
    anna = notify.person()
    left, kept = anna.file(), anna.file()
    async with notify.running(digest_interval_seconds=0):
        await notify.publish(anna.signed_up())
        for about in (left, kept):
            await anna.follow(about["file"].file_id)
        (event_id,) = await notify.publish(FileModified(**left, added_bytes=1))
        await notify.until_notified(event_id)
        (mail,) = notify.ses.mailbox.mails
        url = str(mail["List-Unsubscribe"]).strip("<>")
        path = url[url.index("/v1/") :]
        payload, _, signature = path.partition(".")
        for forged in (
            path[:-3],
            f"{payload[:-2]}AA.{signature}",
            "/v1/unsubscribe?token=x",
            "/v1/unsubscribe?token=%C3%A4.b",
        ):
            for method in ("GET", "POST"):
                refused = await LocalTransport(notify.url).send(method, forged, {"accept-language": "es"}, b"")
                assert (refused.status, "no es válido" in refused.body.decode()) == (404, True)
        assert (await click(notify, mail)).status == 200
        files = [one["file_id"] for one in (await anna.get("/v1/subscriptions"))["items"]]
        assert files == [kept["file"].file_id]
        assert (await anna.get("/v1/notifications/preferences"))["file_changed"]["email"] is True
