"""TCP ports of a stack: chosen once and stored; changed only if another program uses one."""

import errno
import random
import socket
import weakref
from collections.abc import Iterable

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"
# Below the range of ephemeral ports of outgoing connections, which come and go.
SERVER_PORTS = range(20_000, 32_000)
GATEWAY_PORT = 8080
GATEWAY_TRIES = 100
RANDOM_TRIES = 1000

_held_gateways: dict[int, socket.socket] = {}
"""UDP sockets that hold the gateways' ports of this process until it ends."""


class PortTaken(Exception):
    """A requested port is in use; the message explains what to do."""


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    held = _hold(port, alone=False, host=host)
    if held is not None:
        held.close()
    return held is not None


def _hold(port: int, *, alone: bool, host: str = LOOPBACK) -> socket.socket | None:
    """Bind a socket without listening, so that a server still can; None if the port is taken.

    `alone`: no other process holds it either, and no connections of an earlier server are left.
    """
    held = socket.socket()
    try:
        if not alone:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, port))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as every server sets it, so that it can bind
    except OSError as error:
        held.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return None
        raise
    return held


def _hold_gateway(port: int, host: str = LOOPBACK) -> bool:
    """Hold the port by the UDP port of the same number; False if it is taken.

    A gateway keeps its port from start to start, so a TCP port that the kernel is still busy with counts as free:
    holding that one would keep no other stack away.
    """
    if not is_free(port, host):
        return False
    if port not in _held_gateways:
        held = socket.socket(type=socket.SOCK_DGRAM)
        try:
            held.bind((LOOPBACK, port))
        except OSError:
            held.close()
            return False
        _held_gateways[port] = held
    return True


class PortBook:
    """Distinct ports by name.

    Ports of servers are held while the book exists, a gateway's while the process runs: between the choice of a port
    and the start of its server, another starting stack must not choose it.
    """

    def __init__(self, known: dict[str, int] | None = None, choice: range = SERVER_PORTS) -> None:
        self._ports = dict(known or {})
        self._choice = choice
        self._held: dict[int, socket.socket] = {}
        weakref.finalize(self, _close_all, self._held)

    def __getitem__(self, name: str) -> int:
        return self._ports[name]

    def as_dict(self) -> dict[str, int]:
        return dict(self._ports)

    def secure(self, names: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Ensure a free port for each name; return the changed ones, as name -> (old, new)."""
        changed: dict[str, tuple[int, int]] = {}
        for name in names:
            known = self._ports.get(name)
            if known is not None and self._secure(known, alone=False):
                continue
            self._ports[name] = self._choose()
            if known is not None:
                changed[name] = (known, self._ports[name])
        return changed

    def _secure(self, port: int, *, alone: bool) -> bool:
        """Hold the port if it is free; return whether it was."""
        if port in self._held:
            return is_free(port)
        held = _hold(port, alone=alone)
        if held is not None:
            self._held[port] = held
        return held is not None

    def _choose(self) -> int:
        taken = set(self._ports.values())
        for _ in range(RANDOM_TRIES):
            port = random.choice(self._choice)
            if port not in taken and self._secure(port, alone=True):
                return port
        raise PortTaken(f"no free port from {self._choice[0]} to {self._choice[-1]}")

    def secure_gateway(self, wanted: int | None, *, name: str = "gateway") -> int:
        """Return the public port: the requested one, else the stored one, else the next free one from 8080 on."""
        if wanted is not None:
            if not _hold_gateway(wanted):
                raise PortTaken(f"port {wanted} is in use: stop its program or choose another port with --port")
            self._ports[name] = wanted
            return wanted
        return self._next_free(name, GATEWAY_PORT, LOOPBACK, "--port")

    def secure_public(self, name: str, wanted: int | None, default: int, setting: str) -> int:
        """Return a port at which other machines can reach this one; chosen like a gateway's."""
        if wanted is None:
            return self._next_free(name, default, EVERYWHERE, setting)
        if not _hold_gateway(wanted, EVERYWHERE):
            raise PortTaken(f"port {wanted} is in use, or not allowed to this user: choose another one with {setting}")
        self._ports[name] = wanted
        return wanted

    def _next_free(self, name: str, default: int, host: str, option: str) -> int:
        first = self._ports.get(name, default)
        others = {port for other, port in self._ports.items() if other != name}
        for port in range(first, min(first + GATEWAY_TRIES, 65_536)):
            if port not in others and _hold_gateway(port, host):
                self._ports[name] = port
                return port
        raise PortTaken(f"ports {first} to {first + GATEWAY_TRIES - 1} are in use: choose another port with {option}")


def _close_all(held: dict[int, socket.socket]) -> None:
    for one in held.values():
        one.close()
