"""Public IP addresses: the rule that keeps webhooks out of internal networks."""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NOT_PUBLIC_IPV4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, and some clouds' metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's platform, as each of its machines sees it
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
"""Not globally reachable by IANA's IPv4 Special-Purpose Address Registry, multicast, and Azure's platform."""
GLOBAL_UNICAST = IPv6Network("2000::/3")
"""Everything else is loopback, link-local, unique local, multicast, mapped or compatible IPv4, NAT64, or unassigned."""
NOT_PUBLIC_IPV6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo with its IPv4 inside, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)


def is_public(address: Address) -> bool:
    """Whether it can only be a machine on the public internet. Addresses that contain another address are not."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_IPV4)
    return (
        address in GLOBAL_UNICAST
        and address.scope_id is None
        and not any(address in network for network in NOT_PUBLIC_IPV6)
    )


class AddressRule:
    """Permits public addresses and those in `allowed` networks."""

    def __init__(self, allowed: Collection[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    def permits(self, text: str) -> bool:
        """Whether `text` is a permitted address in its usual form."""
        try:
            address = ip_address(text)
        except ValueError:
            return False
        return is_public(address) or any(address in network for network in self._allowed)
