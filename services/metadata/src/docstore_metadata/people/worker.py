"""Background task that fetches accounts whose events lacked the display name or whether the address is proven.

They signed up before these were stored here. The response is stored like an event, so each is fetched once.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import islice

import structlog

from docstore_contracts.accounts import AccountsClient
from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.people.repository import Person
from docstore_metadata.people.rules import email_key
from docstore_platform.errors import DomainError
from docstore_work.wakeup import wake

log = structlog.get_logger(__name__)

MAX_WAITING = 1000

Register = Callable[[Mapping[str, Person], Transaction], Awaitable[None]]


class DisplayNameResolver:
    """Queue of account ids. One that is lost, in a crash or while accounts is down, is queued again by the next use."""

    def __init__(self, accounts: AccountsClient, transactor: Transactor, register: Register) -> None:
        self._accounts = accounts
        self._transactor = transactor
        self._register = register
        self._waiting: deque[str] = deque()
        self.wakeup_name = f"display names {id(self)}"

    def look_up(self, account_ids: Iterable[str]) -> None:
        """Queue these accounts, up to `MAX_WAITING` in total."""
        self._waiting.extend(islice(account_ids, MAX_WAITING - len(self._waiting)))
        wake(self.wakeup_name)

    async def resolve_next(self) -> bool:
        """Fetch one of them; False if the queue is empty."""
        if not self._waiting:
            return False
        account_id = self._waiting.popleft()
        try:
            await self._resolve(account_id)
        except DomainError as problem:  # unknown in this region, or accounts is down
            log.debug("person_unknown", account_id=account_id, error=str(problem))
        except Exception as error:  # noqa: BLE001 - any failure concerns one account; the others are fetched all the same
            log.warning("person_lookup_failed", account_id=account_id, error=repr(error))
        return True

    async def _resolve(self, account_id: str) -> None:
        account = await self._accounts.account(account_id)
        person = Person(account_id, account["revision"], account["display_name"], account.get("email_verified", False))
        people = {email_key(account["email"]): person}
        await self._transactor.run(lambda transaction: self._register(people, transaction))
