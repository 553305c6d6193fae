"""Calls that are counted by rate limiters."""

import asyncio

from docstore_gateway.edge.limits.rate_limits import Policy, RateLimiter
from docstore_platform.http.problems import Problem


async def spend_all(limiters: list[RateLimiter], policy: Policy, calls: int) -> int:
    spent = (limiters[i % len(limiters)].spend(policy, "ann") for i in range(calls))
    outcomes = await asyncio.gather(*spent, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Problem) and outcome.status == 429]
    passed = sum(isinstance(outcome, list) for outcome in outcomes)
    assert passed + len(refused) == calls
    return passed
