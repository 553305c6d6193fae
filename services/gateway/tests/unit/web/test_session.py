"""What a Cookie header holds for us, whatever else is in it."""

import pytest

from docstore_gateway.web.session import cookie_in


@pytest.mark.parametrize(
    "other",
    [
        'foo={"a":1}',
        "foo=a b",
        "foo",
        "x=café",
        "a[b]=1",
        "foo=1, 2",
        'a="x',
        "domain=x",
        "docstore_access_=1",
        "",
        "=",
    ],
)
def test_an_unusual_cookie_leaves_the_log_in(other: str) -> None:
    """Another program's cookie, before ours or behind it, does not hide it."""
    for header in (f"{other}; docstore_access=a.b-c_d", f"docstore_access=a.b-c_d;{other}"):
        assert cookie_in(header.encode(), "docstore_access") == "a.b-c_d"


@pytest.mark.parametrize("header", [None, b"", b"docstore_access=", b"docstore_access", b"x=docstore_access=1", b"=1"])
def test_a_cookie_that_is_not_there(header: bytes | None) -> None:
    """Absent, empty or part of another's value: none."""
    assert cookie_in(header, "docstore_access") is None
