"""Many small files: in packs, and one object each by s5cmd on the same S3 server."""

import asyncio
import hashlib
import os
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from yarl import URL

from bench.accounts import new_account
from bench.stack import Stack, at_rest, s5cmd
from docstore_cli.api import ApiClient

FILES = 10_000
FILE_BYTES = 4096
FOLDERS = 100
PACK_FILES = 512
PARALLEL = 2


async def measure_packs(stack: Stack) -> list[tuple[str, str]]:
    """10,000 files of 4 KiB in a hundred folders: the calls of a client, all in packs, and s5cmd."""
    contents = [os.urandom(FILE_BYTES) for _ in range(FILES)]
    with TemporaryDirectory(prefix="docstore-small-") as place:
        folder = Path(place)
        for number, content in enumerate(contents):
            path = folder / str(number % FOLDERS) / f"{number}.bin"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        begin = time.perf_counter()
        await s5cmd(stack, "cp", f"{folder}/", f"s3://{stack.bucket}/bench/small/")
        plain = time.perf_counter() - begin
    await at_rest(stack)
    async with new_account(stack.gateway) as api, aiohttp.ClientSession() as http:
        begin = time.perf_counter()
        gate = asyncio.Semaphore(PARALLEL)

        async def one_pack(first: int) -> None:
            async with gate:
                await _send_pack(api, http, first, contents[first : first + PACK_FILES])

        await asyncio.gather(*(one_pack(first) for first in range(0, FILES, PACK_FILES)))
        packed = time.perf_counter() - begin
    return [
        (
            f"{FILES:,} files of 4 KiB in packs (s5cmd, an object each: {FILES / plain:,.0f} files/s)",
            f"{FILES / packed:,.0f} files/s: {packed / plain:.2f} of s5cmd's time",
        )
    ]


async def _send_pack(api: ApiClient, http: aiohttp.ClientSession, first: int, contents: Sequence[bytes]) -> None:
    files = [
        {
            "path": f"/small/{(first + number) % FOLDERS}/{first + number}.bin",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for number, content in enumerate(contents)
    ]
    pack = await api.call("POST", "/v1/packs", {"files": files})
    index = [struct.pack("<III", place["number"], place["offset"], place["size"]) for place in pack["files"]]
    body = b"".join([*contents, *index, struct.pack("<I4s", len(index), b"DSP1")])
    put = pack["put"]
    async with http.put(URL(put["url"], encoded=True), data=body, headers=put["headers"]) as response:
        if response.status != 200:
            raise RuntimeError(f"the store answered {response.status}")
    done = await api.call("POST", f"/v1/packs/{pack['id']}/complete")
    refused = [item for item in done["files"] if "file" not in item]
    if refused:
        raise RuntimeError(f"{len(refused)} files were refused, the first: {refused[0]}")
