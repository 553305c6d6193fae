"""Use cases of who decides about shares, on fakes."""

import pytest
from metadata_fakes import Desk, person

from docstore_events.transaction import Transaction
from docstore_metadata.errors import TooManyBlocked
from docstore_metadata.sharing.acceptance import service
from docstore_platform.ids import new_id

BOB = person("bob")


async def test_a_job_that_declines_leaves_what_came_after_an_unblock(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many shares by a blocked person the job removes the rest, however late; a share accepted since then stays."""
    monkeypatch.setattr(service, "AT_ONCE", 2)
    desk.sign_up("ann", "bob")
    for number in range(5):
        await desk.share(f"/{number}", "bob@example.com")
    await desk.acceptance.block(BOB, "ann")
    job_id = new_id()
    assert desk.jobs.added[-1] == ("decline", "bob")
    await desk.acceptance.unblock(BOB, "ann")
    later = await desk.share("/later", "bob@example.com")
    await desk.acceptance.accept(BOB, later.id)
    transaction = Transaction(None, "metadata", "")
    while await desk.decliner.decline_all("bob", "ann", transaction, before=job_id):
        pass
    assert list(desk.store.shares.by_id) == [later.id]


async def test_a_list_of_blocked_people_has_an_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused; one who is blocked already is not."""
    monkeypatch.setattr(service, "MAX_BLOCKED", 2)
    for name in ("ann", "eve", "ann"):
        await desk.acceptance.block(BOB, f"{name}@example.com")
    with pytest.raises(TooManyBlocked, match="At most 2 people") as refused:
        await desk.acceptance.block(BOB, "joe@example.com")
    assert refused.value.code == "too_many_blocked"


async def test_what_a_blocked_person_shares_is_hidden(desk: Desk) -> None:
    """Whoever is blocked by an address that they have, or by their account."""
    desk.sign_up("ann", "bob")
    first = await desk.share("/a", "bob@example.com")
    assert first.account_id == "bob"
    await desk.acceptance.block(BOB, "ann@example.com")
    assert list(desk.store.shares.by_id) == []
    assert (await desk.share("/b", "bob@example.com")).hidden_from == "bob"
    assert await desk.acceptance.invitations(BOB, None, 10) == ([], None)
