"""Tasks that follow others: whatever these answer once, the next answer counts again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any, cast

import orjson
import pytest

from docstore_contracts.accounts import AccountsClient
from docstore_contracts.metadata import MetadataClient
from docstore_gateway.push import revocations as following
from docstore_gateway.push.revocations import RevocationFollower
from docstore_gateway.push.waiting import Waiting
from docstore_platform.clock import unix_time
from docstore_platform.errors import unavailable
from docstore_platform.security.revocations import Revocation
from docstore_platform.security.tokens import Principal
from docstore_platform.tasks import end_tasks, happens_within

ANN = Principal("ann", "s1", "user", "laptop")


class Answers:
    """Gives each answer once, or raises it; then there is no more news."""

    def __init__(self, *answers: Any) -> None:
        self._left = list(answers)

    async def __call__(self, *_: object) -> Any:
        if not self._left:
            await asyncio.Event().wait()
        answer = self._left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeAccounts:
    def __init__(self, revocations: Callable[..., Awaitable[Any]]) -> None:
        self.revocations = revocations


class FakeMetadata:
    def __init__(self, journal_heads: Callable[..., Awaitable[Any]]) -> None:
        self.journal_heads = journal_heads


UNUSABLE = [
    pytest.param(unavailable("The service"), id="unavailable"),
    pytest.param(orjson.JSONDecodeError("no JSON", "<html>", 0), id="a page"),
    pytest.param({}, id="a field is missing"),
    pytest.param(None, id="nothing"),
]


@pytest.mark.parametrize("answer", UNUSABLE)
async def test_an_unusable_list_of_revocations_is_read_again(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the page of a proxy between: log-outs count at this gateway from the next list on."""
    monkeypatch.setattr(following, "RETRY_SECONDS", 0.0)
    page = {"items": [Revocation("r", "ann", unix_time() + 600, session_ids=("s1",)).to_json()], "cursor": "1"}
    follower = RevocationFollower(cast("AccountsClient", FakeAccounts(Answers(answer, page))))
    heard = asyncio.Event()
    follower.listen(lambda _: heard.set())
    running = asyncio.create_task(follower.run())
    assert await happens_within(60, heard)
    assert follower.covers(ANN)
    await end_tasks([running])


async def test_an_instance_of_accounts_that_stops_is_not_asked_without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers at once until it ends, so each gateway would send it requests as fast as it answers."""
    monkeypatch.setattr(following, "RETRY_SECONDS", 0.1)
    asked: list[float] = []
    enough = asyncio.Event()

    async def nothing_new(*_: object) -> Any:
        await asyncio.sleep(0)
        asked.append(time.monotonic())
        if len(asked) == 4:
            enough.set()
        return {"items": [], "cursor": "1"}

    follower = RevocationFollower(cast("AccountsClient", FakeAccounts(nothing_new)))
    running = asyncio.create_task(follower.run())
    assert await happens_within(60, enough)
    await end_tasks([running])
    pauses = [later - earlier for earlier, later in pairwise(asked[1:])]  # the first request does not ask it to wait
    assert min(pauses) >= 0.05


@pytest.mark.parametrize("answer", [*UNUSABLE[:2], UNUSABLE[3]])
async def test_a_failed_check_of_journals_is_repeated(answer: Any) -> None:
    """So that a lost wake-up costs a waiting client only time."""
    metadata = cast("MetadataClient", FakeMetadata(Answers(answer, {"ann": "2"})))
    waiting = Waiting(metadata, lambda _: False, max_streams=1, check_seconds=0.01)
    with waiting.waiter(ANN) as waiter:
        waiter.cursor = "1"
        checking = asyncio.create_task(waiting.keep_checking())
        assert await waiter.wait(60)
        await end_tasks([checking])
