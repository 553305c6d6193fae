"""Use cases of public links, on fakes."""

from datetime import timedelta

import pytest
from metadata_fakes import Desk

from docstore_metadata.errors import NotFound, TooManyLinks
from docstore_metadata.links import service
from docstore_metadata.links.service import Wish
from docstore_platform.errors import DomainError


async def test_a_call_sent_again_makes_no_second_link(desk: Desk) -> None:
    """With the same Idempotency-Key it is the same link and token; with another wish it is a new one."""
    folder = await desk.folder("/a")
    link, token = await desk.links.make(desk.caller, folder.id, Wish(name="x"), "key")
    assert await desk.links.make(desk.caller, folder.id, Wish(name="x"), "key") == (link, token)
    assert desk.links.url_of(link) == f"https://example.com/l/{token}"
    other, _ = await desk.links.make(desk.caller, folder.id, Wish(name="y"), "key")
    assert other.id != link.id
    assert desk.transactor.events.count("link-created") == 2


async def test_a_folder_has_so_many_links(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is revoked makes room for another."""
    monkeypatch.setattr(service, "MAX_LINKS", 1)
    folder = await desk.folder("/a")
    link, _ = await desk.links.make(desk.caller, folder.id, Wish())
    with pytest.raises(TooManyLinks):
        await desk.links.make(desk.caller, folder.id, Wish())
    await desk.links.revoke(desk.caller, folder.id, link.id)
    with pytest.raises(NotFound):
        await desk.links.get(desk.caller, folder.id, link.id)
    await desk.links.make(desk.caller, folder.id, Wish())


async def test_a_link_ends_in_the_future(desk: Desk) -> None:
    """Neither a new one nor one that is changed has an end that is past; None takes the end away."""
    folder, now = await desk.folder("/a"), desk.clock()
    link, _ = await desk.links.make(desk.caller, folder.id, Wish(expires_at=now + timedelta(days=1)))
    with pytest.raises(DomainError) as refused:
        await desk.links.change(desk.caller, folder.id, link.id, {"expires_at": now})
    assert refused.value.code == "invalid_expires_at"
    assert (await desk.links.change(desk.caller, folder.id, link.id, {"expires_at": None})).expires_at is None
