"""Draws docs/trace.svg, one upload on its way through the services, from a real run: `python tools/trace_picture.py`.

Starts a stack and an OTLP receiver, uploads a document in one trace, and draws the spans as they came.
"""

import asyncio
import os
import secrets
import tempfile
from dataclasses import dataclass
from html import escape
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from docstore_platform.services import SERVICE_NAMES
from docstore_standalone.ports import LOOPBACK
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import start_stack

TARGET = Path(__file__).parents[1] / "docs" / "trace.svg"
TEXT = b"The lighthouse on the northern mole was repainted in April.\n" * 80
WAIT_SECONDS = 30.0
PALETTE = ["#79706e", "#b279a2", "#4c78a8", "#e45756", "#72b7b2", "#54a24b", "#9d755d", "#b79a20", "#f58518"]
COLOURS = dict(zip(SERVICE_NAMES, cycle(PALETTE), strict=False))
EVENT_TYPE = "docstore.event.type"
LEFT, RIGHT, ROW, TOP = 330, 620, 22, 52


@dataclass(frozen=True, slots=True)
class Drawn:
    """A span; times in milliseconds since the first one began."""

    service: str
    name: str
    start: float
    end: float


async def record(trace_id: str) -> list[Drawn]:
    """Upload a document in the trace of this id; its spans once the indexer has recorded its end, in their order."""
    spans: list[tuple[str, Any]] = []
    complete = asyncio.Event()

    async def receive(request: web.Request) -> web.Response:
        for resource in ExportTraceServiceRequest.FromString(await request.read()).resource_spans:
            service = _attribute(resource.resource, "service.name")
            found = (span for scope in resource.scope_spans for span in scope.spans)
            spans.extend((service, span) for span in found if _is_shown(span, trace_id))
        if _is_complete(spans):
            complete.set()
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/traces", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, 0)
    await site.start()
    port = runner.addresses[0][1]
    os.environ |= {"DOCSTORE_OTLP_ENDPOINT": f"http://{LOOPBACK}:{port}", "OTEL_BSP_SCHEDULE_DELAY": "200"}
    with tempfile.TemporaryDirectory() as folder:
        async with await start_stack(StandaloneSettings(data=Path(folder))) as stack:
            await _upload(stack.gateway, trace_id)
            async with asyncio.timeout(WAIT_SECONDS):
                await complete.wait()
    await runner.cleanup()
    begin = min(span.start_time_unix_nano for _, span in spans)
    drawn = [
        Drawn(
            service,
            f"{span.name} {_attribute(span, EVENT_TYPE)}".strip(),
            (span.start_time_unix_nano - begin) / 1e6,
            (span.end_time_unix_nano - begin) / 1e6,
        )
        for service, span in spans
    ]
    return sorted(drawn, key=lambda span: (span.start, -span.end))


async def _upload(gateway: str, trace_id: str) -> None:
    person = {"email": "ada@example.org", "password": "correct horse battery staple"}
    async with aiohttp.ClientSession(gateway, raise_for_status=True) as http:
        await http.post("/v1/accounts", json=person)
        session = await (await http.post("/v1/sessions", json=person)).json()
        headers = {"authorization": f"Bearer {session['access_token']}"}
        await http.put("/v1/me/plan", json={"plan": "premium"}, headers=headers)
        headers["traceparent"] = f"00-{trace_id}-{secrets.token_hex(8)}-01"
        wish = {"path": "/harbour.txt", "size": len(TEXT), "content_type": "text/plain", "method": "put"}
        upload = await (await http.post("/v1/uploads", json=wish, headers=headers)).json()
        await http.put(upload["put"]["url"], data=TEXT, headers=upload["put"]["headers"])
        await http.post(f"/v1/uploads/{upload['id']}/complete", json={}, headers=headers)


def _attribute(of: Any, name: str) -> str:
    return next((str(each.value.string_value) for each in of.attributes if each.key == name), "")


def _is_shown(span: Any, trace_id: str) -> bool:
    """Requests and events; calls of the database and the object store are too many for a picture."""
    kinds = (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CONSUMER, Span.SPAN_KIND_INTERNAL)
    return span.trace_id.hex() == trace_id and span.kind in kinds


def _is_complete(spans: list[tuple[str, Any]]) -> bool:
    """Quota, indexer and notify have reacted, and a client has received that the file is indexed."""
    services = {service for service, _ in spans}
    events = {_attribute(span, EVENT_TYPE) for _, span in spans}
    return {"quota", "indexer", "notify"} <= services and "file-indexed" in events


def picture(spans: list[Drawn]) -> str:
    """The spans as bars, one a line."""
    last = max(span.end for span in spans)
    height = TOP + ROW * len(spans) + 16
    scale = RIGHT / last
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + RIGHT + 90} {height}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        f'<rect width="100%" height="{height}" fill="#fff"/>',
        f'<text x="16" y="24" font-size="15" font-weight="600">One upload, from the request to the index: '
        f"{len(spans)} spans, {last:.0f} ms</text>",
    ]
    for tick in range(5):
        at = LEFT + RIGHT * tick / 4
        lines.append(f'<line x1="{at:.0f}" y1="{TOP - 10}" x2="{at:.0f}" y2="{height - 12}" stroke="#e3e6ea"/>')
        lines.append(
            f'<text x="{at + 3:.0f}" y="{TOP - 4}" fill="#6b7280" font-size="10">{last * tick / 4:.0f} ms</text>'
        )
    for number, span in enumerate(spans):
        y = TOP + ROW * number
        x, width = LEFT + span.start * scale, max((span.end - span.start) * scale, 2)
        lines += [
            f'<text x="16" y="{y + 15}" fill="{COLOURS[span.service]}" font-weight="600">{span.service}</text>',
            f'<text x="84" y="{y + 15}" fill="#1f2937">{escape(span.name)}</text>',
            f'<rect x="{x:.1f}" y="{y + 4}" width="{width:.1f}" height="14" rx="2" fill="{COLOURS[span.service]}"/>',
            f'<text x="{x + width + 4:.1f}" y="{y + 15}" fill="#6b7280" font-size="10">'
            f"{span.end - span.start:.0f} ms</text>",
        ]
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    TARGET.write_text(picture(asyncio.run(record(secrets.token_hex(16)))), "utf-8")
