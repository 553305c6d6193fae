"""Conditional requests: If-Match, If-None-Match (RFC 9110, 13) and WebDAV's If (RFC 4918, 10.4)."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from docstore_gateway.dav.protocol.headers import bad_request

MAX_LISTS, MAX_URLS = 100, 10
_TOKEN = re.compile(
    r"\s*(?:(?P<not>Not)(?=[\s<\[])|<(?P<url>[^<>\s]*)>|\[(?P<etag>[^\[\]]*)\]|(?P<bracket>[()]))", re.I
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a list: a lock's token or an ETag, that the resource has or must not have."""

    value: str
    is_etag: bool
    negated: bool


@dataclass(frozen=True, slots=True)
class ConditionList:
    """Conditions that must all hold for a resource: the one at `url`, or the request's own."""

    url: str | None
    conditions: tuple[Condition, ...]

    def holds(self, etag: str | None, tokens: Collection[str]) -> bool:
        return all(
            ((etag is not None and each.value == etag) if each.is_etag else each.value in tokens) is not each.negated
            for each in self.conditions
        )


@dataclass(frozen=True, slots=True)
class IfHeader:
    """An If header: it holds if one of its lists does."""

    lists: tuple[ConditionList, ...] = ()

    @property
    def tokens(self) -> tuple[str, ...]:
        """Lock tokens that the request submits, wherever they are named."""
        every = (each for found in self.lists for each in found.conditions)
        return tuple(dict.fromkeys(each.value for each in every if not each.is_etag and each.value != NO_LOCK))


NO_LOCK = "DAV:no-lock"
"""A token that no lock has."""


def parse_if(header: str | None) -> IfHeader:
    """Parse an If header; 400 if it does not have the grammar of RFC 4918."""
    if header is None:
        return IfHeader()
    lists: list[ConditionList] = []
    url: str | None = None
    tokens = _tokens(header)
    for token in tokens:
        if token.group("url") is not None:
            url = token.group("url")
        elif token.group("bracket") == "(":
            lists.append(ConditionList(url, _conditions(tokens)))
        else:
            raise _malformed()
    if not lists or len(lists) > MAX_LISTS or len({each.url for each in lists}) > MAX_URLS:
        raise _malformed()
    return IfHeader(tuple(lists))


def _tokens(header: str) -> Iterator[re.Match[str]]:
    position, end = 0, len(header.rstrip())
    while position < end:
        match = _TOKEN.match(header, position)
        if match is None:
            raise _malformed()
        yield match
        position = match.end()


def _conditions(tokens: Iterator[re.Match[str]]) -> tuple[Condition, ...]:
    found: list[Condition] = []
    negated = False
    for token in tokens:
        if token.group("not"):
            negated = True
        elif token.group("url") is not None or token.group("etag") is not None:
            is_etag = token.group("etag") is not None
            found.append(Condition(token.group("etag") if is_etag else token.group("url"), is_etag, negated))
            negated = False
        elif token.group("bracket") == ")" and found and not negated:
            return tuple(found)
        else:
            raise _malformed()
    raise _malformed()


def _malformed() -> Exception:
    return bad_request("The If header is malformed.", "invalid_if")


def etag_matches(header: str | None, etag: str | None, *, weakly: bool = False) -> bool:
    """Whether If-Match or If-None-Match names this ETag; `*`: whether there is something at all."""
    if header is None or etag is None:
        return False
    tags = {tag.strip().removeprefix("W/") if weakly else tag.strip() for tag in header.split(",")}
    return "*" in tags or etag in tags
