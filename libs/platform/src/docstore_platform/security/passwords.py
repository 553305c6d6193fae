"""Argon2id in a few threads of its own, because it is slow on purpose and would block the event loop."""

import asyncio
import secrets
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import Field

from docstore_platform.security.fair_queue import FairQueue, QueueLimits, Requester
from docstore_platform.settings import ServiceSettings

T = TypeVar("T")


class HashingSettings(ServiceSettings):
    """Settings of a service with passwords: at least 19 MiB and two passes, by RFC 9106 and OWASP."""

    argon2_passes: int = Field(2, ge=1)
    argon2_memory_kib: int = Field(19_456, ge=8)
    argon2_lanes: int = Field(1, ge=1)
    hash_threads: int = Field(2, ge=1, description="password hashes computed concurrently")
    hash_queue: int = Field(100, ge=1, description="password hashes waiting; beyond that: 503")
    hash_queue_per_address: int = Field(20, ge=1, description="of those, for one client address; beyond that: 429")
    hash_queue_per_account: int = Field(4, ge=1, description="of those, for one account, link or e-mail: 429 too")


class Passwords:
    """Hashes and checks passwords, with bounded concurrency, in turns between addresses and accounts."""

    def __init__(self, settings: HashingSettings) -> None:
        self._hasher = PasswordHasher(settings.argon2_passes, settings.argon2_memory_kib, settings.argon2_lanes)
        self._threads = ThreadPoolExecutor(settings.hash_threads, thread_name_prefix="argon2")
        limits = QueueLimits(
            running=settings.hash_threads,
            waiting=settings.hash_queue,
            per_address=settings.hash_queue_per_address,
            per_subject=settings.hash_queue_per_account,
        )
        self._queue = FairQueue(limits, "The check of passwords")
        self._nobodys = (
            f"$argon2id$v=19$m={settings.argon2_memory_kib},t={settings.argon2_passes},p={settings.argon2_lanes}"
            f"${_random(16)}${_random(32)}"
        )

    async def hash(self, password: str, requester: Requester) -> str:
        """Return the PHC string. TooMany or 503 when too many wait."""
        return await self._run(requester, lambda: self._hasher.hash(_normal(password)))

    async def matches(self, password: str, stored: str | None, requester: Requester) -> bool:
        """Whether `password` is the hashed one. Without a stored hash: False, after as much work."""
        return await self._run(requester, lambda: self._verify(stored or self._nobodys, _normal(password)))

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash has other parameters than the current ones."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, requester: Requester, work: Callable[[], T]) -> T:
        async def in_thread() -> T:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

        return await self._queue.run(requester, in_thread)


def _random(size: int) -> str:
    return b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()


def _normal(password: str) -> str:
    """Normalize for hashing: different keyboards must yield the same characters (RFC 8265: NFC)."""
    return unicodedata.normalize("NFC", password)
