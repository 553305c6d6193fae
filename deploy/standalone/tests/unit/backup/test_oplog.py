"""Entries of the oplog and files of its archive, without a server."""

from datetime import UTC, datetime
from typing import Any

import pytest

from docstore_platform.mongodb.client import Timestamp
from docstore_standalone.backup.database.oplog import BEGINNING, Span, Transactions, entry_of, spans_between
from docstore_standalone.backup.manifest import BackupRefused

PREFIX = "docstore_"
LSID = {"id": b"session"}


def at(seconds: int) -> Timestamp:
    return Timestamp(1_000_000 + seconds, 1)


def names(*spans: tuple[int, int]) -> list[str]:
    return [Span(at(begin), at(end), "0" * 64).name for begin, end in spans]


def between(found: list[str], since: int, until: int) -> list[tuple[int, int]]:
    """The chosen files, in seconds."""
    chosen = spans_between(found, at(since), datetime.fromtimestamp(1_000_000 + until, UTC))
    return [(span.begin.time - 1_000_000, span.end.time - 1_000_000) for span in chosen]


def test_a_file_is_named_by_what_is_in_it() -> None:
    """And other files are ignored, such as one that was being written."""
    (name,) = names((5, 60))
    assert Span.named(name) == Span(at(5), at(60), "0" * 64)
    assert Span.named(f"{name}.new") is None


def test_the_files_of_a_period_follow_each_other() -> None:
    """With the one before, in which a large transaction may have begun, and not more than is needed."""
    found = names((0, 10), (10, 20), (20, 30), (30, 40), (40, 50))
    assert between(found, 15, 31) == [(0, 10), (10, 20), (20, 30), (30, 40)]
    assert between(found, 10, 15) == [(0, 10), (10, 20)]


def test_files_may_overlap() -> None:
    """Two commands wrote them."""
    assert between(names((0, 10), (5, 15), (10, 20)), 3, 18) == [(0, 10), (5, 15), (10, 20)]


@pytest.mark.parametrize(
    ("found", "since", "until"),
    [(names((0, 10), (20, 30)), 5, 25), (names((0, 10)), 5, 25), (names((10, 20)), 5, 15), ([], 5, 15)],
    ids=["a gap", "too late", "too early", "nothing"],
)
def test_a_gap_is_refused_with_what_is_reached(found: list[str], since: int, until: int) -> None:
    """Nothing is restored that was not archived."""
    with pytest.raises(BackupRefused, match="without a gap"):
        between(found, since, until)


def row(op: str = "i", ns: str = "docstore_quota.accounts", **more: Any) -> dict[str, Any]:
    return {"ts": at(1), "op": op, "ns": ns, "o": {"_id": 1}, **more}


def test_an_entry_names_the_service_not_the_database() -> None:
    """So that it can be replayed on databases of another prefix."""
    entry = entry_of(row("u", o2={"_id": 1}), PREFIX)
    assert entry == {
        "ts": at(1),
        "ops": [{"op": "u", "ns": "quota.accounts", "o": {"_id": 1}, "o2": {"_id": 1}}],
    }


@pytest.mark.parametrize(
    "ignored",
    [
        row("n"),
        row(ns="other.accounts"),
        row(ns="docstore_quota.deletion_holds"),
        row(ns="docstore_restore.restore"),
        row("c", "docstore_quota.$cmd", o={"create": "deletion_holds"}),
        row("c", "admin.$cmd", o={"applyOps": [row(ns="other.x")]}),
    ],
    ids=["nothing", "another database", "a hold", "a restore", "its collection", "another's transaction"],
)
def test_oplog_entries_of_other_databases_are_left_out(ignored: dict[str, Any]) -> None:
    """As in the backups."""
    assert entry_of(ignored, PREFIX) is None


def chained(number: int, of: int) -> dict[str, Any]:
    """An entry of a large transaction."""
    command: dict[str, Any] = {"applyOps": [row(o={"_id": number})]}
    if number < of:
        command["partialTxn"] = True
    previous = {"ts": BEGINNING if number == 1 else at(number - 1)}
    return row("c", "admin.$cmd", o=command, lsid=LSID, txnNumber=7, prevOpTime=previous)


def test_a_large_transaction_takes_effect_with_its_last_entry() -> None:
    """Whatever comes between its entries; one whose begin is unknown does not."""
    entries = [entry_of(chained(number, 3), PREFIX) or {} for number in (1, 2, 3)]
    whole, cut = Transactions(), Transactions()
    assert [whole.add(entries[0]), whole.add(entries[1])] == [None, None]
    assert [op["o"]["_id"] for op in whole.add(entry_of(row(), PREFIX) or {}) or ()] == [1]
    assert [op["o"]["_id"] for op in whole.add(entries[2]) or ()] == [1, 2, 3]
    assert [cut.add(entry) for entry in entries[1:]] == [None, None]


def test_prepared_transactions_are_refused() -> None:
    """They exist on sharded clusters, whose oplogs are several."""
    with pytest.raises(BackupRefused, match="sharded"):
        entry_of(row("c", "admin.$cmd", o={"applyOps": [], "prepare": True}), PREFIX)
