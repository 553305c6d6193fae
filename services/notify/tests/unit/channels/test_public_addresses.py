"""The rule that keeps webhooks out of inner networks."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from docstore_notify.channels.safe_http.public_addresses import AddressRule, is_public

IPV4 = st.ip_addresses(v=4) | st.sampled_from(
    ["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]
).flatmap(lambda network: st.ip_addresses(v=4, network=network))
STRICTER = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
STRICTER6 = (IPv6Network("2001::/23"), IPv6Network("2002::/16"), IPv6Network("3fff::/20"))


def embedded(inner: IPv4Address) -> list[IPv6Address]:
    """Every way of writing an IPv4 address into an IPv6 one that a gateway or a stack may undo."""
    number = int(inner)
    return [
        IPv6Address(number | 0xFFFF << 32),  # mapped
        IPv6Address(number | 0xFFFF << 48),  # translated (SIIT)
        IPv6Address(number),  # compatible
        IPv6Address(int(IPv6Address("64:ff9b::")) | number),  # NAT64
        IPv6Address(int(IPv6Address("64:ff9b:1::")) | number),  # NAT64, local
        IPv6Address(int(IPv6Address("2002::")) | number << 80),  # 6to4
        IPv6Address(int(IPv6Address("2001::")) | number ^ 0xFFFFFFFF),  # Teredo's client
        IPv6Address(int(IPv6Address("2001::")) | number << 64),  # Teredo's server
        IPv6Address(int(IPv6Address("fe80::5efe:0:0")) | number),  # ISATAP
    ]


@given(IPV4)
def test_ipv4_agrees_with_the_standard_library(address: IPv4Address) -> None:
    """Permitted is what Python calls global and no multicast, less what this rule adds on purpose; nothing else."""
    expected = address.is_global and not address.is_multicast and not any(address in network for network in STRICTER)
    assert is_public(address) == expected


@given(st.ip_addresses(v=6) | st.ip_addresses(v=6, network="2000::/3"))
@example(IPv6Address("2606:4700:4700::1111"))
def test_ipv6_is_stricter_than_the_standard_library(address: IPv6Address) -> None:
    """No address passes that Python does not call global; within the unicast space all others do."""
    added = any(address in network for network in STRICTER6)
    if address in IPv6Network("2000::/3"):
        assert is_public(address) == (address.is_global and not added)
    else:
        assert not is_public(address)


@given(IPV4)
@example(IPv4Address("127.0.0.1"))
@example(IPv4Address("169.254.169.254"))
def test_an_ipv4_address_inside_an_ipv6_one_never_passes(inner: IPv4Address) -> None:
    """Whatever the inner address, one within another is refused: mapped, compatible, NAT64, 6to4, Teredo, ISATAP."""
    assert not any(is_public(address) for address in embedded(inner))


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "100.63.255.255", "172.32.0.1", "2606:4700:4700::1111"])
def test_the_internet_is_reached(text: str) -> None:
    """Neighbours of inner networks are public."""
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "0.0.0.0", "10.0.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.100.100.200",
        "168.63.129.16", "192.0.0.192", "224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "fe80::1",
        "fe80::1%eth0", "fd00:ec2::254", "fec0::1", "ff02::1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "100::1",
        "5f00::1",
    ],
)  # fmt: skip
def test_inner_networks_and_clouds_metadata_are_not(text: str) -> None:
    """The addresses that attacks on webhooks go for."""
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", ["", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "8.8.8.8/32"])
def test_only_plain_addresses_are_permitted(text: str) -> None:
    """Other ways of writing an address are none, though `inet_aton` may know them."""
    assert not AddressRule([IPv4Network("0.0.0.0/0")]).permits(text)


def test_an_operator_may_open_a_network() -> None:
    """Receivers on the premises are reached by setting, and only those in the named networks."""
    rule = AddressRule([IPv4Network("10.1.0.0/16"), IPv6Network("fd00::/8")])
    assert rule.permits("10.1.2.3")
    assert rule.permits("fd00::1")
    assert rule.permits("8.8.8.8")
    assert not rule.permits("10.2.0.1")
    assert not rule.permits("::ffff:10.1.2.3")
