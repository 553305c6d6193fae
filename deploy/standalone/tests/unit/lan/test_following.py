"""Following a new address while the proxy can't be reloaded."""

import signal
from ipaddress import ip_address
from pathlib import Path

import pytest

from docstore_standalone.lan import following
from docstore_standalone.lan.certificates import chosen_certificates
from docstore_standalone.lan.following import Follower
from docstore_standalone.lan.machine import Machine
from docstore_standalone.lan.proxy import TlsProxy
from docstore_standalone.lan.proxy_config import ProxyPorts, Upstreams
from docstore_standalone.ports import PortBook
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.supervision.supervisor import Supervisor

HOME, MOVED = (Machine((), (ip_address(each),), ip_address(each)) for each in ("192.168.1.5", "192.168.7.9"))


class Reloads(Supervisor):
    """Whether the proxy is ready at one reload after the other."""

    def __init__(self, *ready: bool) -> None:
        super().__init__(PortBook())
        self.ready, self.sent = list(ready), list[tuple[str, int]]()

    def signal(self, name: str, number: int) -> bool:
        is_ready = self.ready.pop(0)
        if is_ready:
            self.sent.append((name, number))
        return is_ready


def proxy_at_home(folder: Path) -> TlsProxy:
    certificates = chosen_certificates(StandaloneSettings(data=folder, lan=True), folder / "lan")
    ports, upstreams = ProxyPorts(8443, 8444, 8445), Upstreams(8080, 8081, ("content", "processed"))
    log_file = folder / "proxy.log"
    return TlsProxy(folder / "caddy", folder / "lan", log_file, ports, upstreams, certificates, machine=HOME)


async def looked(
    proxy: TlsProxy, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, *machines: Machine
) -> list[list[str]]:
    """Look at each machine; return the moves after each look."""
    moves, seen = list[str](), list[list[str]]()

    async def move() -> None:
        moves.append(proxy.url)

    follower = Follower(proxy, supervisor, move)
    for machine in machines:
        monkeypatch.setattr(following, "this_machine", lambda machine=machine: machine)
        await follower.look()
        seen.append(list(moves))
    return seen


async def test_services_move_after_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that can't be reloaded is reloaded at the next look; until then links lead to the address it has."""
    supervisor = Reloads(False, True)
    seen = await looked(proxy_at_home(tmp_path), supervisor, monkeypatch, MOVED, MOVED, MOVED)
    assert seen == [[], ["https://192.168.7.9:8443"], ["https://192.168.7.9:8443"]]
    assert supervisor.sent == [("tls-proxy", signal.SIGUSR1)]


async def test_a_machine_that_is_back_reloads_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy may have been started for the address that the machine had in between."""
    supervisor = Reloads(False, True)
    proxy = proxy_at_home(tmp_path)
    assert await looked(proxy, supervisor, monkeypatch, MOVED, HOME, HOME) == [[], [], []]
    assert supervisor.sent == [("tls-proxy", signal.SIGUSR1)]
    assert "192.168.7.9" not in (proxy.folder / "proxy.json").read_text()
