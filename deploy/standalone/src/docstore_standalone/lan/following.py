"""Follows what changes while the stack runs: this machine's names and addresses, and the certificate's files."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from docstore_standalone.lan.certificates import Json
from docstore_standalone.lan.machine import this_machine
from docstore_standalone.lan.proxy import TlsProxy
from docstore_standalone.supervision.supervisor import Supervisor
from docstore_work.loop import Loop, running_loops

LOOK_SECONDS = 5.0

log = structlog.get_logger(__name__)

OnNewAddress = Callable[[], Awaitable[None]]


class Follower:
    """Reloads the proxy when its configuration has changed; connections are kept."""

    def __init__(self, proxy: TlsProxy, supervisor: Supervisor, on_new_address: OnNewAddress) -> None:
        self._proxy, self._supervisor, self._on_new_address = proxy, supervisor, on_new_address
        self._config: Json | None = proxy.certificates.config(proxy.names)
        """The one that the proxy has; None while that is not known."""
        self._url = proxy.url

    async def look(self) -> None:
        """Compare once. A machine that is offline keeps the address that it had.

        While the proxy is not ready, the next comparison tries again: services move only after it.
        """
        machine = await asyncio.to_thread(this_machine)
        try:
            names = self._proxy.certificates.names(machine)
            config = self._proxy.certificates.config(names)
        except (OSError, ValueError) as error:
            log.warning("certificate_unusable", reason=str(error))
            return
        if config == self._config:
            return
        self._proxy.machine, self._config = machine, None
        await asyncio.to_thread(self._proxy.prepare)
        if not self._supervisor.signal(self._proxy.name, signal.SIGUSR1):
            return
        self._config = config
        log.info("certificate_renamed", names=names)
        if self._proxy.url != self._url:
            self._url = self._proxy.url
            await self._on_new_address()


@asynccontextmanager
async def following(proxy: TlsProxy, supervisor: Supervisor, on_new_address: OnNewAddress) -> AsyncIterator[None]:
    """Follow changes during the block; `on_new_address` runs when the address for links has changed."""
    follower = Follower(proxy, supervisor, on_new_address)
    async with running_loops([Loop.periodic("stack addresses", follower.look, LOOK_SECONDS)]):
        yield
