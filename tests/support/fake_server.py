"""Fake gateway and object store with scripted responses, for tests of commands with a log-in."""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import orjson


@dataclass(frozen=True, slots=True)
class Reply:
    """A document, or bytes, none by default; `is_cut`: the connection ends in the middle."""

    body: Any = b""
    status: int = 200
    is_cut: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


class FakeServer:
    """Answers from a thread of its own. Of several replies to a route the last one is for all further requests."""

    def __init__(self) -> None:
        self.replies: dict[str, list[Reply]] = defaultdict(lambda: [refusal(404)])
        """By route, as in `GET /v1/me`."""
        self.requested: list[str] = []
        """Routes with their queries."""
        self.sent: list[Any] = []
        """The documents that came with them."""
        self.url = ""

    @contextmanager
    def serving(self) -> Iterator[Self]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def do_POST(self) -> None:
                answer(self)

            def do_PUT(self) -> None:
                answer(self)

            def do_DELETE(self) -> None:
                answer(self)

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        route = f"{request.command} {request.path}"
        self.requested.append(route)
        if body := request.rfile.read(int(request.headers.get("content-length", 0))):
            self.sent.append(orjson.loads(body))
        replies = self.replies[route.partition("?")[0]]
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        payload = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)
        request.send_response(reply.status)
        request.send_header("content-length", str(len(payload) + reply.is_cut))
        for name, value in reply.headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(payload)


def refusal(status: int) -> Reply:
    return Reply({"status": status, "code": f"code_{status}", "detail": "No."}, status)


def listed(*items: Any) -> Reply:
    """A list that is one page."""
    return Reply({"items": items, "next_cursor": None})


def a_file(file_id: str, path: str, *, kind: str = "file", permission: str = "owner") -> dict[str, Any]:
    now = "2026-11-21T00:00:00Z"
    return {
        "id": file_id, "kind": kind, "name": path.rpartition("/")[2], "path": path, "parent_id": "root", "size": 1,
        "content_type": None, "sha256": "0" * 64, "version": 1, "tags": [], "owner_id": "ada",
        "permission": permission, "created_at": now, "modified_at": now, "modified_by": "ada", "etag": "1",
    }  # fmt: skip
