"""Whom a batch of events notifies, on in-memory fakes."""

from datetime import timedelta
from typing import Any

from notify_fakes import FakeClock, World

from docstore_events.catalogue.accounts import PasswordReset
from docstore_events.catalogue.files import FileModified, FilePurged, FileState
from docstore_events.catalogue.shares import FileShared, ShareRevoked
from docstore_notify.texts import subject
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id

ABOUT = {"share_id": "s1", "file_id": "f1", "file_name": "plan.pdf", "kind": "file", "actor_id": "anna"}


def shared(revision: int, role: str = "viewer", **more: Any) -> FileShared:
    about = {**ABOUT, "owner_id": "anna", "email": "bert@example.org", "account_id": None, **more}
    return FileShared(revision=revision, role=role, **about)


def revoked(revision: int, **more: Any) -> ShareRevoked:
    about = {**ABOUT, "owner_id": "anna", "email": "bert@example.org", "account_id": None, **more}
    return ShareRevoked(revision=revision, role="viewer", **about)


def file(**more: Any) -> dict[str, Any]:
    now = utc_now()
    state = FileState(
        file_id="f1",
        owner_id="anna",
        parent_id="folder",
        ancestors=("anna", "secret", "folder"),
        kind="file",
        name="plan.pdf",
        size=5,
        content_type="text/plain",
        sha256="0" * 64,
        version=1,
        created_at=now,
        modified_at=now,
        modified_by="anna",
        **more,
    )
    return {"revision": 1, "file": state, "path": "/secret/folder/plan.pdf", "actor_id": "anna"}


async def test_on_file_shared_a_person_is_asked_to_accept_once() -> None:
    """By mail and in the app; not their own acceptance, nor another role before they accept."""
    world = World()
    await world.handle(shared(1, invited_id="bert"), shared(2, "editor", invited_id="bert"))
    await world.handle(shared(3, "editor", account_id="bert"))
    requested = [("in_app", "shared_with_you", "invited"), ("email", "shared_with_you", "invited")]
    assert world.notices("bert") == requested
    assert subject(world.inbox.rows[0]) == "Accept or decline: plan.pdf"


async def test_on_file_shared_a_clock_that_runs_ahead_delays_no_email() -> None:
    """It is due by the clock of the database, which decides what is due."""
    world = World()
    world.deliveries.clock = FakeClock()
    world.clock.advance(minutes=8)
    await world.handle(shared(1, invited_id="bert"))
    assert [row.due_at for row in world.deliveries.rows.values()] == [world.deliveries.clock()]


async def test_on_file_shared_what_was_hidden_is_announced_once_it_waits_to_be_accepted() -> None:
    """No one was notified of the share while its owner was blocked."""
    world = World()
    await world.handle(shared(1, hidden=True))
    assert world.notices("bert") == []
    await world.handle(shared(2, invited_id="bert"))
    assert [what for _, _, what in world.notices("bert")] == ["invited", "invited"]


async def test_on_file_shared_a_new_role_is_notified_and_an_old_revision_is_not() -> None:
    """Events may come again or late: the revision decides."""
    world = World()
    await world.handle(shared(1, account_id="bert"))
    await world.handle(shared(3, "editor", account_id="bert"))
    await world.handle(shared(2, account_id="bert"))
    changes = [change for channel, _, change in world.notices("bert") if channel == "in_app"]
    assert changes == ["shared", "role_changed"]


async def test_on_file_shared_an_address_without_account_is_invited_once() -> None:
    """Another role is no second invitation; with an account, the person is notified."""
    world = World()
    await world.handle(shared(1), shared(2, "editor"))
    assert [kind for _, kind, _ in world.notices("anna")] == ["invitation"]
    await world.handle(shared(3, "editor", account_id="bert"))
    assert {change for _, _, change in world.notices("bert")} == {"shared"}


async def test_on_file_shared_a_recipient_who_blocked_the_sender_is_not_notified() -> None:
    """The owner's followers are notified as of every share."""
    world = World()
    world.follow("anna", "f1", "in_app", "shared", "unshared")
    await world.handle(shared(1, hidden=True), revoked(2, hidden=True))
    assert world.notices("bert") == []
    assert [change for _, _, change in world.notices("anna")] == ["shared", "unshared"]


async def test_on_share_revoked_the_subscriptions_of_the_person_are_rechecked() -> None:
    """Also where the event no longer names the account."""
    world = World()
    await world.handle(shared(1, account_id="bert"))
    await world.handle(revoked(2))
    assert world.rechecks.account_ids == {"bert"}


async def test_on_password_reset_of_a_taken_over_account_its_earlier_subscriptions_are_to_end() -> None:
    """At the moment that the event names; an ordinary reset names none. The owner is notified of both."""
    world = World()
    moments = {"anna": world.clock() + timedelta(seconds=1), "bert": None}
    for account_id, moment in moments.items():
        about = {"reset_id": new_id(), "account_id": account_id, "taken_over_at": moment}
        await world.handle(PasswordReset(revision=2, **about))
        assert ("email", "password_notice", "reset") in world.notices(account_id)
    assert world.rechecks.taken_over == [("anna", moments["anna"])]


async def test_on_file_modified_a_reader_sees_paths_from_what_they_follow() -> None:
    """They may not read the names above; the owner may. Without access there is no notice."""
    world = World()
    for account_id in ("anna", "bert", "mallory"):
        world.follow(account_id, "folder", "in_app")
    await world.handle(FileModified(**file(readers=("bert",)), added_bytes=1))
    paths = {row.account_id: row.items[0]["path"] for row in world.inbox.rows}
    assert paths == {"anna": "/secret/folder/plan.pdf", "bert": "/folder/plan.pdf"}


async def test_on_file_purged_what_waits_for_machines_fails() -> None:
    """The subscription goes, its queue ends what waits, and goes too."""
    world = World()
    world.follow("anna", "f1")
    await world.handle(FileModified(**file(), added_bytes=1))
    await world.handle(FilePurged(**file(), freed_bytes=5))
    await world.work()
    assert world.deliveries.states() == ["failed"]
    assert (world.subscriptions.rows, world.queues.due) == ({}, {})
