"""Calls to the object store: frequent small ones by aiohttp with our own signatures, the others by boto3 in threads."""

import asyncio
import hashlib
import random
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar

import aiohttp
import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from yarl import URL

from docstore_contents.s3.presigned import S3Config
from docstore_contents.s3.role_credentials import CredentialsUnavailable
from docstore_contents.s3.signing import SERVICES_AGENT
from docstore_platform.clock import Clock
from docstore_platform.telemetry.tracing import client_span

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
CONNECT_SECONDS, READ_SECONDS = 2, 10
ATTEMPTS = 3
FIRST_BACKOFF_SECONDS = 0.05
CONNECTIONS = 64
THREADS = 16
OBJECT_OPERATIONS = {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
CHUNK = 1 << 20  # bytes read at a time from a stream

T = TypeVar("T")


class ObjectStoreError(Exception):
    """The store refused a call; `code` is S3's, e.g. `AccessDenied`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class ObjectStoreUnavailable(ObjectStoreError):
    """The store did not respond properly within the allowed attempts: retry later."""


class ObjectNotFound(ObjectStoreError):
    """No object has this key."""


class UploadNotFound(ObjectStoreError):
    """This multipart upload was completed, aborted or never started."""


class ObjectChanged(ObjectStoreError):
    """The object no longer has the given ETag."""


class ObjectArchived(ObjectStoreError):
    """The object is in a storage class that must be restored before it is read."""


class ObjectTooLarge(ObjectStoreError):
    """The object has more bytes than the caller accepts."""


ERRORS_BY_CODE: Mapping[str, type[ObjectStoreError]] = {
    "NoSuchKey": ObjectNotFound,
    "404": ObjectNotFound,
    "NoSuchUpload": UploadNotFound,
    "InvalidObjectState": ObjectArchived,
    "ObjectNotInActiveTierError": ObjectArchived,
    "PreconditionFailed": ObjectChanged,
    "412": ObjectChanged,
}


@lru_cache(maxsize=8)
def boto_client(config: S3Config, service: str) -> Any:
    """Return the process's only client of this service. Clients, unlike sessions, are thread-safe."""
    keys = {
        "aws_access_key_id": config.access_key_id,
        "aws_secret_access_key": config.secret_access_key,
        "aws_session_token": config.session_token,
    }
    return boto3.session.Session().client(
        service,
        endpoint_url=config.sts_endpoint or config.endpoint if service == "sts" else config.endpoint,
        region_name=config.region,
        **(keys if config.has_keys else {}),
        config=Config(
            user_agent=SERVICES_AGENT,
            signature_version="s3v4" if service == "s3" else None,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            max_pool_connections=THREADS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if config.path_style else "virtual"},
        ),
    )


class S3Transport:
    """Connections to one store, for one bucket; `open` it in the event loop that uses it."""

    def __init__(self, config: S3Config, clock: Clock) -> None:
        self._config = config
        self._signer = config.signer(config.endpoint, clock)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="s3")
        self._http: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Create the connection pool; connections are opened when needed."""
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS),
            headers={"Accept-Encoding": "identity", "User-Agent": SERVICES_AGENT},
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close connections and threads. Calls under way in threads run to their end."""
        if self._http is not None:
            await self._http.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def call(self, operation: str, *, all_pages: bool = False, service: str = "s3", **parameters: Any) -> Any:
        """Call a boto3 operation on this bucket, by its boto3 name and parameters, in a thread."""
        if service == "s3":
            parameters["Bucket"] = self._config.bucket

        def run() -> Any:
            client = boto_client(self._config, service)
            with errors_translated():
                if all_pages:
                    return list(client.get_paginator(operation).paginate(**parameters))
                return getattr(client, operation)(**parameters)

        with client_span(f"{service.upper()}/{api_name(operation)}", lambda: self._attributes(operation, service)):
            return await self.in_thread(run)

    def _attributes(self, operation: str, service: str) -> dict[str, str | int]:
        config = self._config
        endpoint = config.sts_endpoint or config.endpoint if service == "sts" else config.endpoint
        url = URL(endpoint)
        found: dict[str, str | int] = {
            "rpc.system": "aws-api",
            "rpc.method": f"{service.upper()}/{api_name(operation)}",
            "server.address": url.host or "",
            "server.port": url.port or 443,
            "cloud.region": config.region,
        }
        return found | ({"aws.s3.bucket": config.bucket} if service == "s3" else {})

    async def in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def stream(self, key: str) -> Iterator[bytes]:
        with errors_translated():
            body = boto_client(self._config, "s3").get_object(Bucket=self._config.bucket, Key=key)["Body"]
            with body:
                yield from body.iter_chunks(CHUNK)

    async def request(
        self,
        method: str,
        key: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        sha256: str = EMPTY_SHA256,
    ) -> tuple[Mapping[str, str], bytes]:
        http, path = self._http, self._config.path(key)
        assert http is not None, "use as `async with ObjectStore(...)`"

        async def once() -> tuple[Mapping[str, str], bytes]:
            try:
                url, signed = self._signer.sign(method, path, payload_sha256=sha256, headers=headers)
                async with http.request(
                    method, URL(url, encoded=True), headers=signed, data=body or None, allow_redirects=False
                ) as response:
                    content = await response.read()
            except (aiohttp.ClientError, TimeoutError, CredentialsUnavailable) as error:
                raise ObjectStoreUnavailable(type(error).__name__, str(error)) from error
            if response.status >= 300:
                raise _refusal(response.status, content)
            return response.headers, content

        operation = OBJECT_OPERATIONS.get(method, method)
        with client_span(f"S3/{operation}", lambda: self._attributes(operation, "s3")):
            return await retrying(once)


def api_name(operation: str) -> str:
    """Convert boto3's `list_objects_v2` to the API's `ListObjectsV2`."""
    return "".join(word[:1].upper() + word[1:] for word in operation.split("_"))


async def retrying(attempt: Callable[[], Awaitable[T]]) -> T:
    """Return the first result of at most ATTEMPTS, with a jittered, doubling pause before each retry."""
    for backoff in (FIRST_BACKOFF_SECONDS * 2**n for n in range(ATTEMPTS - 1)):
        try:
            return await attempt()
        except ObjectStoreUnavailable:
            await asyncio.sleep(backoff * random.uniform(0.5, 1.5))
    return await attempt()


def _error(status: int, code: str, message: str) -> ObjectStoreError:
    if status >= 500 or status == 429:
        return ObjectStoreUnavailable(code, message)
    return ERRORS_BY_CODE.get(code, ObjectStoreError)(code, message)


def _refusal(status: int, content: bytes) -> ObjectStoreError:
    code = re.search(rb"<Code>([^<]+)</Code>", content)
    message = re.search(rb"<Message>([^<]*)</Message>", content)
    return _error(
        status,
        code.group(1).decode() if code else str(status),
        message.group(1).decode(errors="replace") if message else f"status {status}",
    )


@contextmanager
def errors_translated() -> Iterator[None]:
    """Raise boto3's errors as ObjectStoreError."""
    try:
        yield
    except ClientError as error:
        response, detail = error.response["ResponseMetadata"], error.response["Error"]
        raise _error(response["HTTPStatusCode"], detail["Code"], detail.get("Message", "")) from error
    except (BotoCoreError, Boto3Error) as error:
        raise ObjectStoreUnavailable(type(error).__name__, str(error)) from error
