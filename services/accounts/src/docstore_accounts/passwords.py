"""Argon2id on a few threads of its own: it is slow on purpose, and the event loop must not wait for it."""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from docstore_accounts.domain import normal_password
from docstore_accounts.settings import AccountsSettings
from docstore_platform.problems import unavailable

T = TypeVar("T")


class Passwords:
    """Hashes and checks passwords, a bounded number at once."""

    def __init__(self, settings: AccountsSettings) -> None:
        self._hasher = PasswordHasher(settings.argon2_passes, settings.argon2_memory_kib, settings.argon2_lanes)
        self._threads = ThreadPoolExecutor(settings.hash_threads, thread_name_prefix="argon2")
        self._room = settings.hash_threads + settings.hash_queue
        self._nobodys = (
            f"$argon2id$v=19$m={settings.argon2_memory_kib},t={settings.argon2_passes},p={settings.argon2_lanes}"
            f"${_random(16)}${_random(32)}"
        )

    async def hash(self, password: str) -> str:
        """In the PHC string format."""
        return await self._run(lambda: self._hasher.hash(normal_password(password)))

    async def matches(self, password: str, stored: str | None) -> bool:
        """Whether `password` is the one that was hashed. Without a stored hash: False, after as much work."""
        return await self._run(lambda: self._verify(stored or self._nobodys, normal_password(password)))

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._room:
            raise unavailable("The check of passwords")
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._room += 1


def _random(size: int) -> str:
    return b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
