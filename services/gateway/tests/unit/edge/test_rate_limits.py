"""Rate limits on a fake of the shared buckets."""

import asyncio

from spent_calls import spend_all

from docstore_gateway.edge.limits.rate_limits import Policy, RateLimiter
from docstore_gateway.edge.limits.repository import TokenGrant
from docstore_platform.mongodb.session import DatabaseError


class SharedBucket:
    """A shared bucket that nothing refills; counts the writes."""

    def __init__(self, size: int) -> None:
        self.tokens = size
        self.writes = 0

    async def take(self, key: str, *, size: int, period_seconds: float, chunk: int) -> TokenGrant:
        self.writes += 1
        await asyncio.sleep(0)
        granted = min(chunk, self.tokens)
        self.tokens -= granted
        return TokenGrant(granted, self.tokens)


async def test_most_calls_cost_no_write() -> None:
    """A generous limit is spent from chunks: over two replicas 3,000 calls pass, for about twenty writes."""
    policy = Policy.cheap("account", 3000)
    bucket = SharedBucket(3000)
    limiters = [RateLimiter(bucket, now=lambda: 0.0) for _ in range(2)]
    assert await spend_all(limiters, policy, 2000) == 2000
    assert await spend_all(limiters, policy, 3000) == 1000
    assert bucket.writes == 3000 / policy.chunk + len(limiters)  # each learns once that there is none left


async def test_the_rest_is_shown_without_counting_a_call() -> None:
    """All of it for someone unknown, or not seen for a minute; otherwise what is left, and nothing after a refusal."""
    now = 1000.0
    limiter, policy = RateLimiter(SharedBucket(20), now=lambda: now), Policy.strict("log_in", 20)

    def rest() -> str:
        return dict(limiter.rest(policy, "ann"))[b"ratelimit"].decode()

    assert rest() == '"log_in";r=20;t=0'
    await spend_all([limiter], policy, 5)
    assert [rest(), rest()] == ['"log_in";r=15;t=15'] * 2
    await spend_all([limiter], policy, 20)
    assert rest() == '"log_in";r=0;t=60'
    now += 60
    assert rest() == '"log_in";r=20;t=0'


class AwayBuckets:
    """Shared buckets whose database can't be reached."""

    async def take(self, key: str, *, size: int, period_seconds: float, chunk: int) -> TokenGrant:
        raise DatabaseError("away")


async def test_without_the_database_limits_hold_for_each_replica() -> None:
    """What one replica lets through is the limit, strict or in chunks; time refills it, and another has its own."""
    now = 1000.0
    limiter, another = [RateLimiter(AwayBuckets(), now=lambda: now) for _ in range(2)]
    log_in, account = Policy.strict("log_in", 20), Policy.cheap("account", 300)
    assert await spend_all([limiter], log_in, 40) == 20
    assert await spend_all([limiter], account, 400) == 300
    now += 6
    assert await spend_all([limiter], log_in, 40) == 2
    assert await spend_all([limiter], account, 400) == 30
    assert await spend_all([another], log_in, 40) == 20
