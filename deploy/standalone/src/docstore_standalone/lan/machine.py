"""Names and addresses by which other machines reach this one."""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

import psutil

ELSEWHERE = ("203.0.113.1", 9)
"""An address for documentation (RFC 5737). A datagram socket is connected to it without sending anything, which shows
the address that this machine uses for others."""
LOCAL_NAMES = ("localhost", "127.0.0.1")

Address = IPv4Address | IPv6Address


class NoAddress(ValueError):
    """No other machine can reach this one; the message explains what to do."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Names and addresses at one moment; `primary` is the address that others most likely use."""

    names: tuple[str, ...]
    addresses: tuple[Address, ...]
    primary: Address | None

    @property
    def everything(self) -> tuple[str, ...]:
        return (*self.names, *map(str, self.addresses), *LOCAL_NAMES)


def parsed(name: str) -> Address | None:
    """Return the address that this text is; None for a name."""
    try:
        return ip_address(name)
    except ValueError:
        return None


def in_url(name: str) -> str:
    """Return a name or an address as a URL contains it."""
    return f"[{name}]" if ":" in name else name


def this_machine() -> Machine:
    """Look up names and addresses; interfaces that are down, and link-local addresses, don't count."""
    host = socket.gethostname().lower()
    short = host.partition(".")[0]
    names = dict.fromkeys((host, short, f"{short}.local"))
    addresses = _addresses()
    return Machine(tuple(name for name in names if name != "localhost"), addresses, _primary(addresses))


def _addresses() -> tuple[Address, ...]:
    stats = psutil.net_if_stats()
    found = (
        parsed(each.address.partition("%")[0])
        for interface, entries in psutil.net_if_addrs().items()
        if interface in stats and stats[interface].isup
        for each in entries
        if each.family in (socket.AF_INET, socket.AF_INET6)
    )
    usable = {each for each in found if each and not (each.is_loopback or each.is_link_local)}
    return tuple(sorted(usable, key=lambda each: (each.version, int(each))))


def _primary(addresses: tuple[Address, ...]) -> Address | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE)
            routed = parsed(probe.getsockname()[0])
        except OSError:  # no route, as in a network without a router
            routed = None
    return routed if routed in addresses else next(iter(addresses), None)
