"""Idempotency-Key: a repeated mutating call gets its first response again instead of a second effect.

A key belongs to one caller. Its row is created before the call is forwarded, with a short lease that is renewed while
the call runs, and gets the response before the caller does. So a gateway that dies in between blocks the key for
seconds. Responses are encrypted with the key of the request, which is not stored: the database contents open no link
and no upload.
"""

import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson
import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.types import Message, Send

from docstore_gateway.edge.idempotency.repository import IdempotencyRows
from docstore_gateway.responses import CapturedResponse, HeaderList, send_response
from docstore_gateway.settings import GatewaySettings
from docstore_platform.errors import Conflict, invalid, unavailable
from docstore_platform.ids import new_id
from docstore_platform.mongodb.session import DatabaseError
from docstore_platform.security.secret_list import secret_list
from docstore_work.renewal import renewing

log = structlog.get_logger(__name__)

MAX_KEY_CHARS = 255
NONCE_BYTES = 12
NOT_STORED_STATUSES = frozenset({408, 425, 429})
"""Statuses that may change if the call is repeated."""


@dataclass(frozen=True, slots=True)
class Call:
    """The identity of a call. Another caller with the same key has another `caller`."""

    caller: str
    key: str
    method: str
    target: str
    """Path and query."""
    body: bytes


class IdempotencyKeys:
    """Responses of mutating calls by caller and key."""

    def __init__(self, rows: IdempotencyRows, settings: GatewaySettings) -> None:
        self._rows = rows
        self._lease_seconds = settings.idempotency_lease_seconds
        self._max_bytes = settings.idempotency_max_answer_bytes
        secrets = secret_list("GATEWAY_IDEMPOTENCY_SECRETS", settings.idempotency_secrets, settings.infra)
        self._keys = [hashlib.sha256(secret.encode()).digest() for secret in secrets]

    async def begin(self, call: Call) -> "Recorder | StoredResponse":
        """Return a recorder if the call is to be made now, or its earlier response.

        422 if the key was used for another call, 409 while the same call is under way, 503 without the database, since
        it is unknown then whether the call was made before.
        """
        if not (0 < len(call.key) <= MAX_KEY_CHARS and call.key.isascii() and call.key.isprintable()):
            raise invalid(f"An Idempotency-Key must have 1 to {MAX_KEY_CHARS} printable ASCII characters.")
        try:
            return await self._begin(call)
        except DatabaseError:
            raise unavailable("The store of Idempotency-Keys") from None

    async def once(self, call: Call, make: Callable[[Send], Awaitable[None]]) -> CapturedResponse:
        """Make a call of the gateway's own, or return the response that it got before; only successes are kept."""
        captured = CapturedResponse()
        outcome = await self.begin(call)
        if isinstance(outcome, StoredResponse):
            await outcome.send_to(captured.send)
            return captured
        async with outcome.held():
            await make(captured.send)
            if captured.status < 400:
                await captured.send_to(outcome.recording(CapturedResponse().send))
        return captured

    async def _begin(self, call: Call) -> "Recorder | StoredResponse":
        key = await self._key_of(call)
        row_id = _digest(key, call.caller, call.key)
        seal = AESGCM(bytes.fromhex(_digest(key, "answer", call.caller, call.key)))
        fingerprint = _digest(key, call.method, call.target, call.body)
        lease_id = new_id()
        row = await self._rows.take(row_id, fingerprint, lease_id)
        if row["fingerprint"] != fingerprint:
            raise invalid("This Idempotency-Key was used for another call.", "idempotency_key_reused")
        if row["lease_id"] == lease_id:
            return Recorder(self._rows, row_id, lease_id, seal, self._lease_seconds, self._max_bytes)
        if "sealed" in row:
            return StoredResponse.unsealed(seal, row_id, bytes(row["sealed"]))
        if "status" in row:  # stored by an earlier version
            headers = [(bytes(name), bytes(value)) for name, value in row["headers"]]
            return StoredResponse(row["status"], headers, bytes(row["body"]))
        raise Conflict("The same call is already in progress.", code="idempotency_in_progress", retry_after=1)

    async def _key_of(self, call: Call) -> bytes:
        """Return the current key, or an older one under which this call is already stored."""
        older = {_digest(key, call.caller, call.key): key for key in self._keys[1:]}
        known = await self._rows.known(list(older)) if older else None
        return older[known] if known else self._keys[0]


def _digest(key: bytes, *parts: str | bytes) -> str:
    """Keyed digest, so that the stored value reveals nothing of a password in the body."""
    digest = hashlib.blake2b(key=key, digest_size=32)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class StoredResponse:
    status: int
    headers: HeaderList
    body: bytes

    def sealed(self, seal: AESGCM, row_id: str) -> bytes:
        headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in self.headers]
        head = orjson.dumps([self.status, headers])
        nonce = os.urandom(NONCE_BYTES)
        plain = len(head).to_bytes(4, "big") + head + self.body
        return nonce + seal.encrypt(nonce, plain, row_id.encode())

    @classmethod
    def unsealed(cls, seal: AESGCM, row_id: str, sealed: bytes) -> "StoredResponse":
        plain = seal.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], row_id.encode())
        end = 4 + int.from_bytes(plain[:4], "big")
        status, headers = orjson.loads(plain[4:end])
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return cls(status, raw, plain[end:])

    async def send_to(self, send: Send) -> None:
        await send_response(send, self.status, [*self.headers, (b"idempotency-replayed", b"true")], self.body)


class Recorder:
    """Holds a response back until it is stored. A response that is not stored releases the key."""

    def __init__(
        self, rows: IdempotencyRows, row_id: str, lease_id: str, seal: AESGCM, lease_seconds: float, max_bytes: int
    ) -> None:
        self._rows = rows
        self._row_id = row_id
        self._lease_id = lease_id
        self._seal = seal
        self._lease_seconds = lease_seconds
        self._max_bytes = max_bytes
        self._held: list[Message] = []
        self._size = 0
        self._open = True

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep the lease while the block runs; release the key if there was no response."""
        try:
            async with renewing("idempotency key", self._lease_seconds, self._renew):
                yield
        finally:
            await self.release()

    async def _renew(self) -> bool:
        if self._open:
            await self._rows.renew(self._row_id, self._lease_id)
        return self._open

    def recording(self, send: Send) -> Send:
        async def hold(message: Message) -> None:
            if not self._open:
                await send(message)
                return
            self._held.append(message)
            self._size += len(message.get("body", b""))
            complete = message["type"] == "http.response.body" and not message.get("more_body", False)
            too_large = self._size > self._max_bytes
            if complete or too_large:
                await self._store_or_release(keep=not too_large)
                for held in self._held:
                    await send(held)
                self._held.clear()

        return hold

    async def release(self) -> None:
        """Release the key if there was no response."""
        if self._open:
            self._open = False
            try:
                await self._rows.release(self._row_id, self._lease_id)
            except DatabaseError as error:
                log.warning("idempotency_key_not_released", error=repr(error))

    async def _store_or_release(self, *, keep: bool) -> None:
        start = self._held[0]
        headers: HeaderList = [(name.lower(), value) for name, value in start["headers"]]
        status = int(start["status"])
        if not keep or status >= 500 or status in NOT_STORED_STATUSES:
            await self.release()
            return
        self._open = False
        body = b"".join(message.get("body", b"") for message in self._held[1:])
        sealed = StoredResponse(status, headers, body).sealed(self._seal, self._row_id)
        try:
            await self._rows.store(self._row_id, self._lease_id, sealed)
        except DatabaseError as error:
            log.warning("idempotent_response_not_stored", error=repr(error))
