"""Activity entries of events, and their readers."""

from collections.abc import Sequence
from typing import Any

import pytest
from analytics_events import created, file_state, link, moved, revoked, shared

from docstore_analytics.activity.entries import Activity, file_activity, sharing_activity
from docstore_analytics.activity.service import ActivityService
from docstore_contracts.metadata import MetadataClient
from docstore_events.catalogue.event import Event
from docstore_events.catalogue.files import FileAccessChanged, FileMoved, FileTagged, VersionPruned
from docstore_events.envelope import seal
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of


def published(event: Event) -> Any:
    return seal(event, source="metadata", traceparent=None)


def relocated(before: str, after: str) -> Activity | None:
    state = file_state("f", "ann", after.rpartition("/")[2])
    about: dict[str, Any] = {"revision": 2, "file": state, "actor_id": "ann"}
    return file_activity(published(FileMoved(path=after, previous_path=before, **about)))


@pytest.mark.parametrize(
    ("before", "after", "what", "facts", "owner_facts"),
    [
        ("/a.txt", "/b.txt", "renamed", {"previous_name": "a.txt"}, {}),
        ("/x/a.txt", "/a.txt", "moved", {}, {"from": "/x", "to": "/"}),
        ("/x/a.txt", "/y/b.txt", "moved", {"previous_name": "a.txt"}, {"from": "/x", "to": "/y"}),
    ],
)
def test_a_move_within_a_folder_is_a_new_name(before: str, after: str, what: str, facts: Any, owner_facts: Any) -> None:
    """And paths are for the owner alone: a reader may know no folder above."""
    activity = relocated(before, after)
    assert activity is not None
    assert (activity.what, activity.facts, activity.owner_facts) == (what, facts, owner_facts)


@pytest.mark.parametrize(
    ("changed", "what", "facts"),
    [
        (("tags",), "tagged", {"tags": ["tax"]}),
        (("metadata",), "described", {}),
        (("tags", "metadata"), "tagged", {"tags": ["tax"]}),
    ],
)
def test_metadata_alone_is_an_activity_of_its_own(changed: Any, what: str, facts: Any) -> None:
    """Without its values, which need not be of interest; with tags it is theirs."""
    about: dict[str, Any] = {"revision": 2, "path": "/a.txt", "actor_id": "ann"}
    state = file_state("f", "ann").model_copy(update={"tags": ("tax",), "metadata": {"author": "Ada"}})
    activity = file_activity(published(FileTagged(file=state, changed=changed, **about)))
    assert activity is not None
    assert (activity.what, activity.facts) == (what, facts)


def test_a_visitor_of_a_link_is_named_by_it() -> None:
    """In place of a person, whatever was done."""
    about: dict[str, Any] = {"revision": 2, "path": "/b.txt", "actor_id": "", "by_link": "by link Team"}
    activity = file_activity(published(FileMoved(file=file_state("f", "ann"), previous_path="/a.txt", **about)))
    assert activity is not None
    assert (activity.actor_id, activity.facts["device"]) == ("", "by link Team")


def test_automatic_changes_are_no_activity() -> None:
    """Versions that a cap removed, rights that follow from others, and a link that was opened."""
    about: dict[str, Any] = {"revision": 2, "file": file_state("f", "ann"), "path": "/a.txt", "actor_id": "ann"}
    assert file_activity(published(FileAccessChanged(**about))) is None
    assert file_activity(published(VersionPruned(**about, pruned_version=1, freed_bytes=1))) is None
    assert sharing_activity(published(link("f", opens=1))) is None


class FakeMetadata:
    """Knows the permission of each account for each file."""

    def __init__(self, rights: dict[str, dict[str, str]]) -> None:
        self._rights = rights

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        rights = self._rights.get(body["account_id"], {})
        return {"files": [{"id": each, "permission": rights[each]} for each in body["ids"] if each in rights]}


class FakeStore:
    def __init__(self, *events: Any) -> None:
        self._all = [*filter(None, events)]

    async def find(self, file_id: str, *, before: str, limit: int, all_of_it: bool) -> list[Activity]:
        rows = [
            each
            for each in self._all
            if file_id in (each.file_id, each.folder_id)
            and (all_of_it or not each.owner_only)
            and (not before or each.id < before)
        ]
        return sorted(rows, key=lambda each: each.id, reverse=True)[:limit]

    async def names(self, account_ids: Sequence[str]) -> dict[str, str]:
        return {account_id: account_id.title() for account_id in account_ids}


def history() -> FakeStore:
    """Of two files of Ann's root, one of which is shared with Bob."""
    return FakeStore(
        file_activity(published(created("f"))),
        file_activity(published(created("secret"))),
        sharing_activity(published(shared("f"))),
        file_activity(published(moved("f"))),
        sharing_activity(published(revoked("f"))),
    )


RIGHTS = {"ann": {"f": "owner", "ann": "owner", "secret": "owner"}, "bob": {"f": "viewer", "ann": "viewer"}}


async def test_the_owner_is_shown_all_and_readers_what_is_theirs_to_know() -> None:
    """Bob sees neither with whom it is shared, nor what happened to a file in the folder that he may not read."""
    activity = ActivityService(history(), MetadataClient(FakeMetadata(RIGHTS)))
    owners = await activity.page("ann", "f", "", 10)
    assert [item["type"] for item in owners.items] == ["unshared", "renamed", "shared", "created"]
    assert owners.items[2]["email"] == "bob@example.org"
    assert owners.items[0]["actor"] == {"id": "ann", "name": "Ann"}
    readers = await activity.page("bob", "f", "", 10)
    assert [item["type"] for item in readers.items] == ["renamed", "created"]
    folder = await activity.page("bob", "ann", "", 10)
    assert {item["file_id"] for item in folder.items} == {"f"}


async def test_only_the_owner_sees_device_names() -> None:
    """A reader is shown the names of devices of their own alone."""
    event = created("f")
    on_device = event.model_copy(update={"file": event.file.model_copy(update={"device": "Ann's laptop"})})
    activity = ActivityService(FakeStore(file_activity(published(on_device))), MetadataClient(FakeMetadata(RIGHTS)))
    assert [(await activity.page(who, "f", "", 10)).items[0]["device"] for who in ("ann", "bob")] == [
        "Ann's laptop",
        None,
    ]


@pytest.mark.parametrize("account_id", ["bob", "eve"])
async def test_a_file_that_one_may_not_read_is_not_found(account_id: str) -> None:
    """Nor one that there is not."""
    with pytest.raises(DomainError) as refused:
        await ActivityService(history(), MetadataClient(FakeMetadata(RIGHTS))).page(account_id, "secret", "", 10)
    assert problem_of(refused.value).status == 404


async def test_pages_are_the_whole() -> None:
    """Also where a page of a reader's has nothing that may be shown."""
    activity = ActivityService(history(), MetadataClient(FakeMetadata(RIGHTS)))
    for account_id in ("ann", "bob"):
        whole = (await activity.page(account_id, "ann", "", 10)).items
        paged: list[Any] = []
        before: str | None = ""
        while before is not None:
            page = await activity.page(account_id, "ann", before, 1)
            paged += page.items
            before = page.next_before
        assert paged == whole
