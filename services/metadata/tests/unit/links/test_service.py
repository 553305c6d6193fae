"""Use cases of public links, on fakes."""

from datetime import timedelta

import pytest
from metadata_fakes import Desk

from docstore_events.transaction import Transaction
from docstore_metadata.errors import NotFound
from docstore_metadata.links import service
from docstore_metadata.links.rules import LinkOptions
from docstore_platform.errors import DomainError


async def test_a_repeated_call_makes_no_second_link(desk: Desk) -> None:
    """The same Idempotency-Key and options return the same link and token; other options make a new link."""
    folder = await desk.folder("/a")
    link, token = await desk.links.make(desk.caller, folder.id, LinkOptions(name="x"), "key")
    assert await desk.links.make(desk.caller, folder.id, LinkOptions(name="x"), "key") == (link, token)
    assert desk.links.url_of(link) == f"https://example.com/l/{token}"
    other, _ = await desk.links.make(desk.caller, folder.id, LinkOptions(name="y"), "key")
    assert other.id != link.id
    assert desk.published.events.count("link-created") == 2


async def test_the_links_of_a_folder_are_limited(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Revoking one allows another."""
    monkeypatch.setattr(service, "MAX_LINKS", 1)
    folder = await desk.folder("/a")
    link, _ = await desk.links.make(desk.caller, folder.id, LinkOptions())
    with pytest.raises(DomainError, match="too_many_links"):
        await desk.links.make(desk.caller, folder.id, LinkOptions())
    await desk.links.revoke(desk.caller, folder.id, link.id)
    with pytest.raises(NotFound):
        await desk.links.get(desk.caller, folder.id, link.id)
    await desk.links.make(desk.caller, folder.id, LinkOptions())


async def test_the_links_of_before_a_moment_end_page_by_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever they are for; those made later stay."""
    monkeypatch.setattr(service, "AT_ONCE", 2)
    folder = await desk.folder("/a")
    for kind in ("read", "receive", "edit"):
        await desk.links.make(desk.caller, folder.id, LinkOptions(kind=kind))  # type: ignore[arg-type]
    desk.clock.pass_time(seconds=1)
    moment = desk.clock()
    later, _ = await desk.links.make(desk.caller, folder.id, LinkOptions())
    transaction = Transaction(None, "metadata", "")
    more = [await service.end_links_of(desk.store, desk.tree, "ann", moment, transaction) for _ in range(2)]
    assert more == [True, False]
    assert list(desk.fakes.links.by_id) == [later.id]
    assert [dict(row["headers"])["ce_type"] for row in transaction.rows] == [b"link-revoked"] * 3


async def test_an_end_in_the_past_is_refused(desk: Desk) -> None:
    """For a new and a changed link; None removes the end."""
    folder, now = await desk.folder("/a"), desk.clock()
    link, _ = await desk.links.make(desk.caller, folder.id, LinkOptions(expires_at=now + timedelta(days=1)))
    with pytest.raises(DomainError) as refused:
        await desk.links.change(desk.caller, folder.id, link.id, {"expires_at": now})
    assert refused.value.code == "invalid_expires_at"
    assert (await desk.links.change(desk.caller, folder.id, link.id, {"expires_at": None})).expires_at is None
