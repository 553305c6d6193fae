"""`/mcp`: authenticates a request and passes it to the server, which the first one starts."""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

import orjson
import structlog
from starlette.types import Receive, Scope, Send

from docstore_gateway.mcp.calls import ApiCaller
from docstore_gateway.proxy.object_urls import ObjectUrls
from docstore_gateway.responses import send_response
from docstore_gateway.web.calls import Call
from docstore_platform.http.problems import Problem
from docstore_platform.security.scopes import SCOPES
from docstore_platform.security.tokens import Principal
from docstore_platform.tasks import end_tasks

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

log = structlog.get_logger(__name__)

MCP_PATH = "/mcp"
METADATA_PATH = "/.well-known/oauth-protected-resource"
METADATA_PATHS = (METADATA_PATH, METADATA_PATH + MCP_PATH)


class McpService:
    """The server of this gateway."""

    def __init__(self, urls: ObjectUrls, public_url: str) -> None:
        self._urls = urls
        self._public_url = public_url.rstrip("/")
        self._starting = asyncio.Lock()
        self._manager: StreamableHTTPSessionManager | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def serve(
        self, principal: Principal, token: str, call: Call, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer a request of a caller with this access token; `call` makes public calls on its behalf."""
        if scope["method"] != "POST":
            raise Problem(405, "method_not_allowed", "Only POST: there are no sessions.", headers={"Allow": "POST"})
        manager = await self._started()
        caller = ApiCaller(call, scope, token, self._urls)
        own = {**scope, "docstore.caller": caller, "docstore.principal": principal}
        await manager.handle_request(own, receive, send)

    async def describe(self, send: Send) -> None:
        """Send the metadata of the protected resource (RFC 9728). Tokens are created in the settings, by hand."""
        body = {
            "resource": self._public_url + MCP_PATH,
            "resource_name": "DocStore",
            "bearer_methods_supported": ["header"],
            "scopes_supported": list(SCOPES),
        }
        await send_response(send, 200, [(b"content-type", b"application/json")], orjson.dumps(body))

    def challenged(self, problem: Problem) -> Problem:
        """Return a 401 that names the metadata."""
        metadata = self._public_url + METADATA_PATHS[1]
        challenge = f'Bearer realm="docstore", resource_metadata="{metadata}"'
        return Problem(problem.status, problem.code, problem.detail, headers={"WWW-Authenticate": challenge})

    async def close(self) -> None:
        await end_tasks(self._tasks)

    async def _started(self) -> "StreamableHTTPSessionManager":
        async with self._starting:
            if self._manager is None or self._tasks[-1].done():  # not begun, or failed
                server = await asyncio.to_thread(import_module, "docstore_gateway.mcp.server")
                manager: StreamableHTTPSessionManager = server.session_manager()
                started = asyncio.Event()
                self._tasks = [task for task in self._tasks if not task.done()]
                self._tasks.append(asyncio.create_task(_run(manager, started), name="gateway mcp"))
                await started.wait()
                self._manager = manager
            return self._manager


async def _run(manager: "StreamableHTTPSessionManager", started: asyncio.Event) -> None:
    """Run until cancelled, in a task of its own: its group of tasks must end where it began."""
    try:
        async with manager.run():
            started.set()
            await asyncio.Event().wait()
    except Exception as error:  # noqa: BLE001 - whatever failed, the next request starts another one
        log.warning("mcp_server_ended", error=repr(error))
    finally:
        started.set()
