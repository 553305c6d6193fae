"""The audit log's chain: each entry is signed together with the signature of the one before (HMAC-SHA-256, RFC 2104).

Without the key, an attacker who can write to the database can't change, remove, insert or reorder an entry, or truncate
the log, without verification naming the first wrong entry. The idea is that of B. Schneier and J. Kelsey, "Secure audit
logs to support computer forensics" (1999), with one key for all entries instead of one that changes.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal

BEGINNING = "0" * 64
"""Signature before the first entry."""

Kind = Literal["call", "change"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit log: an API call, or a change, whether or not its call is known."""

    at: datetime
    kind: Kind
    action: str
    """`PATCH /v1/files` for a call, `file-moved` for a change."""
    actor_id: str
    """Acting account; empty without a login."""
    object_id: str
    """The file, folder, account or other object; empty if it is not a single one."""
    status: int
    """HTTP status of a call; 0 for a change."""
    client: str
    session_id: str
    source_id: str
    """Id of the request or event."""
    detail: str
    """Path of the call or the file."""


@dataclass(frozen=True, slots=True)
class Chained:
    """An entry with its number and signature in the chain."""

    number: int
    entry: Entry
    previous: str
    signature: str


@dataclass(frozen=True, slots=True)
class Head:
    """The signed end of the chain: it shows if the chain was truncated."""

    number: int
    signature: str
    seal: str
    key: str
    """Fingerprint of the signing key."""


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
    """The first invalid entry."""

    number: int
    reason: Reason
    detail: str


class Chain:
    """Signs with one key; also verifies with earlier keys."""

    def __init__(self, key: bytes, *previous: bytes) -> None:
        self._keys = (key, *previous)
        self.fingerprint = _fingerprint(key)
        self.fingerprints = frozenset(map(_fingerprint, self._keys))
        """Fingerprints of all keys that verify."""

    def append(self, entries: Iterable[Entry], head: Head) -> list[Chained]:
        """Chain the entries after `head`, in this order."""
        number, previous = head.number, head.signature
        chained = []
        for entry in entries:
            number += 1
            signature = _mac(self._keys[0], _signed(number, entry, previous))
            chained.append(Chained(number, entry, previous, signature))
            previous = signature
        return chained

    def head(self, last: Chained) -> Head:
        """Return the new end of the chain."""
        seal = _mac(self._keys[0], _sealed(last.number, last.signature))
        return Head(last.number, last.signature, seal, self.fingerprint)

    def check(self, chained: Chained, number: int, previous: str) -> Break | None:
        """Check that it is entry `number` and follows `previous`."""
        if chained.number != number:
            return Break(number, "missing", f"the next entry has number {chained.number}")
        if not self._is_signed(_signed(number, chained.entry, chained.previous), chained.signature):
            return Break(number, "changed", "its signature does not match its contents")
        if not _same(previous, chained.previous):
            return Break(number, "unlinked", "it does not follow the entry before it")
        return None

    def check_head(self, head: Head, number: int, signature: str) -> Break | None:
        """Check that the chain ends with entry `number`, as its head states."""
        if head != NO_HEAD and not self._is_signed(_sealed(head.number, head.signature), head.seal):
            return Break(head.number, "head_changed", "the signature of the chain's end does not match")
        if number < head.number:
            return Break(number + 1, "cut_off", f"the chain had {head.number} entries")
        if number > head.number or signature != head.signature:
            return Break(
                head.number + 1, "head_changed", f"the head counts {head.number} entries, but there are {number}"
            )
        return None

    def sign(self, data: bytes) -> str:
        """Sign other data of the log, whose first word differs from that of entries and heads."""
        return _mac(self._keys[0], data)

    def has_signed(self, data: bytes, signature: str) -> bool:
        """Whether it was signed by this key or an earlier one."""
        return self._is_signed(data, signature)

    def _is_signed(self, data: bytes, signature: str) -> bool:
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
    """Return an id of a key that reveals nothing about it."""
    return hashlib.sha256(b"docstore audit key" + key).hexdigest()[:16]


def canonical(number: int, entry: Entry) -> bytes:
    """Return the signed form: every field, in order."""
    return json.dumps(
        [number, moment_text(entry.at), *(getattr(entry, name) for name in _SIGNED)],
        separators=(",", ":"),
        default=repr,  # tampered values of any type: the signature can't match
    ).encode()


_SIGNED = tuple(field.name for field in fields(Entry) if field.name != "at")


def moment_text(moment: datetime) -> str:
    """Format to the millisecond, the precision of the database."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def row_of(chained: Chained) -> dict[str, Any]:
    """Return the stored form."""
    entry = {name: getattr(chained.entry, name) for name in ("at", *_SIGNED)}
    return {"_id": chained.number, **entry, "previous": chained.previous, "signature": chained.signature}


def chained_of(row: Mapping[str, Any]) -> Chained:
    """Parse the stored form; a missing or mistyped field makes another entry, not an error."""
    fields_ = {name: row.get(name) for name in _SIGNED}
    at = row.get("at")
    entry = Entry(at=at if isinstance(at, datetime) else datetime.fromtimestamp(0, UTC), **fields_)  # type: ignore[arg-type]
    return Chained(int(row["_id"]), entry, str(row.get("previous", "")), str(row.get("signature", "")))
