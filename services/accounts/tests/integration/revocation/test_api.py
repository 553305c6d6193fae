"""Revocations over two instances of accounts, as a gateway follows them."""

import asyncio

from accounts_client import Client, Run
from service_calls import ServiceCaller

from docstore_contracts.accounts import AccountsClient
from docstore_platform.settings import InfraSettings


async def test_a_revocation_at_one_instance_is_in_the_feed_of_the_other(
    run: Run, infra: InfraSettings, client_of: type[Client]
) -> None:
    """A gateway that waits at one instance receives a log-out, a new password and a suspension made at the other."""
    async with run() as here, run() as there:
        gateway = AccountsClient(ServiceCaller("accounts", infra, there.url))
        begun = await gateway.revocations("", 0)
        phone = await here.person("ann@example.org")
        laptop = await here.login("ann@example.org", device="Laptop")
        waiting = asyncio.create_task(gateway.revocations(begun["cursor"], 20))
        await phone.ok("DELETE", "/v1/sessions/current")
        page = await waiting
        (logged_out,) = page["items"]
        assert len(logged_out["session_ids"]) == 1
        change = {"password": "battery staple", "current_password": "correct horse"}
        await here.login("ann@example.org", device="Tablet")
        waiting = asyncio.create_task(gateway.revocations(page["cursor"], 20))
        await laptop.ok("PATCH", "/v1/me", change)
        (changed,) = (await waiting)["items"]
        sessions = {item["id"]: item["current"] for item in (await laptop.ok("GET", "/v1/sessions"))["items"]}
        assert list(sessions.values()) == [True]
        assert len(changed["session_ids"]) == 1
        assert set(changed["session_ids"]).isdisjoint(sessions)
        assert changed["account_id"] == logged_out["account_id"]


async def test_only_a_gateway_follows(client: Client, infra: InfraSettings) -> None:
    """Who has logged out is no other service's business, and no person's."""
    ann = await client.person("ann@example.org")
    assert (await client.refused("GET", "/internal/revocations"))[0] == 401
    assert (await ann.refused("GET", "/internal/revocations"))[0] == 401
