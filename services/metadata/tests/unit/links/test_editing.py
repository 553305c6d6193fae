"""Links for editing, on fakes: what uploads visitors may begin, and how events name them."""

import pytest
from links_desk import Mailroom

from docstore_metadata.errors import NotAFolder
from docstore_metadata.links.rules import LinkOptions
from docstore_metadata.links.visits.editing import visitor_of
from docstore_metadata.links.visits.receiving import SentFile
from docstore_platform.errors import DomainError, Invalid

EDIT = LinkOptions(kind="edit", name="Team")


async def test_a_new_version_is_bound_to_the_link_and_its_base() -> None:
    """And counts for the link's limits."""
    desk = Mailroom()
    visit = await desk.visit(EDIT)
    await desk.receiving.begin(visit, SentFile(file_id="f1", base_version=3, size=5))
    (begun,) = desk.uploads.begun
    top = visit.place.node.id
    assert begun["file_id"] == "f1"
    assert (begun["base_version"], begun["link_id"], begun["top_id"]) == (3, visit.link.id, top)
    assert begun["device"] == "by link Team"
    assert desk.link(visit).received_files == 1


@pytest.mark.parametrize(
    "sent",
    [
        SentFile(size=1),
        SentFile(size=1, name="a", file_id="f1", base_version=1),
        SentFile(size=1, file_id="f1"),
        SentFile(size=1, name="a", base_version=1),
        SentFile(size=1, file_id="f1", base_version=1, parent_id="p"),
    ],
)
async def test_a_file_is_either_new_or_a_version_with_its_base(sent: SentFile) -> None:
    """Nothing is counted otherwise."""
    desk = Mailroom()
    visit = await desk.visit(EDIT)
    with pytest.raises(Invalid):
        await desk.receiving.begin(visit, sent)
    assert desk.link(visit).received_files == 0


async def test_a_link_that_receives_takes_no_versions_and_no_folders() -> None:
    """Its visitors must not learn which ids exist."""
    desk = Mailroom()
    visit = await desk.visit()
    for sent in (SentFile(size=1, file_id="f1", base_version=1), SentFile(size=1, name="a", parent_id="p")):
        with pytest.raises(DomainError, match="not_for_this_kind"):
            await desk.receiving.begin(visit, sent)


async def test_a_linked_file_takes_versions_only() -> None:
    """A new file would be beside it."""
    desk = Mailroom()
    visit = await desk.visit(EDIT)
    visit.place.node.kind = "file"
    with pytest.raises(NotAFolder):
        await desk.receiving.begin(visit, SentFile(size=1, name="a"))


async def test_where_the_folder_is_stays_with_the_owner() -> None:
    """A refusal names no path."""
    desk = Mailroom()
    visit = await desk.visit(EDIT)
    desk.uploads.refusal = DomainError("/secret/inbox/a is a folder.", code="name_taken")
    with pytest.raises(DomainError) as refused:
        await desk.receiving.begin(visit, SentFile(size=1, name="a"))
    assert "secret" not in refused.value.detail


async def test_a_visitor_is_named_by_the_link() -> None:
    """Also without a label."""
    desk = Mailroom()
    assert visitor_of(await desk.visit(EDIT)).by_link == "by link Team"
    visitor = visitor_of(await desk.visit(LinkOptions(kind="edit")))
    assert (visitor.by_link, visitor.account_id, visitor.session_id) == ("by a link", "ann", "")
