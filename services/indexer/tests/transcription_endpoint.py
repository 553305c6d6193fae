"""A small OpenAI-compatible transcription server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from local_server import served


@dataclass
class Endpoint:
    """An OpenAI-compatible server; `replies`: status and body of each call, the last one for all further calls."""

    url: str = ""
    replies: list[tuple[int, str]] = field(default_factory=lambda: [(200, '{"text": " The walrus sings. "}')])
    calls: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        found = {name: str(form[name]) for name in ("model", "response_format")}
        found |= {"key": request.headers.get("authorization", ""), "filename": file.filename}
        self.calls.append(found | {"type": file.content_type, "data": file.file.read().decode("latin-1")})
        status, body = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return web.Response(status=status, text=body, headers={"location": "/elsewhere"} if status == 307 else None)


@asynccontextmanager
async def running_endpoint() -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/audio/transcriptions", endpoint.answer)
    async with served(web.AppRunner(app)) as url:
        endpoint.url = f"{url}/v1"
        yield endpoint
