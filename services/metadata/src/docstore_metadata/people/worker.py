"""Looks display names up in the background: asks the accounts service for people whose events lacked something.

They signed up before names were kept here, or whether their address is proven. The response is stored as an event's
would be, so each is asked for once.
"""

from collections import deque
from collections.abc import Iterable
from itertools import islice

import structlog

from docstore_contracts.accounts import AccountsClient
from docstore_events.transaction import Transactor
from docstore_metadata.people.repository import Person
from docstore_metadata.sharing.pending import PendingShares
from docstore_metadata.sharing.rules import email_key
from docstore_platform.errors import DomainError
from docstore_work.wakeup import wake

log = structlog.get_logger(__name__)

MAX_WAITING = 1000


class DisplayNameResolver:
    """Queue of account ids to look up. One that is lost, in a crash or while accounts is down, is asked for again."""

    def __init__(self, accounts: AccountsClient, transactor: Transactor, grants: PendingShares) -> None:
        self._accounts = accounts
        self._transactor = transactor
        self._grants = grants
        self._waiting: deque[str] = deque()
        self.wakeup_name = f"display names {id(self)}"

    def ask_for(self, account_ids: Iterable[str]) -> None:
        """Queue these accounts; no more than `MAX_WAITING` wait."""
        self._waiting.extend(islice(account_ids, MAX_WAITING - len(self._waiting)))
        wake(self.wakeup_name)

    async def resolve_next(self) -> bool:
        """Look one of them up; False if nobody waits."""
        if not self._waiting:
            return False
        account_id = self._waiting.popleft()
        try:
            await self._resolve(account_id)
        except DomainError as problem:  # nobody's id in this region, or accounts is not there
            log.debug("person_unknown", account_id=account_id, error=str(problem))
        except Exception as error:  # noqa: BLE001 - the others are looked up all the same
            log.warning("person_lookup_failed", account_id=account_id, error=repr(error))
        return True

    async def _resolve(self, account_id: str) -> None:
        account = await self._accounts.account(account_id)
        person = Person(account_id, account["revision"], account["display_name"], account.get("email_verified", False))
        people = {email_key(account["email"]): person}
        await self._transactor.run(lambda transaction: self._grants.register(people, transaction))
