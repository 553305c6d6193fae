"""What people are notified of shares, and what ends with them."""

from typing import Any

import pytest
from notify_service import Notify, Person
from steps import click, handled

from docstore_events.catalogue.files import FileModified
from docstore_events.catalogue.shares import FileShared, ShareRevoked
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


def share(owner: Person, *, to: Person | None = None, email: str = "cleo@example.org") -> dict[str, Any]:
    """What the events of one share have in common."""
    return {
        "share_id": new_id(),
        "file_id": new_id(),
        "file_name": "plan.pdf",
        "kind": "file",
        "owner_id": owner.id,
        "email": to.email if to else email,
        "account_id": to.id if to else None,
        "actor_id": owner.id,
    }


def recipients(notify: Notify) -> list[str]:
    return [mail["To"].addresses[0].addr_spec for mail in notify.ses.mailbox.mails]


async def test_on_file_shared_the_person_is_notified_once_and_again_of_another_role(notify: Notify) -> None:
    """By mail and in the app; a repeated state is not notified."""
    anna, bert = notify.person(), notify.person()
    about = share(anna, to=bert)
    notify.readable.add((bert.id, about["file_id"]))
    async with notify.running(digest_interval_seconds=0):
        await notify.publish(anna.signed_up(), bert.signed_up())
        first, again, editor = await notify.publish(
            FileShared(revision=1, role="viewer", **about),
            FileShared(revision=2, role="viewer", **about),
            FileShared(revision=3, role="editor", **about),
        )
        await handled(notify, [first, again, editor])
        assert sorted(notify.ses.mailbox.subjects()) == [
            "You are now an editor of plan.pdf",
            "plan.pdf is shared with you",
        ]
        assert set(recipients(notify)) == {bert.email}
        notified = [
            event_id for data in await notify.until_notified(first, channel="in_app") for event_id in data["cause_ids"]
        ]
        assert sorted(notified) == sorted([first, editor])
        text = notify.ses.mailbox.mails[0].get_body(("plain",)).get_content()
        assert '("Anna") has' in text


async def test_on_file_shared_a_role_that_changes_again_and_again_is_notified_once_a_day(notify: Notify) -> None:
    """By no channel more than once, whether the changes come together or one by one."""
    anna, bert = notify.person(), notify.person()
    about = share(anna, to=bert)
    notify.readable.add((bert.id, about["file_id"]))
    toggles = [FileShared(revision=at, role="viewer" if at % 2 else "editor", **about) for at in range(1, 21)]
    async with notify.running(digest_interval_seconds=0):
        await notify.publish(anna.signed_up(), bert.signed_up())
        ids = await notify.publish(*toggles[:10])
        await handled(notify, ids)
        for toggle in toggles[10:]:
            ids += await notify.publish(toggle)
            await handled(notify, ids)
        assert sorted(notify.ses.mailbox.subjects()) == [
            "You are now an editor of plan.pdf",
            "plan.pdf is shared with you",
        ]
        in_app = await notify.until_notified(*ids[:2], channel="in_app")
        assert sorted(event_id for data in in_app for event_id in data["cause_ids"]) == sorted(ids[:2])


async def test_a_person_without_account_is_invited_once_a_share_and_notified_after_sign_up(notify: Notify) -> None:
    """Another role is no second invitation; one click ends invitations to that address, whoever sends them."""
    anna, bert = notify.person(), notify.person()
    about = share(anna)
    async with notify.running(digest_interval_seconds=0):
        await notify.publish(anna.signed_up(), bert.signed_up())
        ids = await notify.publish(
            FileShared(revision=1, role="viewer", **about), FileShared(revision=2, role="editor", **about)
        )
        await handled(notify, ids)
        (mail,) = notify.ses.mailbox.mails
        assert recipients(notify) == ["cleo@example.org"]
        assert "sign up" in mail.get_body(("plain",)).get_content()
        assert (await click(notify, mail)).status == 200
        ids = await notify.publish(FileShared(revision=1, role="viewer", **share(bert, email="Cleo@Example.org")))
        await handled(notify, ids)
        assert len(notify.ses.mailbox.mails) == 1
        cleo = notify.person()
        notify.readable.add((cleo.id, about["file_id"]))
        ids = await notify.publish(
            cleo.signed_up(), FileShared(revision=3, role="editor", **(about | {"account_id": cleo.id}))
        )
        await notify.until_notified(ids[1])
        assert recipients(notify)[1:] == [cleo.email]


async def test_an_invitation_that_is_taken_back_is_not_sent(notify: Notify) -> None:
    """Though it waited for SES."""
    anna = notify.person()
    about = share(anna)
    notify.ses.mood = "failing"
    async with notify.running(digest_interval_seconds=0):
        ids = await notify.publish(anna.signed_up(), FileShared(revision=1, role="viewer", **about))

        async def tried() -> bool:
            return bool(notify.ses.requested)

        await eventually(tried)
        ids += await notify.publish(ShareRevoked(revision=2, role="viewer", **about))

        async def known() -> Any:
            return await notify.database["shares"].find_one({"_id": about["share_id"], "revoked": True})

        await eventually(known)
        notify.ses.mood = "well"
        await handled(notify, ids)
        assert notify.ses.mailbox.mails == []


async def test_an_invitation_waits_for_the_mail_server_and_is_sent_while_it_stands(notify: Notify) -> None:
    """The mail names the choices; of one that was declined meanwhile, none is sent."""
    anna, bert, cleo = notify.person(), notify.person(), notify.person()
    stands, declined = (share(anna, to=one) | {"account_id": None, "invited_id": one.id} for one in (bert, cleo))
    notify.ses.mood = "failing"
    async with notify.running(digest_interval_seconds=0):
        ids = await notify.publish(
            anna.signed_up(),
            bert.signed_up(),
            cleo.signed_up(),
            *(FileShared(revision=1, role="viewer", **about) for about in (stands, declined)),
            ShareRevoked(revision=2, role="viewer", **declined),
        )
        await notify.until_notified(*ids[3:5], channel="in_app")

        async def is_known() -> Any:
            return await notify.database["shares"].find_one({"_id": declined["share_id"], "revoked": True})

        await eventually(is_known)
        notify.ses.mood = "well"
        await notify.until_notified(ids[3])
        await handled(notify, ids)
        assert recipients(notify) == [bert.email]
        text = notify.ses.mailbox.mails[0].get_body(("plain",)).get_content()
        assert "wants to share" in text
        assert "block the sender" in text


async def test_on_share_revoked_subscriptions_end_unless_the_file_may_still_be_read(notify: Notify) -> None:
    """Those below the shared folder go; those to what is shared in another way, and the owner's, stay."""
    anna, bert = notify.person(), notify.person()
    about = share(anna, to=bert)
    lost, kept = new_id(), new_id()
    async with notify.running():
        for person, file_id in ((bert, about["file_id"]), (bert, lost), (bert, kept), (anna, lost)):
            await person.follow(file_id, channel="in_app")
        notify.readable -= {(bert.id, about["file_id"]), (bert.id, lost)}
        await notify.publish(ShareRevoked(revision=2, role="viewer", **about))

        async def left() -> bool:
            return [one["file_id"] for one in (await bert.get("/v1/subscriptions"))["items"]] == [kept]

        await eventually(left)
        assert len((await anna.get("/v1/subscriptions"))["items"]) == 1


async def test_pending_notifications_are_dropped_when_access_ends(notify: Notify) -> None:
    """A mail and a webhook that waited for their receivers are dropped; a digest keeps the items that may be read."""
    anna, bert = notify.person(), notify.person()
    secret, shared = (anna.file(readers=(bert.id,)) for _ in range(2))
    notify.ses.mood = "failing"
    notify.machines.moods["one"] = "failing"
    async with notify.running(digest_interval_seconds=1):
        await notify.publish(anna.signed_up(), bert.signed_up())
        for about in (secret, shared):
            await bert.follow(about["file"].file_id)
        await bert.hook(secret["file"].file_id)
        ids = await notify.publish(FileModified(**secret, added_bytes=1), FileModified(**shared, added_bytes=2))

        async def tried() -> bool:
            return bool(notify.ses.requested and notify.machines.requested["one"])

        await eventually(tried)
        notify.readable.discard((bert.id, secret["file"].file_id))
        notify.ses.mood = notify.machines.moods["one"] = "well"
        await handled(notify, ids)
        assert notify.machines.notified("one") == []
        listed = "".join(mail.get_body(("plain",)).get_content() for mail in notify.ses.mailbox.mails)
        assert listed.count("- /plan.pdf was modified") == 1
