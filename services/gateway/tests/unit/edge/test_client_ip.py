"""Detection of the client's address behind proxies."""

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from docstore_gateway.edge.client_ip import UNKNOWN, client_address, limit_group

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def test_a_forged_header_from_an_unknown_proxy_is_ignored() -> None:
    """Without a trusted proxy in front, the peer is the client."""
    assert client_address("203.0.113.9", "1.2.3.4", ()) == "203.0.113.9"
    assert client_address("203.0.113.9", "1.2.3.4", PROXIES) == "203.0.113.9"


def test_behind_proxies_the_rightmost_unknown_address_is_the_client() -> None:
    """What the client wrote itself stands to the left of what the first proxy saw."""
    assert client_address("10.0.0.1", "1.2.3.4, 203.0.113.9, 10.0.0.7", PROXIES) == "203.0.113.9"
    assert client_address("fd00::1", "2001:db8::5", PROXIES) == "2001:db8::5"


def test_rubbish_in_the_header_ends_the_chain() -> None:
    """An entry that is no address, and whatever stands before it, was not written by a proxy of ours."""
    assert client_address("10.0.0.1", "203.0.113.9, unknown", PROXIES) == "10.0.0.1"
    assert client_address(None, "", PROXIES) == UNKNOWN


def test_addresses_that_one_client_can_change_at_will_are_limited_together() -> None:
    """An IPv6 customer has a /64; an IPv4 address in IPv6 form is the same address."""
    assert limit_group("2001:db8::1") == limit_group("2001:db8::ffff:2")
    assert limit_group("2001:db8::1") != limit_group("2001:db8:0:1::1")
    assert client_address("::ffff:203.0.113.9", "", ()) == "203.0.113.9"
    assert limit_group(UNKNOWN) == UNKNOWN


@given(st.text(max_size=60))
def test_no_header_changes_the_address_of_an_unknown_client(header: str) -> None:
    """Property: the header of an untrusted peer changes nothing."""
    assert client_address("203.0.113.9", header, PROXIES) == "203.0.113.9"
