"""Rows of the archive's table of accesses, from lines of access logs."""

import hashlib

import orjson

from docstore_analytics.accesses.rules import Access, owner_of
from docstore_platform.clock import rfc3339


def access_id(source: str, key: str, line: int) -> str:
    """Return the id of a line of a log file, the same each time it is read."""
    return f"{hashlib.sha256(f'{source} {key}'.encode()).hexdigest()[:24]}-{line}"


def access_row(id_: str, access: Access) -> bytes:
    """Return a line of JSON with every column."""
    kind, account_id = owner_of(access.key)
    return orjson.dumps(
        {
            "id": id_,
            "log": access.log,
            "time": rfc3339(access.at),
            "bucket": access.bucket,
            "key": access.key,
            "kind": kind,
            "account_id": account_id or None,
            "operation": access.operation,
            "status": access.status,
            "bytes": access.bytes,
            "object_bytes": access.object_bytes,
            "client": access.client,
            "request_id": access.request_id,
            "user_agent": access.user_agent,
            "requester": access.requester or None,
            "by_url": access.by_url,
        }
    )
