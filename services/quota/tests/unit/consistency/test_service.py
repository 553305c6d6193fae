"""The comparison of all accounts and the check `usage`, on fakes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from docstore_contracts.consistency import CheckPage
from docstore_platform.errors import unavailable
from docstore_quota.consistency import service
from docstore_quota.consistency.service import CHECK_SECONDS, Reconciler
from docstore_quota.rules import Account
from docstore_quota.settings import QuotaSettings
from docstore_work.lease_queue import Lease


class Stage:
    """Accounts whose comparison takes some seconds each, as they have many versions."""

    def __init__(self, names: str, seconds: float) -> None:
        self.now, self.seconds = datetime(2026, 11, 21, tzinfo=UTC), seconds
        self.accounts = [Account(name, "free", 100) for name in names]
        self.unreadable = ""
        self.compared, self.events = "", list[str]()
        parts: Any = self
        self.reconciler = Reconciler(parts, parts, parts, parts, parts, QuotaSettings(), lambda: self.now)

    async def accounts_after(self, after: str, limit: int) -> list[Account]:
        return [account for account in self.accounts if account.id > after][:limit]

    async def usage(self, account_id: str) -> Account:
        return next(account for account in self.accounts if account.id == account_id)

    async def account_storage(self, account_id: str) -> dict[str, int]:
        self.now += timedelta(seconds=self.seconds)
        if account_id in self.unreadable:
            raise unavailable("metadata")
        self.compared += account_id
        return {"bytes": 0, "documents": 0}

    async def get(self, account_id: str) -> None: ...

    async def unconfirmed(self, before: datetime, limit: int) -> list[str]:
        return list(self.unreadable)

    async def confirmed_bytes(self) -> int:
        return 0

    async def apply_plan_limit(self, account: Account) -> None: ...

    async def claim(self, where: Any) -> Lease:
        return Lease("reconcile", "this instance", 1, {"cursor": ""})

    @asynccontextmanager
    async def renewing(self, lease: Lease) -> AsyncIterator[None]:
        self.events.append("renewing")
        yield
        self.events.append("renewed no longer")

    async def renew(self, lease: Lease, progress: Any) -> None:
        self.events.append(f"at {progress['cursor']}")

    async def postpone(self, lease: Lease, seconds: float, progress: Any) -> None:
        self.events.append("postponed")

    async def page(self, after: str, limit: int) -> CheckPage:
        request: Any = {"check": "usage", "after": after, "limit": limit, "repair": False, "checksums": False}
        return cast("CheckPage", await self.reconciler.check(request))


async def test_an_account_that_metadata_fails_for_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those behind it nor an end of the comparison; the lease is renewed all the time."""
    monkeypatch.setattr(service, "PAGE", 2)
    stage = Stage("abcde", 0)
    stage.unreadable = "bd"
    await stage.reconciler.run_due()
    assert stage.compared == "ace"
    assert stage.events == ["renewing", "at b", "at d", "postponed", "renewed no longer"]


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
