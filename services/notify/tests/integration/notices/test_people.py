"""What people are told of besides files: shares, links, log-ins; and how they get no more of it."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from docstore_events.accounts import (
    PasswordChanged,
    PasswordReset,
    PasswordResetLinkMade,
    PasswordResetRequested,
    SessionStarted,
)
from docstore_events.files import FileModified
from docstore_events.shares import FileShared, LinkExpiring, LinkOpened, ShareRevoked
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.internal import LocalTransport
from docstore_platform.mailed_links import ResetLinks
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


def share(owner: Any, *, to: Any = None, email: str = "cleo@example.org") -> dict[str, Any]:
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


def link(owner: Any) -> dict[str, Any]:
    return {
        "link_id": new_id(),
        "file_id": new_id(),
        "file_name": "plan.pdf",
        "owner_id": owner.id,
        "expires_at": utc_now() + timedelta(days=1),
    }


def login(person: Any, *, new_device: bool = True, first_login: bool = False) -> SessionStarted:
    about = {"session_id": new_id(), "account_id": person.id, "device": "Phone", "started_at": utc_now()}
    return SessionStarted(revision=1, new_device=new_device, first_login=first_login, **about)


def password_reset(person: Any, reset_id: str, good_for: timedelta = timedelta(hours=1)) -> PasswordResetRequested:
    ends = utc_now() + good_for
    return PasswordResetRequested(revision=1, reset_id=reset_id, account_id=person.id, expires_at=ends)


def recipients(notify: Any) -> list[str]:
    return [mail["To"].addresses[0].addr_spec for mail in notify.ses.mailbox.mails]


async def handled(notify: Any, ids: list[str]) -> None:
    async def settled() -> bool:
        answer = await notify.internal("POST", "/internal/events/settled", {"event_ids": ids})
        return set(answer["settled"]) == set(ids)

    await eventually(settled)


async def test_on_file_shared_the_person_is_told_once_and_again_of_another_role(notify: Any) -> None:
    """By mail and in the app; what is no news is not told."""
    anna, bert = notify.person(), notify.person()
    about = share(anna, to=bert)
    notify.readable.add((bert.id, about["file_id"]))
    async with notify.running(digest_seconds=0):
        await notify.say(anna.signed_up(), bert.signed_up())
        first, again, editor = await notify.say(
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
        told = [event_id for data in await notify.all_told(first, channel="in_app") for event_id in data["cause_ids"]]
        assert sorted(told) == sorted([first, editor])
        text = notify.ses.mailbox.mails[0].get_body(("plain",)).get_content()
        assert '("Anna") has' in text


async def test_who_has_no_account_is_invited_once_a_share_and_told_when_they_have_one(notify: Any) -> None:
    """Another role is no second invitation; one click ends invitations to that address, whoever sends them."""
    anna, bert = notify.person(), notify.person()
    about = share(anna)
    async with notify.running(digest_seconds=0):
        await notify.say(anna.signed_up(), bert.signed_up())
        ids = await notify.say(
            FileShared(revision=1, role="viewer", **about), FileShared(revision=2, role="editor", **about)
        )
        await handled(notify, ids)
        (mail,) = notify.ses.mailbox.mails
        assert recipients(notify) == ["cleo@example.org"]
        assert "sign up" in mail.get_body(("plain",)).get_content()
        assert (await click(notify, mail)).status == 200
        ids = await notify.say(FileShared(revision=1, role="viewer", **share(bert, email="Cleo@Example.org")))
        await handled(notify, ids)
        assert len(notify.ses.mailbox.mails) == 1
        cleo = notify.person()
        notify.readable.add((cleo.id, about["file_id"]))
        ids = await notify.say(
            cleo.signed_up(), FileShared(revision=3, role="editor", **(about | {"account_id": cleo.id}))
        )
        await notify.all_told(ids[1])
        assert recipients(notify)[1:] == [cleo.email]


async def test_an_invitation_that_is_taken_back_is_not_sent(notify: Any) -> None:
    """Though it waited for SES."""
    anna = notify.person()
    about = share(anna)
    notify.ses.mood = "failing"
    async with notify.running(digest_seconds=0):
        ids = await notify.say(anna.signed_up(), FileShared(revision=1, role="viewer", **about))

        async def tried() -> bool:
            return bool(notify.ses.asked)

        await eventually(tried)
        ids += await notify.say(ShareRevoked(revision=2, role="viewer", **about))

        async def known() -> Any:
            return await notify.database["shares"].find_one({"_id": about["share_id"], "revoked": True})

        await eventually(known)
        notify.ses.mood = "well"
        await handled(notify, ids)
        assert notify.ses.mailbox.mails == []


async def test_who_is_asked_to_accept_a_share_is_told_once(notify: Any) -> None:
    """By mail and in the app, without a right to read it yet; their own acceptance and another role are no news."""
    anna, bert = notify.person(), notify.person()
    about = share(anna, to=bert) | {"account_id": None, "invited_id": bert.id}
    async with notify.running(digest_seconds=0):
        ids = await notify.say(
            anna.signed_up(),
            bert.signed_up(),
            FileShared(revision=1, role="viewer", **about),
            FileShared(revision=2, role="editor", **about),
            FileShared(revision=3, role="editor", **(about | {"account_id": bert.id, "invited_id": None})),
        )
        await notify.all_told(ids[2], channel="in_app")
        await handled(notify, ids)
        assert recipients(notify) in ([], [bert.email])  # accepted before it was sent, perhaps
        [told] = (await bert.get("/v1/notifications"))["items"]
        assert (told["kind"], told["title"]) == ("shared_with_you", "Accept or decline: plan.pdf")


async def test_an_invitation_waits_for_the_mail_server_and_is_sent_while_it_stands(notify: Any) -> None:
    """The mail names the choices; of one that was declined meanwhile, none is sent."""
    anna, bert, cleo = notify.person(), notify.person(), notify.person()
    stands, declined = (share(anna, to=one) | {"account_id": None, "invited_id": one.id} for one in (bert, cleo))
    notify.ses.mood = "failing"
    async with notify.running(digest_seconds=0):
        ids = await notify.say(
            anna.signed_up(),
            bert.signed_up(),
            cleo.signed_up(),
            *(FileShared(revision=1, role="viewer", **about) for about in (stands, declined)),
            ShareRevoked(revision=2, role="viewer", **declined),
        )
        await notify.all_told(*ids[3:5], channel="in_app")

        async def is_known() -> Any:
            return await notify.database["shares"].find_one({"_id": declined["share_id"], "revoked": True})

        await eventually(is_known)
        notify.ses.mood = "well"
        await notify.all_told(ids[3])
        await handled(notify, ids)
        assert recipients(notify) == [bert.email]
        text = notify.ses.mailbox.mails[0].get_body(("plain",)).get_content()
        assert "wants to share" in text
        assert "block the sender" in text


async def test_who_has_blocked_the_sender_is_told_nothing(notify: Any) -> None:
    """No mail, no notification; the owner's followers are told as of every share."""
    anna, bert = notify.person(), notify.person()
    about = share(anna, to=bert) | {"account_id": None, "hidden": True}
    async with notify.running(digest_seconds=0):
        await anna.follow(about["file_id"], channel="in_app", events=["shared", "unshared"])
        ids = await notify.say(
            anna.signed_up(),
            bert.signed_up(),
            FileShared(revision=1, role="viewer", **about),
            ShareRevoked(revision=2, role="viewer", **about),
        )
        await notify.all_told(*ids[2:], channel="in_app")
        await handled(notify, ids)
        assert len((await anna.get("/v1/notifications"))["items"]) >= 1
        assert (await bert.get("/v1/notifications"))["items"] == []
        assert recipients(notify) == []


async def test_on_share_revoked_subscriptions_end_unless_the_file_may_still_be_read(notify: Any) -> None:
    """Those below the shared folder go; those to what is shared in another way, and the owner's, stay."""
    anna, bert = notify.person(), notify.person()
    about = share(anna, to=bert)
    lost, kept = new_id(), new_id()
    async with notify.running():
        for person, file_id in ((bert, about["file_id"]), (bert, lost), (bert, kept), (anna, lost)):
            await person.follow(file_id, channel="in_app")
        notify.readable -= {(bert.id, about["file_id"]), (bert.id, lost)}
        await notify.say(ShareRevoked(revision=2, role="viewer", **about))

        async def left() -> bool:
            return [one["file_id"] for one in (await bert.get("/v1/subscriptions"))["items"]] == [kept]

        await eventually(left)
        assert len((await anna.get("/v1/subscriptions"))["items"]) == 1


async def test_nothing_that_waits_is_told_once_the_right_to_read_has_ended(notify: Any) -> None:
    """A mail and a webhook that waited for their receivers are dropped; of a digest, what may be told is told."""
    anna, bert = notify.person(), notify.person()
    secret, shared = (anna.file(readers=(bert.id,)) for _ in range(2))
    notify.ses.mood = "failing"
    notify.machines.moods["one"] = "failing"
    async with notify.running(digest_seconds=1):
        await notify.say(anna.signed_up(), bert.signed_up())
        for about in (secret, shared):
            await bert.follow(about["file"].file_id)
        await bert.hook(secret["file"].file_id)
        ids = await notify.say(FileModified(**secret, added_bytes=1), FileModified(**shared, added_bytes=2))

        async def tried() -> bool:
            return bool(notify.ses.asked and notify.machines.asked["one"])

        await eventually(tried)
        notify.readable.discard((bert.id, secret["file"].file_id))
        notify.ses.mood = notify.machines.moods["one"] = "well"
        await handled(notify, ids)
        assert notify.machines.told("one") == []
        listed = "".join(mail.get_body(("plain",)).get_content() for mail in notify.ses.mailbox.mails)
        assert listed.count("- /plan.pdf was modified") == 1


async def test_a_reader_is_told_no_names_above_what_they_follow(notify: Any) -> None:
    """The owner's folders above a shared file stay the owner's."""
    anna, bert = notify.person(), notify.person()
    about = anna.file(ancestors=(new_id(),), readers=(bert.id,))
    async with notify.running():
        await bert.follow(about["file"].file_id, channel="in_app")
        await anna.follow(about["file"].file_id, channel="in_app")
        (event_id,) = await notify.say(FileModified(**about, added_bytes=1))
        await handled(notify, [event_id])
        for person, path in ((bert, "/plan.pdf"), (anna, "/docs/plan.pdf")):
            ((told),) = (await person.get("/v1/notifications"))["items"]
            assert told["items"][0]["path"] == path


async def test_on_link_opened_the_owner_is_told_in_the_app_and_by_mail_if_they_want(notify: Any) -> None:
    """A mail about every opening is off until it is asked for; a follower of the file hears of it too."""
    anna = notify.person()
    about = link(anna)
    async with notify.running(digest_seconds=0):
        await notify.say(anna.signed_up())
        await anna.hook(about["file_id"], events=["link_opened"])
        (first,) = await notify.say(LinkOpened(revision=2, opens=1, **about))
        await notify.all_told(first, channel="in_app")
        await anna.send("PUT", "/v1/notifications/preferences", {"link_opened": {"email": True}})
        (second,) = await notify.say(LinkOpened(revision=3, opens=2, **about))
        await notify.all_told(second)
        await notify.all_told(first, second, channel="webhook")
        assert notify.ses.mailbox.subjects() == ["Your link to plan.pdf was opened"]


async def test_on_link_expiring_the_owner_is_told(notify: Any) -> None:
    """By mail and in the app."""
    anna = notify.person()
    async with notify.running():
        ids = await notify.say(anna.signed_up(), LinkExpiring(revision=2, **link(anna)))
        await notify.all_told(ids[1])
        await notify.all_told(ids[1], channel="in_app")
        assert notify.ses.mailbox.subjects() == ["Your link to plan.pdf is about to end"]


async def test_on_session_started_a_new_device_is_told_but_not_the_first(notify: Any) -> None:
    """Nor one that was there before; in whatever order the events come, which are of different partitions."""
    anna = notify.person()
    async with notify.running():
        ids = await notify.say(anna.signed_up(), login(anna))
        await handled(notify, ids)
        new = ids[-1]
        await handled(notify, await notify.say(login(anna, new_device=False), login(anna, first_login=True)))
        (told,) = await notify.all_told(new)
        assert (told["kind"], told["cause_ids"]) == ("new_device", [new])


async def test_on_password_reset_requested_a_link_is_mailed_and_nothing_shown(notify: Any) -> None:
    """The link has the signed token; no click ends such mails, no preference, and the app does not show them."""
    anna = notify.person()
    reset_id = new_id()
    reset = password_reset(anna, reset_id)
    async with notify.running():
        _, told = await notify.say(anna.signed_up(), reset)
        await notify.all_told(told)
        (mail,) = notify.ses.mailbox.mails
        assert ResetLinks(notify.infra).url(reset_id) in mail.get_body(("plain",)).get_content()
        assert mail["List-Unsubscribe"] is None
        assert (await anna.get("/v1/notifications"))["items"] == []


async def test_every_way_to_change_a_password_is_mailed(notify: Any) -> None:
    """Changed by the owner, set by a link, and a link made by an administrator: a mail each that no preference ends."""
    anna, at = notify.person(), utc_now()
    about = {"account_id": anna.id, "reset_id": new_id()}
    changed = {"change_id": new_id(), "session_id": "s1", "device": "Firefox on Linux", "changed_at": at}
    events = (
        PasswordChanged(revision=1, account_id=anna.id, **changed),
        PasswordResetLinkMade(revision=1, made_by="root", expires_at=at, **about),
        PasswordReset(revision=2, **about),
    )
    async with notify.running():
        _, *told = await notify.say(anna.signed_up(), *events)
        for event_id in told:
            await notify.all_told(event_id)
        mails = notify.ses.mailbox.mails
        texts = " ".join(mail.get_body(("plain",)).get_content() for mail in mails)
        assert "changed on Firefox on Linux" in texts
        assert "An administrator has made a link" in texts
        assert "was set by a reset link" in texts
        assert [mail["List-Unsubscribe"] for mail in mails] == [None] * 3


async def test_a_mail_with_a_link_to_a_new_password_waits_for_nothing(notify: Any) -> None:
    """Somebody asks again: no digest holds the second mail back. One that comes to be sent after its end is not."""
    anna, ids = notify.person(), [new_id() for _ in range(3)]
    ended = password_reset(anna, ids[0], good_for=timedelta(0))
    first, second = (password_reset(anna, reset_id) for reset_id in ids[1:])
    async with notify.running(digest_seconds=3600):
        _, dropped, told = await notify.say(anna.signed_up(), ended, first)
        await notify.all_told(told)
        (again,) = await notify.say(second)
        await notify.all_told(again)
        texts = [mail.get_body(("plain",)).get_content() for mail in notify.ses.mailbox.mails]
        assert [[reset_id in text for reset_id in ids] for text in texts] == [
            [False, True, False],
            [False, False, True],
        ]

        async def ended_is_dropped() -> bool:
            failed = [data["cause_ids"] for kind, data in await notify.said() if kind == "notification-failed"]
            return failed == [[dropped]]

        await eventually(ended_is_dropped)


async def click(notify: Any, mail: Any, method: str = "POST") -> Any:
    """What a mail program does with the header (RFC 8058)."""
    url = urlsplit(str(mail["List-Unsubscribe"]).strip("<>"))
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = b"List-Unsubscribe=One-Click" if method == "POST" else b""
    return await LocalTransport(notify.url).send(method, f"{url.path}?{url.query}", headers, body)


async def test_one_click_ends_mails_of_a_kind_without_a_login(notify: Any) -> None:
    """A look at the page ends nothing; the button does; the app still tells."""
    anna = notify.person()
    async with notify.running(digest_seconds=0):
        ids = await notify.say(anna.signed_up(), anna.uploaded("one.txt"))
        await notify.all_told(ids[1])
        (mail,) = notify.ses.mailbox.mails
        page = await click(notify, mail, "GET")
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert b'<form method="post">' in page.body
        assert "form-action 'self'" in page.headers["content-security-policy"]
        assert (await anna.get("/v1/notifications/preferences"))["upload_done"]["email"] is True
        for _ in range(2):
            assert b"no more e-mails about finished uploads" in (await click(notify, mail)).body
        assert (await anna.get("/v1/notifications/preferences"))["upload_done"] == {"email": False, "in_app": True}
        (event_id,) = await notify.say(anna.uploaded("two.txt"))
        await notify.all_told(event_id, channel="in_app")
        assert notify.ses.mailbox.subjects() == ["Uploaded: one.txt"]


async def test_one_click_ends_the_following_that_a_mail_came_from(notify: Any) -> None:
    """Only that; a forged or cut token is 404 and ends nothing."""
    anna = notify.person()
    left, kept = anna.file(), anna.file()
    async with notify.running(digest_seconds=0):
        await notify.say(anna.signed_up())
        for about in (left, kept):
            await anna.follow(about["file"].file_id)
        (event_id,) = await notify.say(FileModified(**left, added_bytes=1))
        await notify.all_told(event_id)
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
                assert (await LocalTransport(notify.url).send(method, forged, {}, b"")).status == 404
        assert (await click(notify, mail)).status == 200
        files = [one["file_id"] for one in (await anna.get("/v1/subscriptions"))["items"]]
        assert files == [kept["file"].file_id]
        assert (await anna.get("/v1/notifications/preferences"))["file_changed"]["email"] is True
