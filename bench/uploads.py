"""Small files through the batch routes, and large ones through signed URLs against plain S3 tools."""

import asyncio
import hashlib
import http.client
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from bench.accounts import new_account
from bench.stack import Stack, s5cmd
from docstore_cli.api import ApiClient

CLIENTS = 8
BATCH = 50
SMALL_FILES = 2400
SMALL_BYTES = 4096
LARGE_BYTES = 512 * 1024 * 1024
CHUNK = 1024 * 1024


async def measure_small_files(stack: Stack) -> list[tuple[str, str]]:
    """Files a second of 4 KiB, one object each, by parallel clients of one account each."""

    async def client(number: int) -> None:
        async with new_account(stack.gateway) as api:
            for first in range(0, SMALL_FILES // CLIENTS, BATCH):
                names = (f"/small/{number}-{first + index}.bin" for index in range(BATCH))
                await api.upload_batch({name: os.urandom(SMALL_BYTES) for name in names})

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(client(number))
    elapsed = time.perf_counter() - begin
    figure = f"{SMALL_FILES / elapsed:,.0f} files/s"
    return [(f"4 KiB files through batch upload, {CLIENTS} clients", figure)]


def _read(path: Path, start: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)


async def _put(api: ApiClient, path: Path) -> None:
    sha256 = await asyncio.to_thread(_sha256, path)
    body = {"path": f"/large/{time.time_ns()}", "size": LARGE_BYTES, "method": "put", "sha256": sha256}
    upload = await api.call("POST", "/v1/uploads", body)
    await asyncio.to_thread(_put_file, upload["put"], path)
    await api.call("POST", f"/v1/uploads/{upload['id']}/complete", {})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put_file(target: dict[str, Any], path: Path) -> None:
    """A plain PUT by the standard library's client."""
    url = urlsplit(target["url"])
    connection = http.client.HTTPConnection(url.netloc, blocksize=CHUNK)
    try:
        with path.open("rb") as file:
            connection.request("PUT", f"{url.path}?{url.query}", body=file, headers=target["headers"])
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(f"the store answered {response.status}")
    finally:
        connection.close()


async def _multipart(api: ApiClient, path: Path) -> None:
    body = {"path": f"/large/{time.time_ns()}", "size": LARGE_BYTES, "method": "multipart"}
    upload = await api.call("POST", "/v1/uploads", body)
    part_size, parts = upload["multipart"]["part_size"], upload["multipart"]["parts"]
    gate = asyncio.Semaphore(4)

    async def one(part: dict[str, Any]) -> dict[str, Any]:
        start = (part["number"] - 1) * part_size
        async with gate:
            etag = await api.put_part(part["url"], await asyncio.to_thread(_read, path, start, part_size))
        return {"number": part["number"], "etag": etag}

    done = await asyncio.gather(*(one(part) for part in parts))
    await api.call("POST", f"/v1/uploads/{upload['id']}/complete", {"parts": done})


async def _boto3(stack: Stack, path: Path) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=stack.s3_endpoint,
        region_name=stack.region,
        aws_access_key_id=stack.s3_access_key_id,
        aws_secret_access_key=stack.s3_secret_access_key,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    await asyncio.to_thread(client.upload_file, str(path), stack.bucket, "bench/boto3")


async def measure_large_files(stack: Stack) -> list[tuple[str, str]]:
    """Bytes a second, completion and its checks included, against s5cmd and boto3 on the same S3 server."""
    rates: dict[str, float] = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "large.bin"
        with path.open("wb") as file:
            for _ in range(LARGE_BYTES // CHUNK):
                file.write(os.urandom(CHUNK))
        async with new_account(stack.gateway) as api:
            for _ in range(2):
                runs = {
                    "s5cmd": lambda: s5cmd(stack, "cp", str(path), f"s3://{stack.bucket}/bench/s5cmd"),
                    "put": lambda: _put(api, path),
                    "boto3": lambda: _boto3(stack, path),
                    "multipart": lambda: _multipart(api, path),
                }
                for name, run in runs.items():
                    begin = time.perf_counter()
                    await run()
                    rates[name] = max(rates.get(name, 0.0), LARGE_BYTES / (time.perf_counter() - begin) / 1e6)
    return [
        (
            f"512 MiB by {name} (s5cmd {rates['s5cmd']:.0f} MB/s, boto3 {rates['boto3']:.0f} MB/s)",
            f"{rates[name]:.0f} MB/s: {rates[name] / rates['s5cmd']:.2f} of s5cmd, "
            f"{rates[name] / rates['boto3']:.2f} of boto3",
        )
        for name in ("put", "multipart")
    ]
