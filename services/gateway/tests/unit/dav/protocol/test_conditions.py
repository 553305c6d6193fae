"""The If header, If-Match and If-None-Match."""

import pytest

from docstore_gateway.dav.protocol.conditions import etag_matches, parse_if
from docstore_platform.errors import DomainError

TOKEN = "urn:uuid:1"
MANY = ("(<a>)" * 101, "".join(f"</dav/{number}> (<a>) " for number in range(11)))
"""Lists, and URLs, each of which would be looked up."""


def holds(header: str, etag: str | None = '"1"', tokens: tuple[str, ...] = (TOKEN,)) -> bool:
    return any(each.holds(etag, tokens) for each in parse_if(header).lists)


def test_a_list_holds_if_all_its_conditions_do() -> None:
    """Tokens and ETags, each also negated."""
    assert holds(f'(<{TOKEN}> ["1"])')
    assert not holds(f'(<{TOKEN}> ["2"])')
    assert holds('(Not ["2"])')
    assert not holds(f"(Not <{TOKEN}>)")
    assert not holds('(["1"])', etag=None)
    assert holds("(<DAV:no-lock>) (Not <DAV:no-lock>)")


def test_lists_belong_to_the_url_before_them() -> None:
    """Without one, to the request's own."""
    parsed = parse_if(f'<http://a/dav/x> (<{TOKEN}>) (["2"]) </dav/y> (Not <urn:uuid:2>)')
    assert [each.url for each in parsed.lists] == ["http://a/dav/x", "http://a/dav/x", "/dav/y"]
    assert parsed.tokens == (TOKEN, "urn:uuid:2")


def test_a_token_that_no_lock_has_is_not_submitted() -> None:
    """`DAV:no-lock` only makes lists true or false."""
    assert parse_if("(<DAV:no-lock>)").tokens == ()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "()",
        "(",
        "(<a>",
        "<a>",
        "(Not)",
        "x",
        '(["1"',
        "(<a>) )",
        "(<a b>)",
        "(((",
        "Not (<a>)",
        *MANY,
    ],
)
def test_a_malformed_if_is_refused(header: str) -> None:
    """400, instead of a guess about what was meant."""
    with pytest.raises(DomainError, match="invalid_if"):
        parse_if(header)


def test_etags_are_compared_strongly_unless_asked() -> None:
    """`*` is whatever there is."""
    assert etag_matches('"0", "1"', '"1"')
    assert not etag_matches('W/"1"', '"1"')
    assert etag_matches('W/"1"', '"1"', weakly=True)
    assert etag_matches("*", '"1"')
    assert not etag_matches("*", None)
    assert not etag_matches(None, '"1"')
