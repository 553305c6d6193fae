"""TCP ports of a stack: chosen once, remembered, and chosen anew only where someone else has taken one."""

import errno
import random
import socket
from collections.abc import Iterable

LOOPBACK = "127.0.0.1"
# Below the range from which systems take the ports of outgoing connections: those come and go unseen.
SERVER_PORTS = range(20_000, 32_000)
GATEWAY_PORT = 8080
GATEWAY_TRIES = 100
RANDOM_TRIES = 1000


class PortTaken(Exception):
    """A port that was asked for belongs to someone else; the message says what to do."""


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


class PortBook:
    """Ports by name, no two alike."""

    def __init__(self, known: dict[str, int] | None = None, choice: range = SERVER_PORTS) -> None:
        self._ports = dict(known or {})
        self._choice = choice

    def __getitem__(self, name: str) -> int:
        return self._ports[name]

    def as_dict(self) -> dict[str, int]:
        return dict(self._ports)

    def secure(self, names: Iterable[str]) -> dict[str, tuple[int, int]]:
        """A free port for each name; those that had to change, as name -> (old, new)."""
        changed: dict[str, tuple[int, int]] = {}
        for name in names:
            known = self._ports.get(name)
            if known is not None and is_free(known):
                continue
            self._ports[name] = self._choose()
            if known is not None:
                changed[name] = (known, self._ports[name])
        return changed

    def _choose(self) -> int:
        taken = set(self._ports.values())
        for _ in range(RANDOM_TRIES):
            port = random.choice(self._choice)
            if port not in taken and is_free(port):
                return port
        raise PortTaken(f"no free port from {self._choice[0]} to {self._choice[-1]}")

    def secure_gateway(self, asked: int | None, *, name: str = "gateway") -> int:
        """The public port: the one asked for, or else the remembered one, or the next free from 8080 on."""
        if asked is not None:
            if not is_free(asked):
                raise PortTaken(f"port {asked} is taken: stop what listens there or choose another with --port")
            self._ports[name] = asked
            return asked
        first = self._ports.get(name, GATEWAY_PORT)
        others = {port for other, port in self._ports.items() if other != name}
        for port in range(first, min(first + GATEWAY_TRIES, 65_536)):
            if port not in others and is_free(port):
                self._ports[name] = port
                return port
        raise PortTaken(f"ports {first} to {first + GATEWAY_TRIES - 1} are taken: choose another with --port")
