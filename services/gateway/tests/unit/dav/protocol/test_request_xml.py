"""XML in requests."""

import pytest

from docstore_gateway.dav.protocol.request_xml import (
    LockRequest,
    PropertyQuery,
    parse_lock,
    parse_propfind,
    parse_proppatch,
)
from docstore_platform.errors import DomainError

BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<propfind xmlns="DAV:"><prop><x>&b;</x></prop></propfind>"""
EXTERNAL = b"""<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<propertyupdate xmlns="DAV:"><set><prop><x xmlns="y">&a;</x></prop></set></propertyupdate>"""


def in_propfind(content: str) -> bytes:
    return f'<propfind xmlns="DAV:">{content}</propfind>'.encode()


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        EXTERNAL,
        b'<!DOCTYPE x SYSTEM "http://evil.example/x.dtd"><propfind xmlns="DAV:"><allprop/></propfind>',
        b"<propfind",
        b"\xff\xfe<",
        in_propfind("<?php x?><allprop/>"),
        in_propfind("<prop>" + "<a>" * 40 + "</a>" * 40 + "</prop>"),
        in_propfind("<prop>" + "<a/>" * 3000 + "</prop>"),
        in_propfind(""),
        in_propfind("<allprop/><propname/>"),
        b"<allprop/>",
        b'<?xml version="1.0" encoding="no-such"?><propfind xmlns="DAV:"><allprop/></propfind>',
    ],
)
def test_what_no_client_needs_is_refused(body: bytes) -> None:
    """Document types with all their entities, instructions, depth, masses, and what is no propfind."""
    with pytest.raises(DomainError, match="invalid_xml"):
        parse_propfind(body)


def test_a_propfind_asks_for_all_for_names_or_for_some() -> None:
    """An empty body asks for all."""
    assert parse_propfind(b"") == PropertyQuery("all")
    assert parse_propfind(in_propfind("<propname/>")) == PropertyQuery("names")
    some = parse_propfind(in_propfind('<prop><getetag/><x xmlns="y"/><z xmlns=""/></prop>'))
    assert some == PropertyQuery("some", ("{DAV:}getetag", "{y}x", "z"))
    assert parse_propfind(in_propfind("<allprop/><include><a/></include>")).names == ("{DAV:}a",)


def test_a_proppatch_keeps_the_xml_and_the_language_of_values() -> None:
    """In the order of the document; a removal has no value."""
    body = b"""<propertyupdate xmlns="DAV:"><set><prop xml:lang="de"><x xmlns="y">a&amp;<b/></x></prop></set>
    <remove><prop><z xmlns="y"/></prop></remove></propertyupdate>"""
    changed, removed = parse_proppatch(body)
    assert changed.name == "{y}x"
    assert changed.xml is not None
    assert 'xml:lang="de"' in changed.xml
    assert "a&amp;<" in changed.xml
    assert (removed.name, removed.xml) == ("{y}z", None)


def test_a_lock_has_a_scope_and_an_owner() -> None:
    """An empty body renews one."""
    body = b"""<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype>
    <owner><href>me</href></owner></lockinfo>"""
    lock = parse_lock(body)
    assert isinstance(lock, LockRequest)
    assert not lock.exclusive
    assert "me" in lock.owner
    assert parse_lock(b" ") is None
    with pytest.raises(DomainError, match="invalid_xml"):
        parse_lock(b'<lockinfo xmlns="DAV:"><lockscope/><locktype><write/></locktype></lockinfo>')
