"""Downloads by WebDAV over real sockets, of contents that metadata assembles."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from aiohttp import ClientSession
from gateway_calls import Issuer, Listening, OpenGateway
from gateway_journal import described
from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from docstore_platform.ids import new_id
from docstore_platform.service.client import register_local_app
from docstore_platform.tasks import happens_within

pytestmark = pytest.mark.connected
FIRST = b"the first block"


class Assembling:
    """Metadata with one large file: sends its first block, and assembles the next until the stream is closed."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/v1/files/by-path":
            await JSONResponse(described("film.mkv"))(scope, receive, send)
        else:
            await StreamingResponse(self._blocks())(scope, receive, send)

    async def _blocks(self) -> AsyncIterator[bytes]:
        yield FIRST
        try:
            await asyncio.Event().wait()
        finally:
            self.closed.set()


@pytest.mark.parametrize("is_elsewhere", [True, False])
async def test_a_client_that_leaves_ends_the_assembly_of_its_download(
    is_elsewhere: bool, open_gateway: OpenGateway, listening: Listening, issuer: Issuer, client: ClientSession
) -> None:
    """The rest of the file is not assembled for no one, whether metadata is in this process or not."""
    assembling = Assembling()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(listening(assembling)) if is_elsewhere else f"local:{new_id()}"
        register_local_app(url, assembling)
        gateway = await stack.enter_async_context(open_gateway(urls={"metadata": url}))
        address = await stack.enter_async_context(listening(gateway.app))
        answer = await client.get(f"{address}/dav/film.mkv", headers=issuer.bearer())
        assert await answer.content.readexactly(len(FIRST)) == FIRST
        assert not assembling.closed.is_set()
        answer.close()
        assert await happens_within(60, assembling.closed)
