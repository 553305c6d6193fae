"""Entries of MongoDB's oplog, as the archive has them, and the names of its files.

An entry contains `ts`, and `ops` on the deployment's databases, whose `ns` is without the deployment's prefix. A large
transaction has several entries: all but the last have `more`, all but the first `continues`, and `chain` identifies it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from docstore_platform.mongodb.client import Document, Timestamp
from docstore_standalone.backup.database.dump import LEFT_OUT
from docstore_standalone.backup.database.restore import RESTORE_MARKER
from docstore_standalone.backup.manifest import BackupRefused

CRUD = frozenset("iud")
BEGINNING = Timestamp(0, 0)
_NAME = re.compile(r"(\d{10})\.(\d{10})-(\d{10})\.(\d{10})-([0-9a-f]{64})\.bson\.zst")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A file of entries after `begin` up to `end`, and its SHA-256 (hex)."""

    begin: Timestamp
    end: Timestamp
    sha256: str

    @property
    def name(self) -> str:
        begin, end = (f"{each.time:010}.{each.inc:010}" for each in (self.begin, self.end))
        return f"{begin}-{end}-{self.sha256}.bson.zst"

    @classmethod
    def named(cls, name: str) -> Self | None:
        """Return the span of a file name; None if it is another file's."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        numbers = [int(each) for each in found.groups()[:4]]
        return cls(Timestamp(*numbers[:2]), Timestamp(*numbers[2:]), found[5])


def spans_between(names: Iterable[str], since: Timestamp, until: datetime) -> list[Span]:
    """Return the files with all entries from `since` to `until`, in order. BackupRefused unless there is no gap.

    Files may overlap, if two commands wrote them. The file before `since` may contain the begin of a transaction.
    """
    spans = sorted(span for name in names if (span := Span.named(name)))
    chosen = [span for span in spans if span.end <= since][-1:]
    reached = since
    for span in spans:
        if span.end <= reached:
            continue
        if span.begin > reached:
            break
        chosen.append(span)
        reached = span.end
        if reached >= first_after(until):
            return chosen
    raise BackupRefused(
        f"the archived oplog reaches {reached.as_datetime():%Y-%m-%d %H:%M:%S} UTC without a gap:"
        " choose a moment before that, or archive more"
    )


def first_after(moment: datetime) -> Timestamp:
    """Return the first time of an entry that is after `moment`, in whole seconds."""
    return Timestamp(int(moment.timestamp()) + 1, 0)


def entry_of(row: Mapping[str, Any], prefix: str) -> Document | None:
    """Return the archive's entry; None if it changes nothing in databases that begin with `prefix`."""
    if row["op"] == "n":
        return None
    command = row["o"] if row["op"] == "c" else {}
    if "applyOps" not in command:
        found = _op(row, prefix)
        return {"ts": row["ts"], "ops": [found]} if found else None
    if command.get("prepare"):
        raise BackupRefused("the oplog has prepared transactions, of a sharded cluster: it can't be archived")
    ops = [found for each in command["applyOps"] if (found := _op(each, prefix))]
    previous = row.get("prevOpTime")
    continues = previous is not None and previous["ts"] != BEGINNING
    more = bool(command.get("partialTxn"))
    if not more and not continues:
        return {"ts": row["ts"], "ops": ops} if ops else None
    chain = f"{row['lsid']['id'].hex()} {row['txnNumber']}"
    return {"ts": row["ts"], "ops": ops, "chain": chain, "more": more, "continues": continues}


def _op(row: Mapping[str, Any], prefix: str) -> Document | None:
    database, _, collection = row["ns"].partition(".")
    service = database.removeprefix(prefix)
    if not database.startswith(prefix) or service == RESTORE_MARKER:
        return None
    if row["op"] == "c":
        of = next(iter(row["o"].values()))
        return None if of in LEFT_OUT else {"op": "c", "ns": service, "o": row["o"]}
    if row["op"] not in CRUD or collection in LEFT_OUT or collection.startswith("system."):
        return None
    op = {"op": row["op"], "ns": f"{service}.{collection}", "o": row["o"]}
    return op | {"o2": row["o2"]} if "o2" in row else op


class Transactions:
    """Puts the entries of large transactions together."""

    def __init__(self) -> None:
        self._open: dict[str, list[Document]] = {}

    def add(self, entry: Mapping[str, Any]) -> Sequence[Document] | None:
        """Return what takes effect with an entry; None if its transaction continues, or began before the first file."""
        ops = list(entry["ops"])
        if (chain := entry.get("chain")) is None:
            return ops
        before = self._open.pop(chain, None)
        if before is None and entry["continues"]:
            return None
        ops = [*(before or []), *ops]
        if entry["more"]:
            self._open[chain] = ops
            return None
        return ops
