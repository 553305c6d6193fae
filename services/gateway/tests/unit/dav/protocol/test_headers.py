"""URLs and headers of WebDAV requests."""

import pytest

from docstore_gateway.dav.protocol.headers import Target, depth_of, destination_of, overwrite_of, target_of, timeout_of
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of

HOSTS = {"docs.example:8080"}


def status_of(error: DomainError) -> int:
    return problem_of(error).status


def test_a_url_names_a_path_of_the_api() -> None:
    """Escapes are resolved, doubled and final slashes dropped, names brought into normal form C."""
    assert target_of(b"/dav/a%20b//%C3%BC/") == Target("/dav", "/a b/ü")
    assert target_of(b"/dav/u%CC%88") == Target("/dav", "/ü")
    assert target_of(b"/dav") == Target("/dav", "/")
    assert target_of(b"/dav/100%25") == Target("/dav", "/100%")


def test_the_addresses_of_ownclouds_clients_name_the_same_tree() -> None:
    """With their own prefixes, which the URLs in responses have too."""
    assert target_of(b"/remote.php/webdav/a").href == "/remote.php/webdav/a"
    assert target_of(b"/remote.php/dav/files/ada/a", {"ada"}) == Target("/remote.php/dav/files/ada", "/a")
    with pytest.raises(DomainError, match="other_account"):
        target_of(b"/remote.php/dav/files/bob/a", {"ada"})


@pytest.mark.parametrize(
    "path",
    [
        b"/dav/../v1/files",
        b"/dav/a/%2e%2e/b",
        b"/dav/a%2Fb",
        b"/dav/a%5Cb",
        b"/dav/a%00",
        b"/dav/%ff",
        b"/dav/a%0d%0ab",
        b"/dav" + b"/x" * 100,
    ],
)
def test_a_path_that_can_be_read_in_two_ways_is_refused(path: bytes) -> None:
    """Dots, encoded separators, control characters, broken UTF-8, endless depth."""
    with pytest.raises(DomainError) as refused:
        target_of(path)
    assert (status_of(refused.value), refused.value.code) == (400, "invalid_path")


def test_a_destination_is_a_url_or_path_of_this_server() -> None:
    """Whatever the case of its host."""
    for header in (
        "http://DOCS.example:8080/dav/b%20c",
        "/dav/b%20c",
        "http://ada@docs.example:8080/dav/b%20c",
        "http%3A//docs.example%3A8080/dav/b%20c",
    ):
        assert destination_of(header, HOSTS, ()).path == "/b c"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("http://evil.example/dav/b", 502),
        ("//evil.example/dav/b", 502),
        ("http%3A//evil.example/dav/b", 502),
        ("file:///dav/b", 502),
        ("http://docs.example:8080/v1/files", 502),
        ("http://docs.example:8080/dav/../internal/locks", 400),
        ("http://docs.example:8080/dav/a%2f..%2fb", 400),
        ("http://docs.example:8080/dav/a?x=1", 400),
        ("http://[/dav/a", 400),
        ("dav/b", 400),
        ("", 400),
    ],
)
def test_a_destination_elsewhere_is_refused(header: str, status: int) -> None:
    """Another host, another tree, tricks in the path: nothing is moved there."""
    with pytest.raises(DomainError) as refused:
        destination_of(header, HOSTS, ())
    assert status_of(refused.value) == status


def test_depth_overwrite_and_timeout_have_the_values_of_the_rfc() -> None:
    """Anything else is an error, except for timeouts, of which the first understood one counts."""
    assert depth_of(None, "infinity") == "infinity"
    assert depth_of("Infinity", "0") == "infinity"
    with pytest.raises(DomainError, match="invalid_depth"):
        depth_of("2", "0")
    with pytest.raises(DomainError, match="invalid_depth"):
        depth_of("1", "infinity", ("0", "infinity"))
    assert (overwrite_of(None), overwrite_of("f")) == (True, False)
    with pytest.raises(DomainError, match="invalid_overwrite"):
        overwrite_of("maybe")
    assert timeout_of("Infinite, Second-4100000000", 3600) == 3600
    assert timeout_of("Extend, Second-0", 3600) == 1
    assert timeout_of("later", 3600) == 3600
