"""Links that receive files, on fakes: limits, names, what visitors learn."""

import pytest
from links_desk import RECEIVE, Mailroom

from docstore_metadata.errors import InvalidPath, NotAFolder, NotFound
from docstore_metadata.links.rules import LinkOptions
from docstore_metadata.links.visits.receiving import SentFile
from docstore_platform.errors import Conflict, DomainError, Forbidden, OutOfSpace


async def test_a_file_is_sent_as_an_upload_of_the_owner() -> None:
    """Into the linked folder, and counted when it begins."""
    desk = Mailroom()
    visit = await desk.visit()
    upload = await desk.receiving.begin(visit, SentFile(name="a.txt", size=5))
    assert upload["url"] == "https://store/u"
    about = {"account_id": "ann", "folder_id": visit.place.node.id, "name": "a.txt", "size": 5, "sha256": None}
    assert desk.uploads.begun == [about | {"device": "File request"}]
    assert (desk.link(visit).received_files, desk.link(visit).bytes_left) == (1, 95)
    assert await desk.receiving.complete(upload["id"]) == {"name": "a (conflicted copy).txt", "size": 5}
    with pytest.raises(NotFound):
        await desk.receiving.complete("u")


async def test_the_limits_of_a_link_hold() -> None:
    """Of files and of bytes; a refused upload does not count."""
    desk = Mailroom()
    visit = await desk.visit()
    with pytest.raises(Conflict) as refused:
        await desk.receiving.begin(visit, SentFile(name="large", size=101))
    assert refused.value.code == "link_full"
    desk.uploads.refusal = OutOfSpace("5 bytes don't fit.", usage={"used": 7})
    with pytest.raises(OutOfSpace) as full:
        await desk.receiving.begin(visit, SentFile(name="a", size=5))
    assert full.value.extra == {}
    desk.uploads.refusal = None
    for name in ("a", "b"):
        await desk.receiving.begin(visit, SentFile(name=name, size=5))
    with pytest.raises(Conflict):
        await desk.receiving.begin(visit, SentFile(name="c", size=5))
    assert len(desk.uploads.begun) == 2


@pytest.mark.parametrize("name", ["../a", "a/b", "..", "a\0b", "e\u0301"])
async def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    """Before anything is counted."""
    desk = Mailroom()
    visit = await desk.visit()
    with pytest.raises(InvalidPath):
        await desk.receiving.begin(visit, SentFile(name=name, size=5))
    assert desk.link(visit).received_files == 0


async def test_a_link_either_reads_or_receives() -> None:
    """Each has limits of its own, and only a folder receives."""
    desk = Mailroom()
    folder = await desk.folder("/inbox")
    for options in (LinkOptions(kind="receive", max_downloads=1), LinkOptions(message="x"), LinkOptions(max_files=1)):
        with pytest.raises(DomainError, match="not_for_this_kind"):
            await desk.links.make(desk.caller, folder.id, options)
    link, _ = await desk.links.make(desk.caller, folder.id, RECEIVE)
    with pytest.raises(DomainError, match="not_for_this_kind"):
        await desk.links.change(desk.caller, folder.id, link.id, {"watermark": "draft"})
    desk.fakes.nodes.by_id[folder.id].kind = "file"
    with pytest.raises(NotAFolder):
        await desk.links.make(desk.caller, folder.id, RECEIVE)
    visit = await Mailroom().visit(LinkOptions())
    with pytest.raises(Forbidden):
        await desk.receiving.begin(visit, SentFile(name="a", size=5))
