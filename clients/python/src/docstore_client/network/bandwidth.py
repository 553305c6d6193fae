"""Limits the bytes per second of transfers."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp

PIECE = 256 * 1024
"""Bytes read at a time."""
SMALLEST_PIECE = 4 * 1024
PIECES_A_SECOND = 8
"""Pieces are made so small that a limited transfer flows evenly."""


class TokenBucket:
    """Passes `rate` bytes a second on average, shared by all transfers of a connection; None: any number.

    A transfer that begins after a pause may pass up to a piece at once.
    """

    def __init__(
        self,
        rate: int | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._free_at = 0.0
        self.piece = PIECE if rate is None else max(SMALLEST_PIECE, min(PIECE, rate // PIECES_A_SECOND))

    async def take(self, size: int) -> None:
        """Wait until `size` bytes may pass."""
        if self._rate is None:
            return
        now = self._clock()
        begin = max(self._free_at, now)
        self._free_at = begin + size / self._rate
        if begin > now:
            await self._sleep(begin - now)

    async def paced(self, pieces: AsyncIterator[bytes | memoryview]) -> AsyncIterator[bytes | memoryview]:
        """Yield what is sent, no faster than allowed."""
        async for piece in pieces:
            view = memoryview(piece)
            for start in range(0, len(view), self.piece):
                part = view[start : start + self.piece]
                await self.take(len(part))
                yield part

    async def pieces_of(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """Yield the body of a response, read no faster than allowed."""
        async for piece in response.content.iter_chunked(self.piece):
            await self.take(len(piece))
            yield piece

    async def read(self, response: aiohttp.ClientResponse) -> bytes:
        """Return the whole body of a response, read no faster than allowed."""
        if self._rate is None:
            return await response.read()
        return b"".join([piece async for piece in self.pieces_of(response)])
