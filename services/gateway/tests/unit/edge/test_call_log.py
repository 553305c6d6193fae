"""Calls in the audit log: which are recorded, without delay or loss."""

import asyncio
from typing import Any

import pytest

from docstore_events.catalogue.audit import ApiCalled
from docstore_gateway.edge.recording import call_log
from docstore_gateway.edge.recording.call_log import CallLog, is_audited, object_of
from docstore_platform.testing import eventually

FILE = "01932f6e5a7b7c3d8e9f0a1b2c3d4e60"


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", f"/v1/files/{FILE}/content", True),
        ("GET", f"/v1/files/{FILE}/preview", True),
        ("GET", f"/v1/files/{FILE}/blocks", True),
        ("POST", "/v1/contents", True),
        ("GET", "/v1/search", True),
        ("GET", "/v1/links/secret/content", True),
        ("GET", "/l/secret/download", True),
        ("PATCH", f"/v1/files/{FILE}", True),
        ("DELETE", f"/v1/trash/{FILE}", True),
        ("POST", "/v1/sessions", True),
        ("GET", "/v1/admin/audit", True),
        ("GET", f"/v1/files/{FILE}", False),
        ("GET", "/v1/files", False),
        ("GET", "/v1/changes", False),
        ("GET", "/v1/admin/health", False),
        ("POST", "/v1/compare", False),
        ("POST", "/v1/sessions/refresh", False),
    ],
)
def test_calls_that_change_or_read_content_are_audited(method: str, path: str, told: bool) -> None:
    """Not lists of names, polls and figures: those are many and reveal no content."""
    assert is_audited(method, path) is told


def test_the_object_is_the_id_in_the_path() -> None:
    """If there is one: a word in its place is none."""
    assert object_of(f"/v1/files/{FILE}/content") == FILE
    assert object_of(f"/v1/admin/accounts/{FILE}") == FILE
    assert object_of("/v1/files/by-path") == ""
    assert object_of(f"/v1/links/{FILE}/open") == ""


class FakeTransactor:
    """Keeps published events; fails as often as `failures` demands."""

    def __init__(self) -> None:
        self.published: list[ApiCalled] = []
        self.failures = 0
        self.begun, self.may_go_on = asyncio.Event(), asyncio.Event()
        self.may_go_on.set()

    async def run(self, work: Any) -> Any:
        self.begun.set()
        await self.may_go_on.wait()
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("no database")
        await work(self)

    def publish(self, event: ApiCalled) -> None:
        self.published.append(event)

    def requests(self) -> list[str]:
        return [call.request_id for event in self.published for call in event.calls]


def note(calls: CallLog, request_id: str, **changes: Any) -> None:
    about: dict[str, Any] = {
        "request_id": request_id,
        "method": "GET",
        "route": "/v1/files",
        "path": f"/v1/files/{FILE}/content",
        "status": 302,
        "account_id": "ann",
        "session_id": "s",
        "client": "203.0.113.7",
    }
    calls.note(**{**about, **changes})


async def test_many_calls_are_one_event_and_events_are_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to so many; in the order of the calls."""
    monkeypatch.setattr(call_log, "MAX_CALLS_PER_EVENT", 3)
    transactor: Any = FakeTransactor()
    calls = CallLog(transactor)
    for number in range(7):
        note(calls, str(number))
    await calls.close()
    assert [len(event.calls) for event in transactor.published] == [3, 3, 1]
    assert [event.revision for event in transactor.published] == [1, 2, 3]
    assert transactor.requests() == [str(number) for number in range(7)]


async def test_however_long_paths_and_lists_of_files_are_no_event_is_too_large_for_a_broker() -> None:
    """No one can have an event refused, behind which all later calls would wait: large calls are more events."""
    transactor: Any = FakeTransactor()
    calls = CallLog(transactor)
    for number in range(200):
        note(calls, f"path {number}", path="/v1/files/" + "\x01" * 500)
        note(calls, f"read {number}", path="/v1/contents", read=(FILE,) * 1000)
    await calls.close()
    assert max(len(event.model_dump_json()) for event in transactor.published) < 250_000
    assert transactor.requests() == [f"{kind} {number}" for number in range(200) for kind in ("path", "read")]


async def test_a_call_larger_than_an_event_is_published_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is neither dropped nor does it block those behind it."""
    monkeypatch.setattr(call_log, "MAX_EVENT_BYTES", 10)
    transactor: Any = FakeTransactor()
    calls = CallLog(transactor)
    note(calls, "a")
    note(calls, "b")
    await calls.close()
    assert [len(event.calls) for event in transactor.published] == [1, 1]


async def test_calls_that_cannot_be_published_now_are_published_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, with what has come meanwhile."""
    monkeypatch.setattr(call_log, "BATCH_SECONDS", 0.0)
    monkeypatch.setattr(call_log, "RETRY_SECONDS", 0.0)
    transactor: Any = FakeTransactor()
    transactor.failures = 3
    calls = CallLog(transactor)
    telling = asyncio.create_task(calls.run())
    note(calls, "a")
    note(calls, "b")

    async def all_published() -> bool:
        return transactor.requests() == ["a", "b"]

    await eventually(all_published)
    note(calls, "c", path="/v1/links/-/content", read=("f",))

    async def the_third_too() -> bool:
        return bool(transactor.requests() == ["a", "b", "c"])

    await eventually(the_third_too)
    telling.cancel()
    last = transactor.published[-1].calls[0]
    assert (last.object_id, last.read) == ("f", ("f",))


async def test_calls_beyond_what_memory_may_hold_are_counted_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go; an alert is made of the count."""
    monkeypatch.setattr(call_log, "MAX_BUFFERED_CALLS", 4)
    monkeypatch.setattr(call_log, "MAX_CALLS_PER_EVENT", 2)
    before = call_log.calls_lost._value.get()
    transactor: Any = FakeTransactor()
    calls = CallLog(transactor)
    for number in range(5):
        note(calls, str(number))
    await calls.close()
    assert transactor.requests() == ["2", "3", "4"]
    assert call_log.calls_lost._value.get() - before == 2


async def test_calls_dropped_while_others_are_published_are_counted_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call is either published once or counted as lost, also if those on their way were among the oldest."""
    monkeypatch.setattr(call_log, "MAX_BUFFERED_CALLS", 4)
    monkeypatch.setattr(call_log, "MAX_CALLS_PER_EVENT", 3)
    before = call_log.calls_lost._value.get()
    transactor: Any = FakeTransactor()
    transactor.may_go_on.clear()
    calls = CallLog(transactor)
    note(calls, "0")
    note(calls, "1")
    publishing = asyncio.create_task(calls.close())
    await transactor.begun.wait()
    for number in range(2, 7):
        note(calls, str(number))
    transactor.may_go_on.set()
    await publishing
    lost = call_log.calls_lost._value.get() - before
    assert (transactor.requests(), lost) == (["0", "1", "5", "6"], 3)
