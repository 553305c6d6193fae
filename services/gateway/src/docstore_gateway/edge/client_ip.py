"""Determines the client's IP address behind trusted proxies."""

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
def is_trusted(peer: str | None, trusted: Sequence[Network]) -> bool:
    """Whether this address is that of a trusted proxy."""
    address = _parse(peer or "")
    return address is not None and any(address in network for network in trusted)


@lru_cache(maxsize=4096)
def client_address(peer: str | None, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the peer's address, or the rightmost of X-Forwarded-For that is no trusted proxy.

    Each proxy appends the address it saw. What precedes the first untrusted address was written by that client.
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
    """Return the unit of rate limits: an IPv4 address, or the /64 that an IPv6 customer has."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network(f"{parsed}/64", strict=False))
    return address
