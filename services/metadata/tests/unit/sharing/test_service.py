"""Use cases of sharing, on fakes."""

import pytest
from metadata_fakes import Desk

from docstore_metadata.errors import ShareWithSelf, TooManyInvitations, TooManyShares
from docstore_metadata.sharing import service


async def test_a_share_is_for_the_account_of_its_address(desk: Desk) -> None:
    """Where nobody has proven the address it waits; once more, the share is the same with the new role."""
    desk.sign_up("ann", "bob")
    shared = await desk.share("/a", "Bob@Example.com")
    assert (shared.account_id, desk.store.nodes.by_id[shared.node_id].shared_with) == ("bob", {"bob": "viewer"})
    again, is_new = await desk.shares.share(desk.caller, shared.node_id, "bob@example.com", "editor")
    assert (again.id, again.role, is_new) == (shared.id, "editor", False)
    assert desk.transactor.events.count("file-shared") == 2
    assert (await desk.share("/b", "nobody@example.com")).account_id is None
    with pytest.raises(ShareWithSelf):
        await desk.share("/c", "ann@example.com")


async def test_limits_of_shares(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder is shared with so many people, and an owner makes so many shares a day."""
    monkeypatch.setattr(service, "MAX_SHARES", 1)
    monkeypatch.setattr(service, "MAX_INVITATIONS", 2)
    first = await desk.share("/a", "one@example.com")
    with pytest.raises(TooManyShares):
        await desk.shares.share(desk.caller, first.node_id, "two@example.com", "viewer")
    await desk.share("/b", "one@example.com")
    with pytest.raises(TooManyInvitations):
        await desk.share("/c", "one@example.com")
