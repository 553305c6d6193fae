"""Moves bytes between WebDAV clients and the object store, by the signed URLs that every client of the API gets."""

import hashlib
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol

import structlog
from starlette.types import Message, Receive

from docstore_gateway.dav.protocol.headers import bad_request
from docstore_platform.http.body_limits import ClientGone
from docstore_platform.http.problems import Problem

log = structlog.get_logger(__name__)


class Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


class Adler32:
    """The checksum of zlib, as a digest."""

    def __init__(self) -> None:
        self._value = 1

    def update(self, data: bytes, /) -> None:
        self._value = zlib.adler32(data, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


DIGESTS: Mapping[str, Callable[[], Digest]] = {
    "MD5": lambda: hashlib.md5(usedforsecurity=False),
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": hashlib.sha256,
    "SHA3-256": hashlib.sha3_256,
    "ADLER32": Adler32,
}


class Checksum:
    """A checksum that a client announces, as `SHA1:...`; computed while the bytes pass."""

    def __init__(self, header: str) -> None:
        name, _, value = header.partition(":")
        make = DIGESTS.get(name.strip().upper())
        if make is None or not value:
            known = ", ".join(DIGESTS)
            raise bad_request(f"OC-Checksum must be TYPE:VALUE, with one of the types {known}.", "invalid_checksum")
        self.name = name.strip().upper()
        self.value = value.strip().lower()
        self._digest: Digest = make()

    def update(self, data: bytes) -> None:
        self._digest.update(data)

    def check(self) -> None:
        """400 `checksum_mismatch` if the bytes differ from what was announced."""
        if self._digest.hexdigest() != self.value:
            raise mismatch()


def mismatch() -> Problem:
    return bad_request("The bytes that arrived do not match the OC-Checksum header.", "checksum_mismatch")


class Body:
    """The body of a request, read as it arrives."""

    def __init__(self, receive: Receive, checksum: Checksum | None = None) -> None:
        self._receive = receive
        self.checksum = checksum
        self._rest = b""
        self._is_over = False
        self.size = 0
        """Bytes that have been handed out."""

    async def _next(self) -> bytes:
        """The next bytes; empty at the end."""
        while not self._rest and not self._is_over:
            message: Message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            self._rest = message.get("body", b"")
            self._is_over = not message.get("more_body", False)
        part, self._rest = self._rest, b""
        return part

    async def read(self, limit: int) -> bytes:
        """Read up to `limit` bytes: fewer only at the end of the body."""
        parts: list[bytes] = []
        async for part in self.stream(limit):
            parts.append(part)
        return b"".join(parts)

    async def stream(self, limit: int) -> AsyncIterator[bytes]:
        """Iterate over the next `limit` bytes."""
        left = limit
        while left:
            part = await self._next()
            if not part:
                return
            if len(part) > left:
                part, self._rest = part[:left], part[left:] + self._rest
            left -= len(part)
            self.size += len(part)
            if self.checksum is not None:
                self.checksum.update(part)
            yield part

    def check(self, size: int) -> None:
        """400 unless `size` bytes have been handed out, and are those that the client announced."""
        if self.size != size:
            raise bad_request("The body has another length than announced.", "wrong_length")
        if self.checksum is not None:
            self.checksum.check()

    async def is_over(self) -> bool:
        """Whether no byte is left."""
        if not self._rest:
            self._rest = await self._next()
        return not self._rest
