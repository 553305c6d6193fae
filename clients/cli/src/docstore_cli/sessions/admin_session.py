"""Runs commands as an administrator: the logged-in account, or the administrator of the local stack."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import orjson

from docstore_cli.outage import Outage
from docstore_cli.sessions.session import as_person, run, session_file
from docstore_cli.sessions.this_machine import device_name
from docstore_client import ApiError, AsyncClient, Unreachable
from docstore_client.errors import error_of
from docstore_client.network.retrying import proxy_for

T = TypeVar("T")

EVENTS_PATH = "/v1/admin/events"
SILENT_SECONDS = 75.0
"""Longer than the server's keep-alive interval of 25 s."""
RETRY_SECONDS = 1.0


def as_admin(data: Path | None, work: Callable[[AsyncClient], Awaitable[T]]) -> T:
    """Run as the logged-in account; with a data folder, or if not logged in, as the local stack's administrator."""
    if data is None and (os.environ.get("DOCSTORE_TOKEN") or session_file().load() is not None):
        return as_person(work)
    # Imported here: an administrator of a server elsewhere needs no server part.
    from docstore_cli.stack.options import running_stack
    from docstore_standalone.credentials import load_credentials

    settings, state = running_stack(data)

    async def as_its_admin() -> T:
        async with AsyncClient(state.addresses["gateway"]) as docstore:
            password = load_credentials(settings.data).admin_password
            await docstore.log_in(state.addresses["admin"], password, device_name())
            return await work(docstore)

    return run(as_its_admin())


async def stream_events(docstore: AsyncClient, topics: list[str]) -> AsyncIterator[tuple[str, Any]]:
    """Yield (name, data) of each event in the administrators' stream; reconnect when the connection ends."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=SILENT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        outage = Outage()
        while True:
            try:
                await docstore.call("GET", "/v1/me")  # renews the token if need be
                async for event in _one_stream(docstore, http, topics):
                    outage.over()
                    yield event
            except (Unreachable, ApiError) as error:
                await outage.wait(error)
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(RETRY_SECONDS)


async def _one_stream(
    docstore: AsyncClient, http: aiohttp.ClientSession, topics: list[str]
) -> AsyncIterator[tuple[str, Any]]:
    credentials = docstore.credentials
    assert credentials is not None
    headers = {"authorization": f"Bearer {credentials.access_token}"}
    params = [("topic", topic) for topic in topics]
    url = credentials.gateway + EVENTS_PATH
    async with http.get(url, headers=headers, params=params, proxy=proxy_for(url)) as response:
        if response.status != 200:
            raise error_of(response.status, await response.read())
        name = ""
        async for line in response.content:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, orjson.loads(value)
