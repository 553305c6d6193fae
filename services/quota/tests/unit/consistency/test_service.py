"""The check `usage`, on fakes."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from docstore_contracts.consistency import CheckPage
from docstore_quota.consistency.service import CHECK_SECONDS, Reconciler
from docstore_quota.rules import Account
from docstore_quota.settings import QuotaSettings


class Stage:
    """Accounts whose comparison takes some seconds each, as they have many versions."""

    def __init__(self, names: str, seconds: float) -> None:
        self.now, self.seconds = datetime(2026, 11, 21, tzinfo=UTC), seconds
        self.accounts = [Account(name, "free", 100) for name in names]
        parts: Any = self
        self.reconciler = Reconciler(parts, parts, parts, parts, parts, QuotaSettings(), lambda: self.now)

    async def accounts_after(self, after: str, limit: int) -> list[Account]:
        return [account for account in self.accounts if account.id > after][:limit]

    async def usage(self, account_id: str) -> Account:
        return next(account for account in self.accounts if account.id == account_id)

    async def account_storage(self, account_id: str) -> dict[str, int]:
        self.now += timedelta(seconds=self.seconds)
        return {"bytes": 0, "documents": 0}

    async def get(self, account_id: str) -> None: ...

    async def page(self, after: str, limit: int) -> CheckPage:
        request: Any = {"check": "usage", "after": after, "limit": limit, "repair": False, "checksums": False}
        return cast("CheckPage", await self.reconciler.check(request))


async def test_a_page_of_large_accounts_ends_early() -> None:
    """With the account that it has reached, and the next page goes on behind it; one account fits always."""
    stage = Stage("abcde", CHECK_SECONDS / 2)
    pages = [await stage.page(after, 10) for after in ("", "b", "d")]
    assert [(page["checked"], page["next_after"]) for page in pages] == [(2, "b"), (2, "d"), (1, None)]
    assert (await Stage("ab", 10 * CHECK_SECONDS).page("", 10))["next_after"] == "a"


async def test_a_page_of_small_accounts_has_as_many_as_asked_for() -> None:
    """The last one may be shorter, and none follows an empty one."""
    stage = Stage("abc", 0)
    pages = [await stage.page(after, 2) for after in ("", "b", "c")]
    assert [(page["checked"], page["next_after"]) for page in pages] == [(2, "b"), (1, None), (0, None)]
