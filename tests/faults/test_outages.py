"""Outages of broker and database lose nothing that was acknowledged."""

import signal

import pytest
from busy_client import PATIENCE_SECONDS, BusyClient, everything_is_as_promised, no_dead_letters
from stacks import DetachedStack

from docstore_platform.testing import eventually
from docstore_standalone.stack import ADMIN_EMAIL

pytestmark = [pytest.mark.connected, pytest.mark.faults]


async def check(stack: DetachedStack, client: BusyClient) -> None:
    await everything_is_as_promised(client, stack.mailbox, stack.bucket)
    await no_dead_letters(stack.gateway, (ADMIN_EMAIL, stack.admin_password))


async def test_without_the_broker_uploads_go_on(stack: DetachedStack) -> None:
    """While it stands still no one is kept waiting; when it goes on, everything follows."""
    async with BusyClient(lambda: stack.gateway) as client:
        async with client.working():
            await client.promised(2)
            broker = stack.process("broker")
            broker.send_signal(signal.SIGSTOP)
            try:
                await client.promised(15)
            finally:
                broker.send_signal(signal.SIGCONT)
            await client.promised(2)
        await check(stack, client)


@pytest.mark.parametrize("part", ["mongod", "object-store"])
async def test_without_a_store_every_promise_is_kept(stack: DetachedStack, part: str) -> None:
    """While it is away (killed again whenever it returns) calls are refused for a while; then uploads go on."""
    async with BusyClient(lambda: stack.gateway) as client:
        async with client.working():
            await client.promised(2)
            refused = len(client.promises.refusals)

            async def is_noticed() -> bool:
                process = stack.identity(part).find()
                if process is not None:
                    process.send_signal(signal.SIGKILL)
                return len(client.promises.refusals) >= refused + 3

            await eventually(is_noticed, seconds=PATIENCE_SECONDS, every=0.05)
            await client.promised(2)
        await check(stack, client)
