"""People who work while an installed release is changed or hurt."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from busy_client import BusyClient
from installed_chart import ADMIN, ADMIN_PASSWORD, Installed
from ledger import Ledger, ledger_is_kept
from people import Person


@asynccontextmanager
async def somebody_works(installed: Installed, seed: int) -> AsyncIterator[BusyClient]:
    """A person changes files until the block ends; afterwards each acknowledged change counts exactly once."""
    async with BusyClient(lambda: installed.gateway) as client:
        ledger = Ledger(client, random.Random(seed))
        async with ledger.working():
            yield client
        async with Person(installed.gateway) as admin:
            await admin.log_in(ADMIN, ADMIN_PASSWORD)
            await ledger_is_kept(ledger, admin)
        assert ledger.operations


@asynccontextmanager
async def somebody_notices_nothing(installed: Installed, seed: int) -> AsyncIterator[None]:
    """As above, and no call fails or is refused meanwhile."""
    async with somebody_works(installed, seed) as client:
        yield
    assert client.promises.refusals == []
