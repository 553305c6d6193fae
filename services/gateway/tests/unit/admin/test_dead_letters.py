"""The operators' list over all services."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_contracts.operations import OperationsClient
from docstore_gateway.admin.dead_letters import DeadLetterService
from docstore_platform.errors import DomainError, not_found, unavailable
from docstore_platform.http.problems import problem_of


class FakeClient:
    """The dead-letter routes of one service."""

    def __init__(self, ids: list[str], *, down: bool = False) -> None:
        self.ids = sorted(ids)
        self.down = down
        self.since: datetime | None = None

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        if self.down:
            raise unavailable("It")
        if path == "/internal/events/republish":
            self.since = body["since"]
            return {"republished": len(self.ids)}
        if method in ("POST", "DELETE"):
            letter_id = path.split("/")[3]
            if letter_id not in self.ids:
                raise not_found("dead letter")
            self.ids.remove(letter_id)
            return {"replayed": 1, "error": ""}
        query = dict(pair.split("=") for pair in path.partition("?")[2].split("&"))
        later = [letter_id for letter_id in self.ids if letter_id > query["after"]]
        return {"items": [{"id": letter_id, "type": "file-created"} for letter_id in later[: int(query["limit"])]]}


def service_of(clients: dict[str, FakeClient]) -> DeadLetterService:
    return DeadLetterService({name: OperationsClient(client) for name, client in clients.items()})


async def read_all(desk: DeadLetterService, limit: int) -> list[str]:
    ids: list[str] = []
    cursor = None
    while True:
        page = await desk.page(cursor, limit)
        assert len(page["items"]) <= limit
        ids += [letter["id"] for letter in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return ids


@given(
    st.dictionaries(
        st.sampled_from(["accounts", "indexer", "notify", "quota"]),
        st.lists(st.text("abc019", min_size=1, max_size=3), unique=True, max_size=6),
    ),
    st.integers(1, 5),
)
async def test_pages_together_are_the_whole_list(letters: dict[str, list[str]], limit: int) -> None:
    """Property: whatever the page size, each letter of each service is listed once, in order."""
    desk = service_of({name: FakeClient(ids) for name, ids in letters.items()})
    expected = [f"{name}:{own}" for name in sorted(letters) for own in sorted(letters[name])]
    assert await read_all(desk, limit) == expected


async def test_a_service_that_is_down_is_named() -> None:
    """An operator sees the others' letters and that the list is not whole."""
    desk = service_of({"indexer": FakeClient([], down=True), "quota": FakeClient(["7"])})
    page = await desk.page(None, 10)
    assert [letter["id"] for letter in page["items"]] == ["quota:7"]
    assert page["unreachable"] == ["indexer"]


async def test_replay_reaches_the_service_of_the_dead_letter() -> None:
    """A record's position, with its colons, is an id too."""
    quota = FakeClient(["files:0:12"])
    desk = service_of({"quota": quota})
    assert await desk.replay("quota:files:0:12") == {"replayed": 1, "error": ""}
    assert quota.ids == []


async def test_discarding_reaches_the_service_of_the_dead_letter() -> None:
    """The one letter goes, and no other."""
    quota = FakeClient(["7", "files:0:12"])
    await service_of({"quota": quota}).discard("quota:files:0:12")
    assert quota.ids == ["7"]


async def test_every_service_is_asked_to_replay() -> None:
    """The moment reaches each with its time zone; one that is down is named, and does not keep others from it."""
    clients = {"accounts": FakeClient([], down=True), "metadata": FakeClient(["1", "2"]), "quota": FakeClient(["3"])}
    moment = datetime(2026, 5, 1, 12, tzinfo=UTC)
    answer = await service_of(clients).republish(moment)
    assert answer == {"republished": {"metadata": 2, "quota": 1}, "unreachable": ["accounts"]}
    assert clients["quota"].since == moment


@pytest.mark.parametrize("letter_id", ["quota:9", "nobody:7", "quota:../keys", "quota:", "7", "quota:a?b"])
async def test_an_unknown_dead_letter_is_not_found(letter_id: str) -> None:
    """An id that is no id never becomes part of an internal path."""
    desk = service_of({"quota": FakeClient(["7"])})
    for act in (desk.replay, desk.discard):
        with pytest.raises(DomainError) as caught:
            await act(letter_id)
        assert problem_of(caught.value).status == 404
