"""Use cases of recipients, on fakes."""

import pytest
from metadata_fakes import Desk, person

from docstore_events.transaction import Transaction
from docstore_metadata.sharing.acceptance import admission, service
from docstore_platform.errors import Conflict
from docstore_platform.ids import new_id

BOB = person("bob")


async def test_a_declining_job_keeps_shares_after_an_unblock(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It removes the blocked person's other shares, however late."""
    monkeypatch.setattr(admission, "AT_ONCE", 2)
    desk.sign_up("ann", "bob")
    for number in range(5):
        await desk.share(f"/{number}", "bob@example.com")
    await desk.acceptance.block(BOB, "ann")
    job_id = new_id()
    assert desk.fakes.jobs.added[-1] == ("decline", "bob")
    await desk.acceptance.unblock(BOB, "ann")
    later = await desk.share("/later", "bob@example.com")
    await desk.acceptance.accept(BOB, later.id)
    transaction = Transaction(None, "metadata", "")
    while await admission.decline_all(desk.store, desk.tree, "bob", "ann", transaction, before=job_id):
        pass
    assert list(desk.fakes.shares.by_id) == [later.id]


async def test_the_number_of_blocked_people_is_limited(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocking the same person again is allowed."""
    monkeypatch.setattr(service, "MAX_BLOCKED", 2)
    for name in ("ann", "eve", "ann"):
        await desk.acceptance.block(BOB, f"{name}@example.com")
    with pytest.raises(Conflict, match="At most 2 people") as refused:
        await desk.acceptance.block(BOB, "joe@example.com")
    assert refused.value.code == "too_many_blocked"


async def test_shares_of_a_blocked_person_are_hidden(desk: Desk) -> None:
    """Blocked by their address, or by their account."""
    desk.sign_up("ann", "bob")
    first = await desk.share("/a", "bob@example.com")
    assert first.account_id == "bob"
    await desk.acceptance.block(BOB, "ann@example.com")
    assert list(desk.fakes.shares.by_id) == []
    assert (await desk.share("/b", "bob@example.com")).hidden_from == "bob"
    assert await desk.acceptance.invitations(BOB, None, 10) == ([], None)
