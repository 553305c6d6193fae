"""Tokens that are revoked: refused by every gateway at once, with all that was open in their name."""

import asyncio
import time
from typing import Any

import pytest
from aiohttp import ClientSession
from gateway_calls import Caller, FakeService, Issuer, Listening, OpenGateway, Request
from gateway_journal import FakeJournal, LogIn, OpenStream, Waiters

from docstore_platform.http.paging import change_cursor
from docstore_platform.http.problems import Problem
from docstore_platform.security.revocations import Revocation
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


def ended(session: str = "s1", account: str = "ann") -> Revocation:
    return Revocation(f"r-{session}", account, time.time() + 600, session_ids=(session,))


async def becomes(gateway: Caller, headers: dict[str, str], status: int) -> None:
    async def is_so() -> bool:
        return bool((await gateway.call("GET", "/v1/files", headers)).status == status)

    await eventually(is_so)


async def test_an_ended_session_is_refused_by_every_gateway(
    open_gateway: OpenGateway, service: FakeService, issuer: Issuer
) -> None:
    """Both replicas refuse its token with 401; other sessions of the account, and one that begins later, go on."""
    async with open_gateway() as first, open_gateway() as second:
        lost, kept = issuer.bearer(sid="s1"), issuer.bearer(sid="s2")
        for gateway in (first, second):
            assert (await gateway.call("GET", "/v1/files", lost)).status == 200
        service.revoke(ended("s1"))
        for gateway in (first, second):
            await becomes(gateway, lost, 401)
            assert (await gateway.call("GET", "/v1/files", lost)).json()["code"] == "unauthorized"
            assert (await gateway.call("GET", "/v1/files", kept)).status == 200


async def test_a_change_of_role_asks_for_a_new_token(
    open_gateway: OpenGateway, service: FakeService, issuer: Issuer
) -> None:
    """Tokens made before the account's revision are refused, those made since are good."""
    async with open_gateway() as gateway:
        await becomes(gateway, issuer.bearer(rev=1), 200)
        service.revoke(Revocation("r", "ann", time.time() + 600, revision=2))
        await becomes(gateway, issuer.bearer(rev=1), 401)
        await becomes(gateway, issuer.bearer(), 401)
        assert (await gateway.call("GET", "/v1/files", issuer.bearer(rev=2))).status == 200
        assert (await gateway.call("GET", "/v1/files", issuer.bearer("eve", rev=1))).status == 200


async def test_a_new_gateway_refuses_tokens_revoked_before_its_start(
    open_gateway: OpenGateway, service: FakeService, issuer: Issuer
) -> None:
    """A gateway answers no one before it has read the list."""
    service.revoke(ended("s1"))
    async with open_gateway() as gateway:
        assert (await gateway.call("GET", "/v1/files", issuer.bearer(sid="s1"))).status == 401


async def test_waits_of_an_ended_session_end(
    open_gateway: OpenGateway,
    listening: Listening,
    service: FakeService,
    journal: FakeJournal,
    login: LogIn,
    client: ClientSession,
    waiters: Waiters,
    events: OpenStream,
) -> None:
    """A stream ends with the reason that its token is invalid; a long poll returns 401; other sessions wait on."""
    async with (
        open_gateway(journal_check_interval_seconds=1000.0, heartbeat_interval_seconds=1000.0) as gateway,
        listening(gateway.app) as address,
        events(address, login(sid="s1")) as lost,
        events(address, login(sid="s2")),
    ):
        cursor = change_cursor("ann", 0)
        waits = f"{address}/v1/changes?wait=60&cursor={cursor}"
        poll = asyncio.create_task(client.get(waits, headers=login(sid="s1")))
        await waiters.become(3, gateway)
        service.revoke(ended("s1"))
        assert (await lost.next())["event"] == "token_expired"
        assert await lost.next() == {}
        assert (await poll).status == 401
        await waiters.become(1, gateway)


async def test_while_accounts_is_away_what_is_known_holds(
    open_gateway: OpenGateway, service: FakeService, issuer: Issuer
) -> None:
    """Good tokens go on, revoked ones stay refused; what happened meanwhile is read afterwards."""
    async with open_gateway() as gateway:
        service.revoke(ended("s1"))
        await becomes(gateway, issuer.bearer(sid="s1"), 401)
        answer, refused = service._revocations, 0

        async def away(request: Request) -> dict[str, Any]:
            nonlocal refused
            refused += 1
            raise Problem(503, "unavailable", "Away.")

        service._revocations = away
        service.revoke(ended("s2"))  # answers the request that waits

        await becomes(gateway, issuer.bearer(sid="s2"), 401)

        async def is_away() -> bool:
            return refused > 0

        await eventually(is_away)
        service.revoke(ended("s3"))
        assert (await gateway.call("GET", "/v1/files", issuer.bearer(sid="s1"))).status == 401
        assert (await gateway.call("GET", "/v1/files", issuer.bearer(sid="s3"))).status == 200
        service._revocations = answer
        await becomes(gateway, issuer.bearer(sid="s3"), 401)
