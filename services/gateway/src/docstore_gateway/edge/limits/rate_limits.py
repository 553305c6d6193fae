"""Rate limits: token buckets shared by all replicas, taken in chunks so that most calls cost no write.

A replica takes a chunk of tokens from the shared bucket and spends it from memory. Unspent tokens are lost to the
others, so a chunk is a small part of the bucket. A strict limit has chunks of one, and so a write for each call. (Token
bucket: ITU-T I.371.)
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from docstore_gateway.edge.limits.repository import TokenBuckets, TokenGrant
from docstore_gateway.responses import HeaderList
from docstore_platform.http.problems import Problem
from docstore_platform.mongodb.session import DatabaseError

log = structlog.get_logger(__name__)

PERIOD_SECONDS = 60.0
MAX_WAIT_SECONDS = 1.0
DATABASE_SECONDS = 1.0
MAX_BUCKETS = 50_000
CHUNKS_PER_PERIOD = 20


@dataclass(frozen=True, slots=True)
class Policy:
    """At most `per_minute` calls at once, refilled evenly over a minute."""

    name: str
    per_minute: int
    chunk: int

    @classmethod
    def strict(cls, name: str, per_minute: int) -> "Policy":
        return cls(name, per_minute, 1)

    @classmethod
    def cheap(cls, name: str, per_minute: int) -> "Policy":
        return cls(name, per_minute, max(1, per_minute // CHUNKS_PER_PERIOD))


@dataclass(slots=True)
class _Bucket:
    tokens: int = 0
    shared: float = 0.0
    """Tokens in the shared bucket when some were last taken from it."""
    spend_until: float = 0.0
    blocked_until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    local: float = math.inf
    local_at: float = 0.0

    def take_local(self, policy: Policy, now: float) -> TokenGrant:
        """Take tokens from this replica's own bucket, which starts full."""
        refilled = self.local + (now - self.local_at) * policy.per_minute / PERIOD_SECONDS
        self.local = min(float(policy.per_minute), refilled)
        self.local_at = now
        granted = min(policy.chunk, math.floor(self.local))
        self.local -= granted
        return TokenGrant(granted, self.local)


class RateLimiter:
    """Spends tokens for calls. While the database is unavailable, each replica counts by itself."""

    def __init__(self, shared: TokenBuckets, now: Callable[[], float] = time.monotonic) -> None:
        self._shared = shared
        self._now = now
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    async def spend(self, policy: Policy, who: str) -> HeaderList:
        """Count a call of `who` and return headers with the rest; 429 with the time to wait if none is left."""
        key = f"{policy.name}:{who}"
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket()
            if len(self._buckets) > MAX_BUCKETS:
                self._buckets.popitem(last=False)
        now = self._now()
        if bucket.tokens and now < bucket.spend_until:
            bucket.tokens -= 1
        else:
            async with bucket.lock:
                await self._spend_or_take(policy, key, bucket)
        return rate_limit_headers(policy, bucket.tokens + bucket.shared)

    def rest(self, policy: Policy, who: str) -> HeaderList:
        """Return the same headers, as far as this replica knows, without counting a call."""
        bucket = self._buckets.get(f"{policy.name}:{who}")
        if bucket is None or self._now() >= bucket.spend_until:  # if it ever was, it is full again
            return rate_limit_headers(policy, policy.per_minute)
        return rate_limit_headers(policy, bucket.tokens + bucket.shared)

    async def _spend_or_take(self, policy: Policy, key: str, bucket: _Bucket) -> None:
        now = self._now()
        if not bucket.tokens or now >= bucket.spend_until:
            if now < bucket.blocked_until:
                raise _limited(policy, bucket.blocked_until - now)
            bucket.tokens, bucket.shared = await self._take(policy, key, bucket)
            bucket.spend_until = self._now() + PERIOD_SECONDS
            if not bucket.tokens:
                wait = _wait_seconds(policy, bucket.shared)
                bucket.blocked_until = self._now() + wait
                raise _limited(policy, wait)
        bucket.tokens -= 1

    async def _take(self, policy: Policy, key: str, bucket: _Bucket) -> TokenGrant:
        """Take tokens from the shared bucket if it is available."""
        size, chunk = policy.per_minute, policy.chunk
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                return await self._shared.take(key, size=size, period_seconds=PERIOD_SECONDS, chunk=chunk)
        except (DatabaseError, TimeoutError) as error:
            log.warning("rate_limits_not_shared", policy=policy.name, error=repr(error))
            return bucket.take_local(policy, self._now())


def _wait_seconds(policy: Policy, left: float) -> float:
    """Return the time until the next token; for larger chunks up to a second, so that a flood costs few writes."""
    per_second = policy.per_minute / PERIOD_SECONDS
    next_token = (1 - left) / per_second
    next_chunk = (policy.chunk - left) / per_second
    return max(next_token, min(MAX_WAIT_SECONDS, next_chunk))


def rate_limit_headers(policy: Policy, left: float) -> HeaderList:
    """Headers with the policy and the rest (draft-ietf-httpapi-ratelimit-headers-10); `t`: seconds until it is full."""
    remaining = max(0, math.floor(left))
    full = math.ceil((policy.per_minute - remaining) * PERIOD_SECONDS / policy.per_minute)
    return [
        (b"ratelimit-policy", f'"{policy.name}";q={policy.per_minute};w={int(PERIOD_SECONDS)}'.encode()),
        (b"ratelimit", f'"{policy.name}";r={remaining};t={full}'.encode()),
    ]


def _limited(policy: Policy, seconds: float) -> Problem:
    wait = max(1, math.ceil(seconds))
    described = {name.decode(): value.decode() for name, value in rate_limit_headers(policy, 0)}
    headers = {"Retry-After": str(wait), **described}
    return Problem(429, "rate_limited", f"Too many requests. Try again in {wait} s.", headers=headers)
