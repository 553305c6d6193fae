"""Failed log-ins and how they slow a guesser down."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from fake_failures import FakeFailures

from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of
from docstore_platform.security.throttle import Throttle


class World:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
        self.failures = FakeFailures()
        window = timedelta(minutes=15)
        self.throttle = Throttle(self.failures, limit=3, limit_everywhere=10, window=window, clock=lambda: self.now)


@pytest.fixture
def world() -> World:
    return World()


async def attempt(
    world: World, succeeded: bool, subject: str = "a@b.c", address: str = "1.2.3.4", known_as: str = ""
) -> None:
    async with world.throttle.attempt(subject, address, known_as=known_as) as attempt:
        attempt.succeeded = succeeded


async def test_after_too_many_failures_even_the_right_password_waits(world: World) -> None:
    """429 with Retry-After until the window has passed."""
    for _ in range(3):
        await attempt(world, False)
    with pytest.raises(DomainError) as refused:
        await attempt(world, True)
    assert (problem_of(refused.value).status, refused.value.retry_after) == (429, "900")
    world.now += timedelta(minutes=16)
    await attempt(world, True)


async def test_the_owner_is_not_locked_out_from_elsewhere(world: World) -> None:
    """Failures from another address count for that address alone."""
    for _ in range(3):
        await attempt(world, False, address="6.6.6.6")
    await attempt(world, True)
    with pytest.raises(DomainError):
        await attempt(world, True, address="6.6.6.6")


async def test_one_ipv6_customer_is_one_address(world: World) -> None:
    """Whoever has a /64 to himself gets no further tries with each of its addresses; another network does."""
    for host in ("::1", "::2", "::3"):
        await attempt(world, False, address=f"2001:db8:0:1{host}")
    with pytest.raises(DomainError):
        await attempt(world, True, address="2001:db8:0:1::4")
    await attempt(world, True, address="2001:db8:0:2::4")


async def test_a_success_forgets_the_failures_before(world: World) -> None:
    """Someone who mistypes now and then is never stopped."""
    for _ in range(5):
        await attempt(world, False)
        await attempt(world, False)
        await attempt(world, True)


async def test_parallel_guesses_do_not_slip_past_the_limit(world: World) -> None:
    """Of many guesses that began before the first had failed, a right one that ends after the limit is refused."""
    begun = asyncio.Event()

    async def right_guess() -> None:
        async with world.throttle.attempt("a@b.c", "1.2.3.4") as attempt:
            attempt.succeeded = True
            begun.set()
            await others

    others = asyncio.get_running_loop().create_future()
    guess = asyncio.create_task(right_guess())
    await begun.wait()
    for _ in range(3):
        await attempt(world, False)
    others.set_result(None)
    with pytest.raises(DomainError):
        await guess


async def test_an_outage_counts_against_no_account(world: World) -> None:
    """A check that could not be made is no failure of the caller."""
    for _ in range(5):
        with pytest.raises(ConnectionError):
            async with world.throttle.attempt("a@b.c", "1.2.3.4"):
                raise ConnectionError
    assert not world.failures.rows


async def test_guessing_from_many_addresses_is_bounded_for_each_account(world: World) -> None:
    """Ten failures from ten addresses stop an eleventh address, until the window has passed; other accounts go on."""
    for number in range(10):
        await attempt(world, False, address=f"6.6.6.{number}")
    with pytest.raises(DomainError) as refused:
        await attempt(world, True, address="7.7.7.7")
    assert (problem_of(refused.value).status, refused.value.retry_after) == (429, "900")
    await attempt(world, True, subject="other@b.c", address="7.7.7.7")
    world.now += timedelta(minutes=16)
    await attempt(world, True, address="7.7.7.7")


async def test_another_address_locks_no_known_device_out(world: World) -> None:
    """While other addresses guess, a device of the owner's logs in; its own failures count for it alone."""
    for number in range(10):
        await attempt(world, False, address=f"6.6.6.{number}")
    await attempt(world, True, known_as="laptop")
    for _ in range(3):
        await attempt(world, False, known_as="phone")
    with pytest.raises(DomainError):
        await attempt(world, True, known_as="phone")
    await attempt(world, True, known_as="laptop")


async def test_a_known_device_can_log_in_during_an_attack(world: World) -> None:
    """A password set by a mailed link resets the failures of other addresses."""
    for number in range(10):
        await attempt(world, False, address=f"6.6.6.{number}")
    await world.throttle.clear("a@b.c", "7.7.7.7")
    await attempt(world, True, address="7.7.7.7")
