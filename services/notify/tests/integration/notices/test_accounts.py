"""What people are notified of links, log-ins and passwords."""

from datetime import timedelta
from typing import Any

import pytest
from notify_service import Notify, Person
from steps import handled

from docstore_events.catalogue.accounts import (
    PasswordChanged,
    PasswordReset,
    PasswordResetLinkMade,
    PasswordResetRequested,
    SessionStarted,
)
from docstore_events.catalogue.files import ContentRetrieved
from docstore_events.catalogue.shares import LinkExpiring, LinkOpened
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.security.mailed_links import ResetLinks
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


def link(owner: Person) -> dict[str, Any]:
    return {
        "link_id": new_id(),
        "file_id": new_id(),
        "file_name": "plan.pdf",
        "owner_id": owner.id,
        "expires_at": utc_now() + timedelta(days=1),
    }


def login(person: Person, *, new_device: bool = True, first_login: bool = False) -> SessionStarted:
    about = {"session_id": new_id(), "account_id": person.id, "device": "Phone", "started_at": utc_now()}
    return SessionStarted(revision=1, new_device=new_device, first_login=first_login, **about)


def password_reset(person: Person, reset_id: str, good_for: timedelta = timedelta(hours=1)) -> PasswordResetRequested:
    ends = utc_now() + good_for
    return PasswordResetRequested(revision=1, reset_id=reset_id, account_id=person.id, expires_at=ends)


async def test_on_link_opened_the_owner_is_notified_in_the_app_and_by_mail_on_request(notify: Notify) -> None:
    """A mail about every opening is off by default; a follower of the file is notified too."""
    anna = notify.person()
    about = link(anna)
    async with notify.running(digest_interval_seconds=0):
        await notify.publish(anna.signed_up())
        await anna.hook(about["file_id"], events=["link_opened"])
        (first,) = await notify.publish(LinkOpened(revision=2, opens=1, **about))
        await notify.until_notified(first, channel="in_app")
        await anna.send("PUT", "/v1/notifications/preferences", {"link_opened": {"email": True}})
        (second,) = await notify.publish(LinkOpened(revision=3, opens=2, **about))
        await notify.until_notified(second)
        await notify.until_notified(first, second, channel="webhook")
        assert notify.ses.mailbox.subjects() == ["Your link to plan.pdf was opened"]


async def test_on_link_expiring_the_owner_is_notified(notify: Notify) -> None:
    """By mail and in the app."""
    anna = notify.person()
    async with notify.running():
        ids = await notify.publish(anna.signed_up(), LinkExpiring(revision=2, **link(anna)))
        await notify.until_notified(ids[1])
        await notify.until_notified(ids[1], channel="in_app")
        assert notify.ses.mailbox.subjects() == ["Your link to plan.pdf expires soon"]


async def test_on_content_retrieved_who_requested_it_is_notified(notify: Notify) -> None:
    """By mail and in the app."""
    anna = notify.person()
    about = {"retrieval_id": new_id(), "file_id": new_id(), "owner_id": "bert", "path": "/old/plan.pdf"}
    async with notify.running():
        retrieved = ContentRetrieved(revision=1, version=2, account_id=anna.id, **about)
        ids = await notify.publish(anna.signed_up(), retrieved)
        await notify.until_notified(ids[1])
        await notify.until_notified(ids[1], channel="in_app")
        assert notify.ses.mailbox.subjects() == ["plan.pdf can be read again"]


async def test_on_session_started_a_new_device_is_notified_but_not_the_first(notify: Notify) -> None:
    """Nor one that was there before; in whatever order the events come, which are of different partitions."""
    anna = notify.person()
    async with notify.running():
        ids = await notify.publish(anna.signed_up(), login(anna))
        await handled(notify, ids)
        new = ids[-1]
        await handled(notify, await notify.publish(login(anna, new_device=False), login(anna, first_login=True)))
        (notified,) = await notify.until_notified(new)
        assert (notified["kind"], notified["cause_ids"]) == ("new_device", [new])


async def test_on_password_reset_requested_a_link_is_mailed_and_nothing_shown(notify: Notify) -> None:
    """The link has the signed token; no click ends such mails, no preference, and the app does not show them."""
    anna = notify.person()
    reset_id = new_id()
    reset = password_reset(anna, reset_id)
    async with notify.running():
        _, notified = await notify.publish(anna.signed_up(), reset)
        await notify.until_notified(notified)
        (mail,) = notify.ses.mailbox.mails
        assert ResetLinks(notify.infra).url(reset_id) in mail.get_body(("plain",)).get_content()
        assert mail["List-Unsubscribe"] is None
        assert (await anna.get("/v1/notifications"))["items"] == []


async def test_every_way_to_change_a_password_is_mailed(notify: Notify) -> None:
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
        _, *notified = await notify.publish(anna.signed_up(), *events)
        for event_id in notified:
            await notify.until_notified(event_id)
        mails = notify.ses.mailbox.mails
        texts = " ".join(mail.get_body(("plain",)).get_content() for mail in mails)
        assert "changed on Firefox on Linux" in texts
        assert "An administrator created a link" in texts
        assert "was set by a reset link" in texts
        assert [mail["List-Unsubscribe"] for mail in mails] == [None] * 3


async def test_a_mail_with_a_link_to_a_new_password_waits_for_nothing(notify: Notify) -> None:
    """Someone asks again: no digest holds the second mail back. One that comes to be sent after its end is not."""
    anna, ids = notify.person(), [new_id() for _ in range(3)]
    ended = password_reset(anna, ids[0], good_for=timedelta(0))
    first, second = (password_reset(anna, reset_id) for reset_id in ids[1:])
    async with notify.running(digest_interval_seconds=3600):
        _, dropped, notified = await notify.publish(anna.signed_up(), ended, first)
        await notify.until_notified(notified)
        (again,) = await notify.publish(second)
        await notify.until_notified(again)
        texts = [mail.get_body(("plain",)).get_content() for mail in notify.ses.mailbox.mails]
        assert [[reset_id in text for reset_id in ids] for text in texts] == [
            [False, True, False],
            [False, False, True],
        ]

        async def ended_is_dropped() -> bool:
            failed = [data["cause_ids"] for kind, data in await notify.published() if kind == "notification-failed"]
            return failed == [[dropped]]

        await eventually(ended_is_dropped)
