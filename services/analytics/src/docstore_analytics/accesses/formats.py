"""Formats of access logs. Query strings are not read: they contain the signatures of URLs."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import unquote

import orjson

from docstore_analytics.accesses.rules import Access, LogKind, owner_of
from docstore_platform.security.throttle import client_group

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MAX_TEXT = 500
"""Characters of a text that a client chose."""
S3_LINE = re.compile(
    r"\S+ (?P<bucket>\S+) \[(?P<time>[^\]]+)\] (?P<client>\S+) (?P<requester>\S+) (?P<request_id>\S+)"
    r' (?P<operation>\S+) (?P<key>\S+) (?:"[^"]*"|-) (?P<status>\d{3}|-) \S+ (?P<bytes>\d{1,15}|-)'
    r' (?P<size>\d{1,15}|-) \S+ \S+ "(?P<rest>.*)'
)
"""docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html, to the quote before the referrer."""
AUTHENTICATION = 4
"""Position of the authentication type after the user agent."""


class LineFormat(Protocol):
    def parse(self, line: str) -> Access | None:
        """Return the access of a line; None for a comment. ValueError for anything else."""


class S3Lines:
    """S3 server access logs."""

    def parse(self, line: str) -> Access | None:
        found = S3_LINE.fullmatch(line)
        # A user agent may contain quotes; what follows it can't.
        texts, quote, after = found["rest"].rpartition('" ') if found else ("", "", "")
        if found is None or not quote:
            raise ValueError("not a line of an S3 server access log")
        authentication = after.split(" ")[AUTHENTICATION : AUTHENTICATION + 1]
        return Access(
            at=datetime.strptime(found["time"], "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC),
            log="s3",
            bucket=found["bucket"],
            key=_text(unquote(found["key"])),
            operation=found["operation"],
            status=_number(found["status"]) or 0,
            bytes=_number(found["bytes"]),
            object_bytes=_number(found["size"]),
            client=_client(found["client"]),
            request_id=_text(found["request_id"]),
            user_agent=_text(texts.partition('" "')[2]),
            requester=_text(found["requester"]),
            by_url=authentication == ["QueryString"],
        )


class CloudFrontLines:
    """CloudFront standard logs; a line of the file names the fields."""

    def __init__(self) -> None:
        self._fields: list[str] = []

    def parse(self, line: str) -> Access | None:
        if line.startswith("#"):
            if line.startswith("#Fields:"):
                self._fields = line.removeprefix("#Fields:").split()
            return None
        row = dict(zip(self._fields, line.split("\t"), strict=True))
        try:
            return self._access(row)
        except KeyError as missing:
            raise ValueError(f"no field {missing}") from None

    def _access(self, row: Mapping[str, str]) -> Access:
        key = _text(unquote(row["cs-uri-stem"])).lstrip("/")
        status = int(row["sc-status"])
        return Access(
            at=datetime.strptime(f"{row['date']} {row['time']}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC),
            log="cloudfront",
            bucket=_text(row.get("x-host-header") or row["cs(Host)"]),
            key=key,
            operation=f"REST.{_text(row['cs-method'])}.OBJECT",
            status=status,
            bytes=_number(row["sc-bytes"]),
            object_bytes=_number(row.get("sc-content-len", "-")),
            client=_client(row["c-ip"]),
            request_id=_text(row["x-edge-request-id"]),
            user_agent=_text(unquote(unquote(row["cs(User-Agent)"]))),
            requester="",
            by_url="Signature=" in row["cs-uri-query"] or (status < 400 and owner_of(key)[1] != ""),
        )


class EmbeddedLines:
    """The embedded store's log: a JSON object a line, as `docstore_standalone.embedded.access_log` writes it."""

    def parse(self, line: str) -> Access | None:
        try:
            return self._access(orjson.loads(line))
        except (KeyError, TypeError, OverflowError, OSError) as error:
            raise ValueError(f"not an access: {error!r}") from None

    def _access(self, row: Mapping[str, Any]) -> Access:
        texts = {name: _text(row[name]) for name in ("bucket", "key", "operation", "request_id", "user_agent")}
        return Access(
            at=datetime.fromtimestamp(row["time"], UTC),
            log="embedded",
            status=int(row["status"]),
            bytes=None,
            object_bytes=None,
            client=_client(row["client"]),
            requester="",
            by_url=row["by_url"] is True,
            **texts,
        )


FORMATS: Mapping[LogKind, type[LineFormat]] = {
    "s3": S3Lines,
    "cloudfront": CloudFrontLines,
    "embedded": EmbeddedLines,
}


def _text(value: str) -> str:
    """Return a text without what no SQL engine expects in one; `-` is none."""
    return "" if value == "-" else CONTROL.sub("\N{REPLACEMENT CHARACTER}", value)[:MAX_TEXT]


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)


def _client(text: str) -> str:
    return "" if text == "-" else _text(client_group(text))
