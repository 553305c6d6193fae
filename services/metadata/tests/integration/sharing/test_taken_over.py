"""What ends in an account that another person takes over by a reset of its password."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from link_calls import make, opened, refusal
from metadata_stack import Stack

from docstore_events.catalogue.accounts import PasswordReset
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id

pytestmark = pytest.mark.connected

GONE = (404, "not_found")


async def reset(stack: Stack, taken_over_at: datetime | None = None) -> None:
    about = {"reset_id": new_id(), "account_id": stack.person.account_id}
    await stack.handle(PasswordReset(revision=2, taken_over_at=taken_over_at, **about))


async def shown(stack: Stack, path: str) -> tuple[Any, Any]:
    """A new file that is shared with a viewer and by a link; the file and the link."""
    file = await stack.put(path)
    viewer = {"email": "reader@example.com", "role": "viewer"}
    await stack.person.ok("POST", f"/v1/files/{file['id']}/shares", viewer)
    return file, await make(stack, file)


async def test_on_password_reset_what_was_shared_before_a_take_over_ends(
    fresh: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shares and links, page by page; later ones stay, and so does what others share with the account."""
    for module in ("sharing.changes", "links.service"):
        monkeypatch.setattr(f"docstore_metadata.{module}.AT_ONCE", 2)
    owner, reader = fresh.person, fresh.other
    await fresh.register(owner, "owner@example.com")
    await fresh.register(reader, "reader@example.com")
    early = [await shown(fresh, f"/{number}.txt") for number in range(3)]
    folder = await owner.folder("/inbox")
    request = await make(fresh, folder, kind="receive")
    theirs = await fresh.put("/theirs.txt", account_id=reader.account_id)
    with_owner = {"email": "owner@example.com", "role": "viewer"}
    await reader.ok("POST", f"/v1/files/{theirs['id']}/shares", with_owner)
    moment = utc_now()
    later, later_link = await shown(fresh, "/later.txt")
    await reset(fresh, moment)
    await fresh.jobs_done()
    for file, _ in early:
        assert await reader.refused("GET", f"/v1/files/{file['id']}") == GONE
        assert (await owner.ok("GET", f"/v1/files/{file['id']}/access"))["shares"] == []
    for link in (request, *(link for _, link in early)):
        assert await refusal(fresh, "POST", f"/v1/links/{link['token']}/open") == GONE
        assert (await fresh.events(link["id"]))[-1] == "link-revoked"
    assert (await reader.get(later))["permission"] == "viewer"
    await opened(fresh, later_link)
    assert (await owner.get(theirs))["permission"] == "viewer"


async def test_on_password_reset_of_an_owner_nothing_ends(fresh: Stack) -> None:
    """The event of an ordinary reset names no moment."""
    await fresh.register(fresh.other, "reader@example.com")
    file, link = await shown(fresh, "/a.txt")
    await reset(fresh)
    assert await fresh.database["jobs"].count_documents({}) == 0
    assert (await fresh.other.get(file))["permission"] == "viewer"
    await opened(fresh, link)


async def test_on_password_reset_shares_end_when_no_earlier_session_works(fresh: Stack) -> None:
    """Not before: what such a session makes until then ends, too."""
    moment = utc_now() + timedelta(hours=1)
    await reset(fresh, moment)
    (job,) = await fresh.database["jobs"].find().to_list(None)
    assert abs(job["due_at"] - moment) < timedelta(seconds=1)
    assert job["before"] == job["due_at"]
