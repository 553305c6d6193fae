"""Recipients of notices: owners and followers, but no one without access or against their preferences."""

from typing import Any

import pytest
from notify_service import Notify

from docstore_events.catalogue.accounts import AccountUpdated
from docstore_events.catalogue.files import FileCreated, FileDeleted, FileModified, FileMoved, FilePurged, FileRestored
from docstore_events.catalogue.uploads import PackCompleted
from docstore_events.catalogue.usage import QuotaExceeded, QuotaRestored
from docstore_notify.domain import CHOSEN_KINDS
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_on_upload_completed_the_owner_gets_a_mail(notify: Notify) -> None:
    """It names the file, goes to the account's address, and notification-sent names the event that caused it."""
    anna = notify.person()
    async with notify.running():
        await notify.publish(anna.signed_up())
        (event_id,) = await notify.publish(anna.uploaded())
        (sent,) = await notify.until_notified(event_id)
        (mail,) = notify.ses.mailbox.mails
        assert (sent["kind"], sent["account_id"], sent["cause_ids"]) == ("upload_done", anna.id, [event_id])
        assert mail["To"].addresses[0].addr_spec == anna.email
        assert mail["Subject"] == "Uploaded: plan.pdf"
        assert mail["X-DocStore-Delivery"] == sent["delivery_id"]


async def test_on_pack_completed_many_files_are_one_notification(notify: Notify) -> None:
    """One mail that counts them; none if all failed, or if the client shows it itself."""
    anna = notify.person()
    async with notify.running():
        about = {"account_id": anna.id, "path": "/photos", "files": 312, "size": 1 << 20, "revision": 2}
        nothing = PackCompleted(pack_id=new_id(), **{**about, "files": 2}, refused=(0, 1))
        pack = PackCompleted(pack_id=new_id(), **about, refused=(7, 9), conflicted=3, completed_by="workflow")
        shown = PackCompleted(pack_id=new_id(), **about, notify_uploader=False)
        ids = await notify.publish(anna.signed_up(), nothing, shown, pack)
        await notify.until_notified(ids[3])
        (mail,) = notify.ses.mailbox.mails
    assert mail["Subject"] == "Uploaded: 310 files"
    text = mail.get_body(("plain",)).get_content()
    assert "310 files in /photos (1 MB)" in text
    assert "3 of them were changed" in text
    assert "after your client disconnected" in text


async def test_on_upload_completed_the_editor_is_notified(notify: Notify) -> None:
    """Who uploads into another's folder is notified; the owner may follow the folder."""
    anna, bert = notify.person(), notify.person()
    async with notify.running():
        event = anna.uploaded().model_copy(update={"uploaded_by": bert.id})
        ids = await notify.publish(anna.signed_up(), bert.signed_up(), event)
        (sent,) = await notify.until_notified(ids[2])
        assert sent["account_id"] == bert.id


async def test_an_upload_is_notified_although_the_address_comes_later(notify: Notify) -> None:
    """Topics keep no order between them: a mail to an account no one has announced yet waits for it."""
    anna = notify.person()
    async with notify.running():
        (event_id,) = await notify.publish(anna.uploaded())

        async def tried() -> Any:
            return await notify.database["deliveries"].find_one({"error": {"$exists": True}})

        await eventually(tried)
        await notify.publish(anna.signed_up())
        await notify.until_notified(event_id)


async def test_on_account_updated_the_next_mail_goes_to_the_new_address(notify: Notify) -> None:
    """And an update that comes late does not bring the old address back."""
    anna = notify.person()
    facts = anna.signed_up().model_dump()
    moved = AccountUpdated(**(facts | {"revision": 3, "email": "new@example.org"}))
    late = AccountUpdated(**(facts | {"revision": 2, "email": "old@example.org"}))
    async with notify.running():
        await notify.publish(moved)

        async def known() -> Any:
            return await notify.database["contacts"].find_one({"_id": anna.id})

        await eventually(known)
        _, event_id = await notify.publish(late, anna.uploaded())
        await notify.until_notified(event_id)
        assert notify.ses.mailbox.mails[0]["To"].addresses[0].addr_spec == "new@example.org"


async def test_on_quota_exceeded_and_quota_restored_the_owner_gets_a_mail(notify: Notify) -> None:
    """One is about a full storage, the other about room again."""
    anna = notify.person()
    facts = {"account_id": anna.id, "used": 2048, "reserved": 0, "limit": 1024, "documents": 1}
    async with notify.running():
        ids = await notify.publish(
            anna.signed_up(), QuotaExceeded(revision=1, **facts), QuotaRestored(revision=2, **facts)
        )
        await notify.until_notified(*ids[1:])
        assert sorted(notify.ses.mailbox.subjects()) == ["You have storage space again", "Your storage is full"]


async def test_followers_of_a_folder_are_notified_of_every_change_below_it(notify: Notify) -> None:
    """Created, modified, moved, deleted, restored: each reaches who follows a folder above and may read the file."""
    anna, bert, eve = notify.person(), notify.person(), notify.person()
    folder = new_id()
    about = anna.file(ancestors=(folder,), readers=(bert.id,))
    async with notify.running(digest_interval_seconds=0):
        await notify.publish(anna.signed_up(), bert.signed_up(), eve.signed_up())
        await bert.follow(folder)
        await eve.follow(folder)
        notify.readable.add((bert.id, about["file"].file_id))
        ids = await notify.publish(
            FileCreated(**about),
            FileModified(**about, added_bytes=5),
            FileMoved(**about, previous_path="/old.pdf"),
            FileDeleted(**about),
            FileRestored(**about),
        )
        await notify.until_notified(*ids)
        changes = ("created", "modified", "moved", "deleted", "restored")
        assert sorted(notify.ses.mailbox.subjects()) == sorted(f"plan.pdf was {change}" for change in changes)
        recipients = {mail["To"].addresses[0].addr_spec for mail in notify.ses.mailbox.mails}
        assert recipients == {bert.email}


async def test_an_owner_is_notified_of_changes_by_a_link(notify: Notify) -> None:
    """Without following, once if following too; the mail names the link in place of a person."""
    anna = notify.person()
    about = anna.file() | {"actor_id": "", "by_link": "by link Team"}
    async with notify.running(digest_interval_seconds=0):
        await notify.publish(anna.signed_up())
        ids = await notify.publish(FileModified(**about, added_bytes=1))
        await notify.until_notified(*ids)
        await anna.follow(about["file"].file_id)
        ids = await notify.publish(FileDeleted(**about))
        await notify.until_notified(*ids)
        assert notify.ses.mailbox.subjects() == ["plan.pdf was modified", "plan.pdf was deleted"]
        for mail in notify.ses.mailbox.mails:
            text = mail.get_body(("plain",)).get_content()
            assert "by link Team" in text
            assert "someone" not in text


async def test_a_follower_receives_only_the_chosen_changes(notify: Notify) -> None:
    """`events` narrows a subscription; asking again changes it."""
    anna = notify.person()
    about = anna.file()
    file_id = about["file"].file_id
    async with notify.running(digest_interval_seconds=0):
        await notify.publish(anna.signed_up())
        first = await anna.follow(file_id)
        again = await anna.follow(file_id, events=["deleted"])
        assert (again["id"], again["events"]) == (first["id"], ["deleted"])
        ids = await notify.publish(FileModified(**about, added_bytes=1), FileDeleted(**about))
        await notify.until_notified(ids[1])
        assert notify.ses.mailbox.subjects() == ["plan.pdf was deleted"]


async def test_on_file_purged_the_subscriptions_to_it_go(running: Notify) -> None:
    """A file that is gone for good is in no one's list."""
    anna = running.person()
    about = anna.file()
    await anna.follow(about["file"].file_id)
    await running.publish(FilePurged(**about, freed_bytes=5))

    async def none_left() -> bool:
        return (await anna.send("GET", "/v1/subscriptions")).json()["items"] == []

    await eventually(none_left)


async def test_no_mail_is_sent_for_a_kind_that_is_switched_off(notify: Notify) -> None:
    """Its event is settled all the same, and the other kinds still come."""
    anna = notify.person()
    async with notify.running():
        answer = await anna.send("PUT", "/v1/notifications/preferences", {"upload_done": {"email": False}})
        assert answer.json()["upload_done"] == {"email": False, "in_app": True, "push": False}
        facts = {"account_id": anna.id, "used": 2, "reserved": 0, "limit": 1, "documents": 1}
        ids = await notify.publish(anna.signed_up(), anna.uploaded(), QuotaExceeded(revision=1, **facts))
        await notify.until_notified(ids[2])

        async def settled() -> bool:
            answer = await notify.internal("POST", "/internal/events/settled", {"event_ids": ids})
            return set(answer["settled"]) == set(ids)

        await eventually(settled)
        assert notify.ses.mailbox.subjects() == ["Your storage is full"]


async def test_preferences_begin_with_everything_on(running: Notify) -> None:
    """But for mails and pushes of opened links, and pushes of uploads; an unknown kind or channel is refused, and so is
    a text message about what is not critical."""
    anna = running.person()
    on = {"email": True, "in_app": True, "push": True}
    off = {"link_opened": {"email": False, "in_app": True, "push": False}, "upload_done": {**on, "push": False}}
    texted = dict.fromkeys(("link_expiring", "new_device", "quota_exceeded"), on | {"sms": True})
    usual = dict.fromkeys(CHOSEN_KINDS, on) | off | texted
    assert (await anna.send("GET", "/v1/notifications/preferences")).json() == usual
    for wrong in (
        {"weather": on},
        {"upload_done": {"webhook": True}},
        {"test": on},
        {"upload_done": {"sms": True}},
    ):
        assert (await anna.send("PUT", "/v1/notifications/preferences", wrong)).status == 422


async def test_only_what_one_may_read_can_be_followed(running: Notify) -> None:
    """A foreign file is 404, as is a foreign subscription; other channels and events are 422; no token is 401."""
    anna, eve = running.person(), running.person()
    file_id = new_id()
    subscription = await anna.follow(file_id)
    path = f"/v1/subscriptions/{subscription['id']}"
    body = {"file_id": file_id, "channel": "email"}
    assert (await eve.send("POST", "/v1/subscriptions", body)).status == 404
    assert (await eve.send("GET", path)).status == 404
    assert (await eve.send("DELETE", path)).status == 404
    for channel, code in (("pigeon", "unsupported_channel"), ("webhook", "invalid_target")):
        answer = await anna.send("POST", "/v1/subscriptions", {**body, "channel": channel})
        assert (answer.status, answer.json()["code"]) == (422, code)
    assert (await anna.send("POST", "/v1/subscriptions", {**body, "events": ["eaten"]})).status == 422
    assert (await anna.send("GET", "/v1/subscriptions", login=False)).status == 401
    assert (await anna.send("GET", path)).json() == subscription
    assert (await anna.send("DELETE", path)).status == 204
    assert (await anna.send("DELETE", path)).status == 404


async def test_subscriptions_are_listed_in_pages(running: Notify) -> None:
    """Every one once, and a cursor of someone's own making is refused."""
    anna = running.person()
    made = [(await anna.follow(new_id()))["id"] for _ in range(5)]
    listed: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await anna.send("GET", f"/v1/subscriptions?limit=2&cursor={cursor}")).json()
        listed += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert listed == sorted(made)
    answer = await anna.send("GET", "/v1/subscriptions?cursor=bm9uc2Vuc2U")
    assert (answer.status, answer.json()["code"]) == (422, "invalid_cursor")
