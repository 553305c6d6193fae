"""`docstore admin verify` and `reindex`: pages, counts, how to go on, exit status."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from docstore_cli.commands.admin import verify
from docstore_cli.main import app
from docstore_cli.sessions import admin_session
from docstore_client import ApiError

CHECKS = {"items": [{"name": "files", "service": "metadata"}, {"name": "usage", "service": "quota"}]}


class FakeGateway:
    """Answers in order; an error is raised."""

    def __init__(self) -> None:
        self.answers: list[Any] = [CHECKS]
        self.requested: list[Any] = []

    async def call(self, method: str, path: str, body: Any = None, *, params: Any = None) -> Any:
        self.requested.append((method, path, body or params))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> FakeGateway:
    import asyncio

    gateway = FakeGateway()

    def as_admin(_: Any, work: Callable[[Any], Any]) -> Any:
        return asyncio.run(work(gateway))

    monkeypatch.setattr(admin_session, "as_admin", as_admin)
    monkeypatch.setattr(verify, "POLL_SECONDS", 0)
    return gateway


def page(check: str, *kinds: str, after: str | None = None, repaired: bool = False) -> Any:
    findings = [
        {"kind": kind, "id": "f1", "account_id": "a1", "detail": "gone", "repaired": repaired} for kind in kinds
    ]
    return {"check": check, "checked": 2, "unread": 0, "findings": findings, "next_cursor": after}


def test_all_pages_of_all_checks_are_read(gateway: FakeGateway) -> None:
    """Each from where the page before ended; nothing found is success."""
    gateway.answers += [page("files", after="c1"), page("files"), page("usage")]
    shown = CliRunner().invoke(app, ["admin", "verify", "--checksums"])
    assert shown.exit_code == 0, shown.output
    assert "6 checked, 0 findings." in shown.stdout
    bodies = [body for _, _, body in gateway.requested[1:]]
    assert [(body["check"], body["cursor"]) for body in bodies] == [("files", None), ("files", "c1"), ("usage", None)]
    assert all(body["checksums"] and not body["repair"] for body in bodies)


def test_findings_are_counted_and_the_first_ones_listed(gateway: FakeGateway) -> None:
    """What is not repaired fails the command."""
    gateway.answers += [page("usage", "usage_differs", "usage_differs")]
    shown = CliRunner().invoke(app, ["admin", "verify", "usage", "--list", "1", "--json"])
    assert shown.exit_code == 1
    document = orjson.loads(shown.stdout)
    assert document["counts"] == [{"check": "usage", "kind": "usage_differs", "found": 2, "repaired": 0}]
    assert len(document["findings"]) == 1


def test_what_is_repaired_is_success(gateway: FakeGateway) -> None:
    """Told to repair, it says so to the service."""
    gateway.answers += [page("usage", "usage_differs", repaired=True)]
    shown = CliRunner().invoke(app, ["admin", "verify", "usage", "--repair"])
    assert shown.exit_code == 0, shown.output
    assert gateway.requested[1][2]["repair"] is True
    assert "usage: 1 usage_differs, 1 repaired" in shown.stdout


def test_an_interrupted_run_goes_on_where_it_was(gateway: FakeGateway) -> None:
    """It prints the words for that, and skips what was checked before."""
    gateway.answers += [page("files", after="c1"), ApiError(503, "unavailable", "The service is unavailable.")]
    shown = CliRunner().invoke(app, ["admin", "verify"])
    assert shown.exit_code != 0
    assert "docstore admin verify --from files:c1" in " ".join(shown.stderr.split())
    gateway.answers = [CHECKS, page("files"), page("usage")]
    CliRunner().invoke(app, ["admin", "verify", "--from", "files:c1"])
    assert [body["cursor"] for _, _, body in gateway.requested[-2:]] == ["c1", None]


def test_an_unknown_check_is_refused(gateway: FakeGateway) -> None:
    """With the names of those that there are."""
    shown = CliRunner().invoke(app, ["admin", "verify", "everything"])
    assert shown.exit_code == 2
    assert "files, usage" in " ".join(shown.stderr.split())


def test_reindexing_waits_for_the_new_index(gateway: FakeGateway) -> None:
    """With --wait, until it serves."""
    gateway.answers = [{"state": "waiting"}, {"state": "running"}, {"state": "done"}]
    shown = CliRunner().invoke(app, ["admin", "reindex", "--wait"])
    assert shown.exit_code == 0, shown.output
    assert "The search index: done." in shown.stdout
    assert [requested[0] for requested in gateway.requested] == ["POST", "GET", "GET"]


def test_reindexing_one_account_names_it(gateway: FakeGateway) -> None:
    """By its id, which is looked up by its address; the progress is that account's."""
    ada = {"items": [{"id": "a1", "email": "Ada@example.org"}]}
    gateway.answers = [ada, {"state": "waiting"}, {"state": "done"}]
    shown = CliRunner().invoke(app, ["admin", "reindex", "--account", "ada@example.org", "--wait"])
    assert shown.exit_code == 0, shown.output
    assert "The search index of ada@example.org: done." in shown.stdout
    path = "/v1/admin/search/rebuild"
    assert gateway.requested[1:] == [("POST", path, {"account_id": "a1"}), ("GET", path, {"account_id": "a1"})]


def test_reindexing_an_unknown_account_begins_nothing(gateway: FakeGateway) -> None:
    """An address that no account has is not found before anything is requested, an id by the service."""
    gateway.answers = [{"items": []}]
    shown = CliRunner().invoke(app, ["admin", "reindex", "--account", "eve@example.org"])
    assert isinstance(shown.exception, ApiError)
    assert (shown.exception.status, [requested[0] for requested in gateway.requested]) == (404, ["GET"])
    gateway.answers = [ApiError(404, "not_found", "There is no account with this id.")]
    assert isinstance(CliRunner().invoke(app, ["admin", "reindex", "--account", "e1"]).exception, ApiError)
