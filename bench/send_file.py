"""Sends one file with the Python client, alone in a process, and prints what that took: `python -m bench.send_file`.

Its arguments: gateway, access token, local file, path there. Its answer: a line of JSON.
"""

import asyncio
import gc
import resource
import sys
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import orjson

from docstore_client.credentials import Credentials
from docstore_client.network.connection import Connection
from docstore_client.sources import Source
from docstore_client.uploading.uploads import Uploads


async def send(gateway: str, token: str, local: Path, path: str) -> int:
    """Bytes of all request bodies, those of the API's calls too."""
    sent = 0

    async def count(_: aiohttp.ClientSession, __: SimpleNamespace, body: aiohttp.TraceRequestChunkSentParams) -> None:
        nonlocal sent
        sent += len(body.chunk)

    counting = aiohttp.TraceConfig()
    counting.on_request_chunk_sent.append(count)
    counting.freeze()
    async with Connection(gateway, Credentials(gateway, token, "", "")) as connection:
        connection.http.trace_configs.append(counting)
        await Uploads(connection).upload(Source(local, path))
    return sent


def peak_bytes() -> int:
    """Of this program alone: getrusage includes the one that started it."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].removesuffix("kB")) * 1024


if __name__ == "__main__":
    sent = asyncio.run(send(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]))
    used = resource.getrusage(resource.RUSAGE_SELF)
    said = {"sent": sent, "cpu_seconds": used.ru_utime + used.ru_stime, "peak_bytes": peak_bytes()}
    print(orjson.dumps(said).decode())
    gc.freeze()  # as the command does at its end
