"""People of whom events have not told all that is needed: accounts is asked for them in the background.

They signed up before names were kept here, or whether their address is proven.
The answer is kept as an event's would be, so each is asked for once.
"""

import asyncio
from collections.abc import Iterable

import structlog

from docstore_events.transaction import Transactor
from docstore_metadata.grants import Grants
from docstore_metadata.share_rules import email_key
from docstore_metadata.share_store import Person
from docstore_platform.internal import ServiceClient
from docstore_platform.problems import Problem

log = structlog.get_logger(__name__)

MAX_WAITING = 1000


class Strangers:
    """Those who are to be met. Whoever is forgotten, in a crash or while accounts is down, is missed again."""

    def __init__(self, accounts: ServiceClient, transactor: Transactor, grants: Grants) -> None:
        self._accounts = accounts
        self._transactor = transactor
        self._grants = grants
        self._waiting: asyncio.Queue[str] = asyncio.Queue()

    def ask_for(self, account_ids: Iterable[str]) -> None:
        """Have them met soon; no more than `MAX_WAITING` wait."""
        for account_id in account_ids:
            if self._waiting.qsize() < MAX_WAITING:
                self._waiting.put_nowait(account_id)

    async def run(self) -> None:
        """Meet who is asked for, until cancelled."""
        while True:
            account_id = await self._waiting.get()
            try:
                await self._meet(account_id)
            except Problem as problem:  # nobody's id in this region, or accounts is not there
                log.debug("a person is not known", account_id=account_id, error=str(problem))
            except Exception as error:  # noqa: BLE001 - the others are to be met all the same
                log.warning("a person could not be met", account_id=account_id, error=repr(error))

    async def _meet(self, account_id: str) -> None:
        account = await self._accounts.call("GET", f"/internal/accounts/{account_id}")
        person = Person(account_id, account["revision"], account["display_name"], account.get("email_verified", False))
        people = {email_key(account["email"]): person}
        await self._transactor.run(lambda transaction: self._grants.meet(people, transaction))
