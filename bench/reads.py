"""Requests a second of a get and of a list, against a bare FastAPI app that does one read of the same database."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
import uvicorn
import uvloop
from fastapi import FastAPI
from fastapi.responses import Response

from bench.accounts import new_account
from bench.load import Load, generate_load
from bench.ports import free_port, wait_for_port
from bench.stack import Stack, at_rest
from docstore_platform.mongodb.client import Mongo

CONNECTIONS = 16
WARM_UP_SECONDS = 1.0
SECONDS = 4.0
ROUNDS = 3
FILES = 100


def bare_app(mongo_url: str) -> FastAPI:
    """The reference: FastAPI, one Motor read, orjson."""
    app = FastAPI()
    files = Mongo(mongo_url, app_name="bench").database("bench_bare")["files"]

    def to_json(body: Any) -> Response:
        return Response(orjson.dumps(body), media_type="application/json")

    @app.get("/files/{file_id}")
    async def get(file_id: str) -> Response:
        return to_json(await files.find_one({"_id": file_id}))

    @app.get("/files")
    async def page(parent_id: str) -> Response:
        return to_json({"items": await files.find({"parent_id": parent_id}).sort("name", 1).to_list(100)})

    return app


@asynccontextmanager
async def bare_server(mongo_url: str) -> AsyncIterator[str]:
    """The reference in a process of its own, with the same server as ours."""
    mongo = Mongo(mongo_url, app_name="bench")
    files = mongo.database("bench_bare")["files"]
    now = datetime.now(UTC)
    await files.drop()
    await files.create_index([("parent_id", 1), ("name", 1)])
    await files.insert_many([_bare_file(number, now) for number in range(FILES)])
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.reads", "--mongo", mongo_url, "--port", str(port)
    )
    try:
        await wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()
        await files.drop()
        mongo.close()


def _bare_file(number: int, now: datetime) -> dict[str, Any]:
    return {
        "_id": f"file-{number}",
        "parent_id": "folder",
        "kind": "file",
        "name": f"document-{number:04}.txt",
        "size": 4096,
        "content_type": "text/plain",
        "sha256": "0" * 64,
        "version": 1,
        "tags": ["a", "b"],
        "owner_id": "owner",
        "created_at": now,
        "modified_at": now,
        "modified_by": "owner",
    }


async def _best(*sides: tuple[list[str], dict[str, str]]) -> list[Load]:
    """The best round of each side; the sides take turns, so that what else the machine does meets all of them."""
    rounds: list[list[Load]] = []
    for seconds in (WARM_UP_SECONDS, *[SECONDS] * ROUNDS):
        rounds.append(
            [
                await generate_load(urls, headers=headers, connections=CONNECTIONS, seconds=seconds)
                for urls, headers in sides
            ]
        )
    return [max(runs, key=lambda run: run.rate) for runs in zip(*rounds[1:], strict=True)]


async def measure_reads(stack: Stack) -> list[tuple[str, str]]:
    """Rows of (what, figure)."""
    rows: list[tuple[str, str]] = []
    async with new_account(stack.gateway) as api, bare_server(stack.mongo_url) as bare:
        names = [f"/reads/document-{number:04}.txt" for number in range(FILES)]
        done = await api.upload_batch(dict.fromkeys(names, b"x" * 64))
        folder = done[0]["parent_id"]
        await at_rest(stack)
        cases = {
            "get": (
                [f"{stack.gateway}/v1/files/{file['id']}" for file in done],
                [f"{bare}/files/file-{number}" for number in range(FILES)],
            ),
            f"list of {FILES}": (
                [f"{stack.gateway}/v1/files?parent_id={folder}"],
                [f"{bare}/files?parent_id=folder"],
            ),
        }
        for what, (ours_urls, bare_urls) in cases.items():
            ours, reference = await _best((ours_urls, api.headers), (bare_urls, {}))
            figure = f"{ours.rate:,.0f}/s, bare {reference.rate:,.0f}/s: {ours.rate / reference.rate:.2f}"
            rows.append((f"{what}, requests (bare FastAPI + one read = 1)", figure))
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--mongo", required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    uvloop.install()
    uvicorn.run(bare_app(options.mongo), port=options.port, log_level="error", access_log=False, loop="uvloop")
