"""Idempotency-Key: a mutating call that is sent again gets its first answer again instead of a second effect.

A key belongs to one caller. Its row is made before the call is passed on, with a lease, and gets the answer before
the caller does; so a gateway that dies in between blocks the key only until the lease ends.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from starlette.types import Message, Send

from docstore_gateway.exchange import HeaderList, answer
from docstore_gateway.settings import GatewaySettings
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongo import (
    ASCENDING,
    Collection,
    Database,
    Document,
    DuplicateKeyError,
    IndexModel,
    PyMongoError,
)
from docstore_platform.problems import Problem, invalid, unavailable
from docstore_platform.secret_list import secret_list

log = structlog.get_logger(__name__)

MAX_KEY_CHARS = 255
NOT_KEPT_STATUSES = frozenset({408, 425, 429})
"""Refusals that say nothing of the call itself: sent again it may do better."""


@dataclass(frozen=True, slots=True)
class Call:
    """What makes two calls the same. Whoever else knows the key has another `caller`."""

    caller: str
    key: str
    method: str
    target: str
    """Path and query."""
    body: bytes


class IdempotencyKeys:
    """Answers of mutating calls by caller and key."""

    def __init__(self, database: Database, settings: GatewaySettings, now: Callable[[], datetime] = utc_now) -> None:
        self._rows: Collection = database["idempotency_keys"]
        self._lease = timedelta(seconds=settings.idempotency_lease_seconds)
        self._kept = timedelta(hours=settings.idempotency_hours)
        self._max_bytes = settings.idempotency_max_answer_bytes
        secrets = secret_list("GATEWAY_IDEMPOTENCY_SECRETS", settings.idempotency_secrets, settings.infra)
        self._keys = [hashlib.sha256(secret.encode()).digest() for secret in secrets]
        self._now = now

    async def create_indexes(self) -> None:
        await self._rows.create_indexes([IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)])

    async def begin(self, call: Call) -> "Recorder | StoredAnswer":
        """A recorder if the call is to be made now, or its earlier answer.

        422 if the key was used for another call, 409 while the same call is being made, 503 without the database:
        then nobody can say whether it was made before.
        """
        if not (0 < len(call.key) <= MAX_KEY_CHARS and call.key.isascii() and call.key.isprintable()):
            raise invalid(f"An Idempotency-Key has 1 to {MAX_KEY_CHARS} printable ASCII characters.")
        try:
            return await self._begin(call)
        except PyMongoError:
            raise unavailable("What remembers Idempotency-Keys") from None

    async def _begin(self, call: Call) -> "Recorder | StoredAnswer":
        key = await self._key_of(call)
        row_id = _digest(key, call.caller, call.key)
        fingerprint = _digest(key, call.method, call.target, call.body)
        lease_id = new_id()
        now = self._now()
        lease = {"lease_id": lease_id, "lease_until": now + self._lease, "expires_at": now + self._kept}
        recorder = Recorder(self._rows, row_id, lease_id, self._max_bytes)
        try:
            await self._rows.insert_one({"_id": row_id, "fingerprint": fingerprint, **lease})
            return recorder
        except DuplicateKeyError:
            known: Document | None = await self._rows.find_one({"_id": row_id})
        if known is None:
            raise _in_progress()
        if known["fingerprint"] != fingerprint:
            raise invalid("This Idempotency-Key was used for another call.", "idempotency_key_reused")
        if "status" in known:
            headers = [(bytes(name), bytes(value)) for name, value in known["headers"]]
            return StoredAnswer(known["status"], headers, bytes(known["body"]))
        if known["lease_until"] > now:
            raise _in_progress()
        taken = await self._rows.update_one({"_id": row_id, "lease_id": known["lease_id"]}, {"$set": lease})
        if taken.modified_count == 0:
            raise _in_progress()
        return recorder

    async def _key_of(self, call: Call) -> bytes:
        """The current key, or an older one by which this very call is already known."""
        older = {_digest(key, call.caller, call.key): key for key in self._keys[1:]}
        known = await self._rows.find_one({"_id": {"$in": list(older)}}, {"_id": 1}) if older else None
        return older[known["_id"]] if known else self._keys[0]


def _digest(key: bytes, *parts: str | bytes) -> str:
    """Keyed, so that what is stored gives no hint of a body's password."""
    digest = hashlib.blake2b(key=key, digest_size=32)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    status: int
    headers: HeaderList
    body: bytes

    async def give(self, send: Send) -> None:
        await answer(send, self.status, [*self.headers, (b"idempotency-replayed", b"true")], self.body)


class Recorder:
    """Holds an answer back until it is stored. An answer that is not to be kept frees the key."""

    def __init__(self, rows: Collection, row_id: str, lease_id: str, max_bytes: int) -> None:
        self._rows = rows
        self._mine = {"_id": row_id, "lease_id": lease_id}
        self._max_bytes = max_bytes
        self._held: list[Message] = []
        self._size = 0
        self._open = True

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
                await self._store_or_free(keep=not too_large)
                for held in self._held:
                    await send(held)
                self._held.clear()

        return hold

    async def free(self) -> None:
        """Give the key back if no answer came."""
        if self._open:
            self._open = False
            try:
                await self._rows.delete_one(self._mine)
            except PyMongoError as error:
                log.warning("Idempotency-Key stays taken until its lease ends", error=repr(error))

    async def _store_or_free(self, *, keep: bool) -> None:
        start = self._held[0]
        headers: HeaderList = [(name.lower(), value) for name, value in start["headers"]]
        status = int(start["status"])
        secret = any(name == b"cache-control" and b"no-store" in value for name, value in headers)
        if not keep or status >= 500 or status in NOT_KEPT_STATUSES or secret:
            await self.free()
            return
        self._open = False
        body = b"".join(message.get("body", b"") for message in self._held[1:])
        stored = {"status": status, "headers": [list(pair) for pair in headers], "body": body}
        try:
            await self._rows.update_one(self._mine, {"$set": stored, "$unset": {"lease_until": ""}})
        except PyMongoError as error:
            log.warning("answer not kept for its Idempotency-Key", error=repr(error))


def _in_progress() -> Problem:
    return Problem(
        409, "idempotency_in_progress", "The same call is being made just now.", headers={"Retry-After": "1"}
    )
