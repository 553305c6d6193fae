"""Use cases of sharing, on fakes."""

from datetime import UTC, datetime

import pytest
from metadata_fakes import Desk

from docstore_metadata.sharing import service
from docstore_metadata.sharing.rules import Share, watermarks_by
from docstore_platform.errors import DomainError


async def test_a_share_belongs_to_the_account_of_its_address(desk: Desk) -> None:
    """It is pending without a proven account; repeated, it is the same share with the new role."""
    desk.sign_up("ann", "bob")
    shared = await desk.share("/a", "Bob@Example.com")
    assert (shared.account_id, desk.fakes.nodes.by_id[shared.node_id].shared_with) == ("bob", {"bob": "viewer"})
    again, is_new = await desk.shares.share(desk.caller, shared.node_id, "bob@example.com", {"role": "editor"})
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
        await desk.shares.share(desk.caller, first.node_id, "two@example.com", {"role": "viewer"})
    await desk.share("/b", "one@example.com")
    with pytest.raises(DomainError, match="too_many_invitations"):
        await desk.share("/c", "one@example.com")


async def test_a_watermark_names_the_reader_and_is_kept_by_clients_that_know_none(desk: Desk) -> None:
    """By display name and address; a role alone leaves it, null removes it; an editor can't have one."""
    desk.sign_up("ann", "bob")
    first = await desk.share("/a", "Bob@Example.com")

    async def shared(**terms: str | None) -> str | None:
        share, _ = await desk.shares.share(desk.caller, first.node_id, "bob@example.com", terms)
        return share.watermark

    assert await shared(watermark="for {reader}") == "for {reader}"
    watermarks = desk.fakes.nodes.by_id[first.node_id].watermarks
    assert watermarks["bob"].endswith("Bob@Example.com")
    assert await shared(role="viewer") == "for {reader}"
    for terms in ({"role": "editor"}, {"role": "editor", "watermark": "x"}):
        with pytest.raises(DomainError, match="watermark_for_viewers"):
            await shared(**terms)
    assert await shared(watermark=None) is None
    assert desk.fakes.nodes.by_id[first.node_id].watermarks == {}


def test_a_recipient_of_a_share_without_watermark_has_none() -> None:
    """Two addresses of one account may have a share each."""
    when = datetime(2026, 11, 23, tzinfo=UTC)
    usual = {"node_id": "n", "owner_id": "ann", "role": "viewer", "created_at": when, "account_id": "bob"}
    marked = Share(id="1", email="b@x.org", email_key="b@x.org", watermark="{reader}", **usual)
    plain = Share(id="2", email="c@x.org", email_key="c@x.org", **usual)
    assert watermarks_by([marked], {"bob": "Bob"}) == {"bob": "Bob, b@x.org"}
    assert watermarks_by([marked], {}) == {"bob": "b@x.org"}
    assert watermarks_by([marked, plain], {}) == watermarks_by([plain, marked], {}) == {}
