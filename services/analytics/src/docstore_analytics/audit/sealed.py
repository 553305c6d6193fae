"""Sealed entries of the audit log: the format and the keys of their objects."""

import gzip
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from docstore_analytics.audit.rules import Chained, moment_text, row_of


def sealed_key(region: str, first: int, last: int) -> str:
    return f"archive/audit/{region}/{first:012}-{last:012}.jsonl.gz"


def line_of(chained: Chained) -> bytes:
    row = row_of(chained)
    row["number"] = row.pop("_id")
    moment: datetime = row["at"]
    return orjson.dumps(row | {"at": moment_text(moment)}, default=repr)


def packed(entries: Sequence[Chained]) -> bytes:
    return gzip.compress(b"\n".join(map(line_of, entries)) + b"\n", mtime=0)


def unpacked(data: bytes) -> dict[int, Mapping[str, Any]]:
    rows = (orjson.loads(line) for line in gzip.decompress(data).splitlines())
    return {row["number"]: row for row in rows}
