"""Use cases of sharing, on fakes."""

import pytest
from metadata_fakes import Desk

from docstore_metadata.sharing import service
from docstore_platform.errors import DomainError


async def test_a_share_belongs_to_the_account_of_its_address(desk: Desk) -> None:
    """It is pending without a proven account; repeated, it is the same share with the new role."""
    desk.sign_up("ann", "bob")
    shared = await desk.share("/a", "Bob@Example.com")
    assert (shared.account_id, desk.fakes.nodes.by_id[shared.node_id].shared_with) == ("bob", {"bob": "viewer"})
    again, is_new = await desk.shares.share(desk.caller, shared.node_id, "bob@example.com", "editor")
    assert (again.id, again.role, is_new) == (shared.id, "editor", False)
    assert desk.published.events.count("file-shared") == 2
    assert (await desk.share("/b", "nobody@example.com")).account_id is None
    with pytest.raises(DomainError, match="share_with_self"):
        await desk.share("/c", "ann@example.com")


async def test_shares_of_a_folder_and_per_day_are_limited(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """By recipients of a folder, and by an owner's shares in a day."""
    monkeypatch.setattr(service, "MAX_SHARES", 1)
    monkeypatch.setattr(service, "MAX_INVITATIONS", 2)
    first = await desk.share("/a", "one@example.com")
    with pytest.raises(DomainError, match="too_many_shares"):
        await desk.shares.share(desk.caller, first.node_id, "two@example.com", "viewer")
    await desk.share("/b", "one@example.com")
    with pytest.raises(DomainError, match="too_many_invitations"):
        await desk.share("/c", "one@example.com")
