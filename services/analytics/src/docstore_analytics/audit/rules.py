"""The audit log's chain: each entry is signed together with the signature of the one before (HMAC-SHA-256, RFC 2104).

Who can write to the database but has not the key can't change, remove, insert or reorder an entry, or cut the end off,
without the first entry that is wrong being named. The idea is that of B. Schneier and J. Kelsey, "Secure audit logs to
support computer forensics" (1999), with one key for all entries instead of one that changes.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal

BEGINNING = "0" * 64
"""Stands for the signature before the first entry."""

Kind = Literal["call", "change"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit log: a call of the API, or a change that happened whether or not a call is known."""

    at: datetime
    kind: Kind
    action: str
    """`PATCH /v1/files` of a call, `file-moved` of a change."""
    actor_id: str
    """Account; empty where nobody was logged in."""
    object_id: str
    """File, folder, account or other thing it was about; empty if that is not one thing."""
    status: int
    """HTTP status of a call; 0 of a change."""
    client: str
    session_id: str
    source_id: str
    """Id of the request or event."""
    detail: str
    """Path of the call, or of the file."""


@dataclass(frozen=True, slots=True)
class Chained:
    """An entry in its place."""

    number: int
    entry: Entry
    previous: str
    signature: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain, signed by itself: a chain that is cut off ends before it."""

    number: int
    signature: str
    seal: str
    key: str
    """Fingerprint of the key that signed it."""


NO_HEAD = Head(0, BEGINNING, "", "")

Reason = Literal[
    "missing",
    "changed",
    "unlinked",
    "cut_off",
    "head_changed",
    "differs_from_sealed",
    "seal_missing",
    "differs_from_anchor",
    "anchor_missing",
    "anchor_changed",
    "other_key",
]


@dataclass(frozen=True, slots=True)
class Break:
    """The first entry that is wrong."""

    number: int
    reason: Reason
    detail: str


class Chain:
    """Signs with one key, verifies with those before it too."""

    def __init__(self, key: bytes, *previous: bytes) -> None:
        self._keys = (key, *previous)
        self.fingerprint = _fingerprint(key)
        self.fingerprints = frozenset(map(_fingerprint, self._keys))
        """Of all keys by which entries are verified."""

    def append(self, entries: Iterable[Entry], head: Head) -> list[Chained]:
        """The entries as they follow `head`, in this order."""
        number, previous = head.number, head.signature
        chained = []
        for entry in entries:
            number += 1
            signature = _mac(self._keys[0], _signed(number, entry, previous))
            chained.append(Chained(number, entry, previous, signature))
            previous = signature
        return chained

    def head(self, last: Chained) -> Head:
        """The new end of the chain."""
        seal = _mac(self._keys[0], _sealed(last.number, last.signature))
        return Head(last.number, last.signature, seal, self.fingerprint)

    def check(self, chained: Chained, number: int, previous: str) -> Break | None:
        """Whether it is entry `number` and follows `previous`."""
        if chained.number != number:
            return Break(number, "missing", f"the next entry there is has number {chained.number}")
        if not self._is_good(_signed(number, chained.entry, chained.previous), chained.signature):
            return Break(number, "changed", "its signature does not fit what it says")
        if not _same(previous, chained.previous):
            return Break(number, "unlinked", "it does not follow the entry before it")
        return None

    def check_head(self, head: Head, number: int, signature: str) -> Break | None:
        """Whether the chain ends with entry `number`, as its head says."""
        if head != NO_HEAD and not self._is_good(_sealed(head.number, head.signature), head.seal):
            return Break(head.number, "head_changed", "the seal at the chain's end does not fit")
        if number < head.number:
            return Break(number + 1, "cut_off", f"the chain had {head.number} entries")
        if number > head.number or signature != head.signature:
            return Break(head.number + 1, "head_changed", f"the head knows {head.number} entries, there are {number}")
        return None

    def sign(self, data: bytes) -> str:
        """Sign something else of the log, which begins with a word that no entry and no head begins with."""
        return _mac(self._keys[0], data)

    def has_signed(self, data: bytes, signature: str) -> bool:
        """Whether it was signed by this key or one before it."""
        return self._is_good(data, signature)

    def _is_good(self, data: bytes, signature: str) -> bool:
        return any(_same(_mac(key, data), signature) for key in self._keys)


def _signed(number: int, entry: Entry, previous: str) -> bytes:
    return previous.encode() + canonical(number, entry)


def _sealed(number: int, signature: str) -> bytes:
    return f"head {number} {signature}".encode()


def _mac(key: bytes, data: bytes) -> str:
    return hmac.new(key, data, hashlib.sha256).hexdigest()


def _same(expected: str, found: str) -> bool:
    return hmac.compare_digest(expected.encode(), found.encode())


def _fingerprint(key: bytes) -> str:
    """Distinguishes keys and reveals nothing about them."""
    return hashlib.sha256(b"docstore audit key" + key).hexdigest()[:16]


def canonical(number: int, entry: Entry) -> bytes:
    """What is signed: every field, in their order, in one form."""
    return json.dumps(
        [number, moment_text(entry.at), *(getattr(entry, name) for name in _SIGNED)],
        separators=(",", ":"),
        default=repr,  # whatever somebody has put into the database, it is not what was signed
    ).encode()


_SIGNED = tuple(field.name for field in fields(Entry) if field.name != "at")


def moment_text(moment: datetime) -> str:
    """To the millisecond, which is what the database keeps."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def row_of(chained: Chained) -> dict[str, Any]:
    """As it is stored."""
    entry = {name: getattr(chained.entry, name) for name in ("at", *_SIGNED)}
    return {"_id": chained.number, **entry, "previous": chained.previous, "signature": chained.signature}


def chained_of(row: Mapping[str, Any]) -> Chained:
    """As it was stored; a field that is gone or of another type makes it another entry, not an error."""
    fields_ = {name: row.get(name) for name in _SIGNED}
    at = row.get("at")
    entry = Entry(at=at if isinstance(at, datetime) else datetime.fromtimestamp(0, UTC), **fields_)  # type: ignore[arg-type]
    return Chained(int(row["_id"]), entry, str(row.get("previous", "")), str(row.get("signature", "")))
