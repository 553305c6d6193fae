"""`docstore admin`: requests, output and exit status."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from docstore_cli.commands.admin.archive_query import QueryLimits, run_query
from docstore_cli.failures import BadUsage
from docstore_cli.main import app
from docstore_cli.sessions import admin_session

SIGNATURE = "ab" * 32


class FakeGateway:
    """Answers paths as configured and records requests."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.requested: list[Any] = []

    async def call(self, method: str, path: str, body: Any = None, *, params: Any = None) -> Any:
        self.requested.append((method, path, body or params))
        return self.answers.pop(0)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> FakeGateway:
    import asyncio

    gateway = FakeGateway()

    def as_admin(_: Any, work: Callable[[Any], Any]) -> Any:
        return asyncio.run(work(gateway))

    monkeypatch.setattr(admin_session, "as_admin", as_admin)
    return gateway


def page(
    checked: int, next_after: int | None, broken: Any = None, number: int = 7, not_compared: str | None = None
) -> Any:
    ends = {"number": number, "signature": SIGNATURE}
    marks = {"last": ends, "head": ends, "anchor": ends}
    return {"checked": checked, "next_after": next_after, "broken": broken, "not_compared": not_compared, **marks}


def test_verifying_reads_all_pages_and_prints_the_head(gateway: FakeGateway) -> None:
    """Number and signature of the end: what a later run can be asked about."""
    gateway.answers = [page(5, 5), page(2, None)]
    shown = CliRunner().invoke(app, ["admin", "verify-audit"])
    assert shown.exit_code == 0, shown.output
    assert f"7 entries are intact. Note this down: 7:{SIGNATURE}" in shown.output
    assert [requested[2]["after"] for requested in gateway.requested] == [0, 5]


def test_the_first_wrong_entry_is_named_and_fails_the_command(gateway: FakeGateway) -> None:
    """For people on stderr, for programs in the document."""
    broken = {"number": 6, "reason": "changed", "detail": "its signature does not match its contents"}
    gateway.answers = [page(5, None, broken)]
    shown = CliRunner().invoke(app, ["admin", "verify-audit", "--json"])
    assert shown.exit_code == 1
    assert orjson.loads(shown.stdout)["broken"]["number"] == 6
    assert "entry 6 is the first invalid one: changed" in " ".join(shown.stderr.split())


def test_a_log_that_could_not_be_compared_is_not_verified(gateway: FakeGateway) -> None:
    """Whichever page it was of: the command fails with the reason."""
    gateway.answers = [page(5, 5, not_compared="the object store is unavailable"), page(2, None)]
    shown = CliRunner().invoke(app, ["admin", "verify-audit"])
    assert shown.exit_code == 1
    assert "are intact" not in shown.output
    assert "not verified: the 7 entries are consistent" in " ".join(shown.stderr.split())


@pytest.mark.parametrize(("signature", "status"), [(SIGNATURE, 0), ("cd" * 32, 1)])
def test_an_end_noted_earlier_must_still_be_there(gateway: FakeGateway, signature: str, status: int) -> None:
    """A log that was written again is whole in itself, and another one."""
    gateway.answers = [page(9, None, number=9), page(1, 7)]
    shown = CliRunner().invoke(app, ["admin", "verify-audit", "--known", f"7:{signature}"])
    assert shown.exit_code == status, shown.output
    assert gateway.requested[1][2] == {"after": 6, "limit": 1}


@pytest.mark.parametrize("known", ["7", "seven:" + SIGNATURE, "7:ab"])
def test_what_was_not_noted_so_is_wrong_usage(gateway: FakeGateway, known: str) -> None:
    """Nothing is asked then."""
    assert CliRunner().invoke(app, ["admin", "verify-audit", "--known", known]).exit_code == 2
    assert gateway.requested == []


def test_ill_health_is_the_exit_status(gateway: FakeGateway) -> None:
    """So that a script can wait for it."""
    state = {"name": "quota", "status": "unreachable", "failed": {"call": "no answer in time"}}
    gateway.answers = [{"status": "degraded", "services": [state]}]
    shown = CliRunner().invoke(app, ["admin", "health"])
    assert shown.exit_code == 1
    assert "no answer in time" in shown.output


def test_figures_over_time_are_rows_and_quiet_times_are_left_out(gateway: FakeGateway) -> None:
    """A line for each time at which there is something."""
    series = [{"name": "free", "values": [0, 3]}, {"name": "premium", "values": [0, 0]}]
    gateway.answers = [{"times": ["monday", "tuesday"], "series": series}]
    shown = CliRunner().invoke(app, ["admin", "report", "uploads"])
    assert "tuesday" in shown.output
    assert "monday" not in shown.output


LIMITS = QueryLimits(seconds=60, memory_mb=1024, scan_mb=100)


def test_sql_runs_on_the_archives_files(tmp_path: Path) -> None:
    """Events, and calls taken out of them; what DuckDB refuses is wrong usage."""
    import duckdb

    path = tmp_path / "day=2026-05-01" / "it's one.parquet"
    path.parent.mkdir()
    call = '{"calls": [{"at": "2026-05-01T12:00:00Z", "status": 302, "account_id": "ann", "read": ["f", "g"]}]}'
    target = str(path).replace("'", "''")
    duckdb.execute(f"COPY (SELECT 'e1' AS id, 'api-called' AS type, '{call}' AS data) TO '{target}' (FORMAT parquet)")
    requested = run_query(
        "SELECT account_id, status, len(read) AS files, day FROM calls, events", {"events": [path]}, LIMITS
    )
    assert [{**row, "day": str(row["day"])} for row in requested] == [
        {"account_id": "ann", "status": 302, "files": 2, "day": "2026-05-01"}
    ]
    with pytest.raises(BadUsage):
        run_query("SELECT nothing FROM nowhere", {"events": [path]}, LIMITS)
    with pytest.raises(BadUsage, match="no archived events"):
        run_query("SELECT 1", {"events": []}, LIMITS)


@pytest.mark.parametrize(
    ("sql", "limits", "reason"),
    [
        ("SELECT count(*) FROM range(10_000_000_000) a", replace(LIMITS, seconds=0.1), "after 0.1 s"),
        ("SELECT list(r) FROM range(100_000_000) t(r)", replace(LIMITS, memory_mb=64), "more than 64 MiB"),
    ],
)
def test_a_query_is_bounded_in_time_and_memory(tmp_path: Path, sql: str, limits: QueryLimits, reason: str) -> None:
    """It ends with the option that raises the limit."""
    import duckdb

    path = tmp_path / "one.parquet"
    duckdb.execute(f"COPY (SELECT 'e1' AS id, 'api-called' AS type, '{{}}' AS data) TO '{path}' (FORMAT parquet)")
    with pytest.raises(BadUsage, match=reason):
        run_query(sql, {"events": [path]}, limits)


@pytest.mark.parametrize(
    "arguments", [["set", "ADA@example.org", "--plan", "premium"], ["reset-password", "ada@example.org"]]
)
def test_an_account_is_named_by_its_address(gateway: FakeGateway, arguments: list[str]) -> None:
    """The one that has the whole address, not one that merely begins with it."""
    longer, ada = [{"id": name, "email": f"{name}@example.org"} for name in ("ada2", "ada")]
    longer["email"] = "ada@example.org.uk"
    changed = {"email": ada["email"], "plan": "premium", "role": "user", "status": "active", "url": "http://x"}
    gateway.answers = [{"items": [longer, ada]}, changed]
    assert CliRunner().invoke(app, ["admin", *arguments]).exit_code == 0
    assert gateway.requested[1][1].startswith("/v1/admin/accounts/ada")
    assert not gateway.requested[1][1].startswith("/v1/admin/accounts/ada2")
