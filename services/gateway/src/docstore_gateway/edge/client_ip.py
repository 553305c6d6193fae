"""Who is at the other end of the connection, proxies of ours left out."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

UNKNOWN = "unknown"
Network = IPv4Network | IPv6Network


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=4096)
def client_address(peer: str | None, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The client's address: the peer's, or the rightmost of X-Forwarded-For that no trusted proxy has.

    Each proxy appends whom it saw, so what is left of the first stranger was written by that stranger.
    """
    address = _parse(peer or "")
    if address is None:
        return UNKNOWN
    for entry in reversed(forwarded_for.split(",") if forwarded_for else []):
        if not any(address in network for network in trusted):
            break
        previous = _parse(entry)
        if previous is None:
            break
        address = previous
    return str(address)


@lru_cache(maxsize=4096)
def limit_group(address: str) -> str:
    """What is limited together: an IPv4 address, or the /64 that one IPv6 customer has to himself."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network(f"{parsed}/64", strict=False))
    return address
