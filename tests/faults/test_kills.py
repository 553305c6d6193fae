"""kill -9 of every component during uploads: acknowledged uploads are listed, counted, found and notified once."""

import asyncio

import pytest
from busy_client import BusyClient, Steps, everything_is_as_promised, no_dead_letters
from stacks import SUPERVISOR, DetachedStack

from docstore_platform.services import SERVICE_NAMES
from docstore_standalone.stack import ADMIN_EMAIL

pytestmark = [pytest.mark.connected, pytest.mark.faults]


async def kill_between_steps(stack: DetachedStack, client: BusyClient, part: str) -> None:
    """Uploads that stand at each step when `part` dies are finished afterwards, while others go on."""
    begun = await Steps(client).begin()
    sent = await (await Steps(client).begin()).send()
    last = await (await Steps(client).begin()).send()
    first = Steps(client)
    under_way = [asyncio.create_task(step) for step in (last.go_on(), first.go_on())]
    killed = await stack.kill(part)
    await stack.returned(part, killed)
    await asyncio.gather(*under_way, begun.go_on(), sent.go_on())
    await client.promised(2)


async def leave(client: BusyClient) -> Steps:
    """Two uploads that never come, one of them in parts, and one whose client vanishes after sending; that one."""
    await Steps(client).begin()
    await client.person.begin("/busy/never.bin", 40 << 20, "multipart")
    return await (await Steps(client).begin()).send()


async def check(stack: DetachedStack, client: BusyClient, vanished: Steps) -> None:
    completed = await everything_is_as_promised(client, stack.mailbox, stack.bucket)
    assert vanished.path in completed
    await no_dead_letters(stack.gateway, (ADMIN_EMAIL, stack.admin_password))


@pytest.mark.parametrize("part", ["services", "mongod", "object-store", "broker", SUPERVISOR])
async def test_a_killed_part_breaks_no_promise(stack: DetachedStack, part: str) -> None:
    """Each part of the stack that runs all services in one process, and the supervisor with all the others."""
    async with BusyClient(lambda: stack.gateway) as client:
        vanished = await leave(client)
        async with client.working():
            await client.promised(3)
            await kill_between_steps(stack, client, part)
        await check(stack, client, vanished)


async def test_killed_services_break_no_promise(stack_of_processes: DetachedStack) -> None:
    """With a process each, one service after the other dies while the same client works."""
    stack = stack_of_processes
    async with BusyClient(lambda: stack.gateway) as client:
        vanished = await leave(client)
        async with client.working():
            for service in SERVICE_NAMES:
                await kill_between_steps(stack, client, service)
        await check(stack, client, vanished)
