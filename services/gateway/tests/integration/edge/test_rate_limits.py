"""Rate limits over all replicas."""

import asyncio
from collections.abc import Awaitable, Iterable

import pytest
from gateway_calls import FakeService, Issuer, OpenGateway, Received
from spent_calls import spend_all

from docstore_gateway.edge.limits import rate_limits
from docstore_gateway.edge.limits.rate_limits import Policy, RateLimiter
from docstore_gateway.edge.limits.repository import MongoTokenBuckets
from docstore_platform.mongodb.client import Mongo
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


@pytest.fixture
def period(monkeypatch: pytest.MonkeyPatch) -> int:
    """Seconds in which a bucket is refilled: a day, so that it stays empty however slowly the calls are made.

    Nor does a replica count by itself because the database has taken more than a second.
    """
    seconds = 86_400
    monkeypatch.setattr(rate_limits, "PERIOD_SECONDS", float(seconds))
    monkeypatch.setattr(rate_limits, "DATABASE_SECONDS", float(seconds))
    return seconds


async def statuses(calls: Iterable[Awaitable[Received]]) -> list[int]:
    return [answer.status for answer in await asyncio.gather(*calls)]


async def test_log_ins_from_one_address_are_few_over_two_replicas(
    open_gateway: OpenGateway, service: FakeService, period: int
) -> None:
    """Guessing passwords against two replicas at once gives no more tries than against one."""
    async with open_gateway(log_in_per_minute=5) as one, open_gateway(log_in_per_minute=5) as two:
        got = await statuses((one, two)[i % 2].call("POST", "/v1/sessions", {}, b"{}") for i in range(20))
        assert got.count(200) == 5
        assert got.count(429) == 15
        refused = await two.call("POST", "/v1/sessions", {}, b"{}")
        other = await two.at("203.0.113.80").call("POST", "/v1/sessions", {}, b"{}")
    assert len(service.requests) == 6
    assert refused.json()["code"] == "rate_limited"
    assert 1 <= int(refused.header("retry-after")) <= period / 5
    assert refused.header("ratelimit-policy") == f'"log_in";q=5;w={period}'
    assert [value for name, value in refused.headers if name == "ratelimit"] == [f'"log_in";r=0;t={period}']
    assert other.status == 200


@pytest.mark.usefixtures("period")
async def test_a_forged_x_forwarded_for_does_not_help(open_gateway: OpenGateway) -> None:
    """Another address in the header is the same client, for a peer that is no proxy of ours."""
    async with open_gateway(sign_up_per_minute=3) as gateway:
        got = await statuses(
            gateway.call("POST", "/v1/accounts", {"x-forwarded-for": f"1.2.3.{i}"}, b"{}") for i in range(10)
        )
    assert got.count(200) == 3


@pytest.mark.usefixtures("period")
async def test_behind_a_trusted_proxy_each_client_has_its_own_limit(open_gateway: OpenGateway) -> None:
    """The rightmost address that is no proxy's counts; what stands left of it is the client's own invention."""
    async with open_gateway(sign_up_per_minute=2, trusted_proxies=("198.51.100.0/24",)) as gateway:
        forged = [{"x-forwarded-for": f"1.2.3.{i}, 203.0.113.5"} for i in range(5)]
        got = await statuses(gateway.call("POST", "/v1/accounts", headers, b"{}") for headers in forged)
        other = await gateway.call("POST", "/v1/accounts", {"x-forwarded-for": "203.0.113.6"}, b"{}")
    assert got.count(200) == 2
    assert other.status == 200


@pytest.mark.usefixtures("period")
async def test_an_account_shares_its_limit_over_addresses_and_replicas(
    open_gateway: OpenGateway, issuer: Issuer
) -> None:
    """The budget belongs to the account; another account is not touched."""
    async with open_gateway(account_per_minute=10) as one, open_gateway(account_per_minute=10) as two:
        got = await statuses(
            (one, two)[i % 2].at(f"203.0.113.{i}").call("GET", "/v1/files", issuer.bearer("ann")) for i in range(30)
        )
        other = await one.call("GET", "/v1/files", issuer.bearer("bob"))
    assert got.count(200) == 10
    assert other.status == 200


async def test_clients_behind_one_address_learn_that_they_must_renew(
    open_gateway: OpenGateway, issuer: Issuer, period: int
) -> None:
    """Calls with an expired token use up nothing of an office, and get 401 though visitors there have used up all."""
    expired = issuer.bearer(seconds=-60)
    async with open_gateway(anonymous_per_minute=3) as gateway:
        before = await statuses(gateway.call("GET", "/v1/files", expired) for _ in range(50))
        visits = await statuses(gateway.call("GET", "/v1/regions") for _ in range(5))
        after = await gateway.call("GET", "/v1/files", expired)
        renewed = await gateway.call("POST", "/v1/sessions/refresh", {}, b"{}")
    assert (set(before), visits.count(200), renewed.status) == ({401}, 3, 200)
    assert (after.status, after.header("ratelimit")) == (401, f'"anonymous";r=0;t={period}')


async def test_a_used_up_bucket_fills_again(infra: InfraSettings, mongo: Mongo) -> None:
    """After the time that the refusal names, a call passes."""
    limiter = RateLimiter(MongoTokenBuckets(mongo.database(infra.database_prefix + "gateway")))
    policy = Policy.strict("log_in", 120)
    assert await spend_all([limiter], policy, 130) >= 120

    async def passes() -> bool:
        return await spend_all([limiter], policy, 1) == 1

    assert await eventually(passes, seconds=5)


async def test_without_the_database_each_replica_counts_alone(infra: InfraSettings) -> None:
    """Calls are not refused because the counters are down."""
    mongo = Mongo("mongodb://127.0.0.1:1", app_name="test")
    limiter = RateLimiter(MongoTokenBuckets(mongo.database("x")))
    assert await spend_all([limiter], Policy.cheap("account", 3000), 100) == 100
    mongo.close()
