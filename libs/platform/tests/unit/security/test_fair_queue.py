"""Turns between requesters of expensive work, controlled by the test."""

import asyncio
from collections.abc import Callable

import pytest

from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of
from docstore_platform.security.fair_queue import FairQueue, QueueLimits, Requester


class Desk:
    """A queue whose jobs the test ends; `order` has who was served."""

    def __init__(self, **limits: int) -> None:
        bounds = {"running": 1, "waiting": 100, "per_address": 20, "per_subject": 4} | limits
        self.queue = FairQueue(QueueLimits(**bounds), "The work")
        self.order: list[str] = []
        self.may_end = asyncio.Semaphore(0)

    async def ask(self, requester: Requester) -> None:
        async def work() -> None:
            self.order.append(f"{requester.address}{requester.subject}")
            await self.may_end.acquire()

        await self.queue.run(requester, work)

    async def requested(self, *jobs: tuple[str, str]) -> list[asyncio.Task[None]]:
        return await self.requested_by(*(Requester(*job) for job in jobs))

    async def requested_by(self, *requesters: Requester) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self.ask(requester)) for requester in requesters]
        await settle()
        return tasks

    async def finish(self, *tasks: asyncio.Task[None]) -> list[BaseException | None]:
        for _ in range(500):
            self.may_end.release()
        return await asyncio.gather(*tasks, return_exceptions=True)


def status_of(result: object) -> int:
    return problem_of(result).status if isinstance(result, DomainError) else 200


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def open_desk() -> Callable[..., Desk]:
    return Desk


async def test_a_flood_of_one_address_delays_others_by_one_job(open_desk: Callable[..., Desk]) -> None:
    """Of 110 requests at once of one account, a log-in that comes last of all waits for two."""
    desk = open_desk()
    flood = await desk.requested(*[("bad", "a")] * 110)
    other = await desk.requested(("good", "b"))
    results = await desk.finish(*flood, *other)
    assert desk.order.index("goodb") == 2
    assert results[-1] is None
    assert [status_of(result) for result in results].count(429) == 110 - 1 - 4


async def test_one_account_has_few_waiting_from_wherever(open_desk: Callable[..., Desk]) -> None:
    """Beyond its bound an account is refused with 429 and Retry-After, from any address; another account is not."""
    desk = open_desk()
    tasks = await desk.requested(*[(f"10.0.0.{n}", "ann") for n in range(10)], ("10.0.0.1", "bob"))
    results = await desk.finish(*tasks)
    refused = [result for result in results if isinstance(result, DomainError)]
    assert len(refused) == 10 - 1 - 4
    assert {(problem_of(problem).status, problem_of(problem).headers["Retry-After"]) for problem in refused} == {
        (429, "1")
    }
    assert results[-1] is None


async def test_one_address_has_a_bounded_number_waiting(open_desk: Callable[..., Desk]) -> None:
    """Many names from one address are bounded together."""
    desk = open_desk(per_address=3)
    tasks = await desk.requested(*[("bad", str(n)) for n in range(10)])
    assert desk.queue.waiting == 3
    results = await desk.finish(*tasks)
    assert sum(isinstance(result, DomainError) for result in results) == 6


async def test_subjects_of_one_address_take_turns(open_desk: Callable[..., Desk]) -> None:
    """Behind one address, such as an office's, one person's flood delays a colleague by one job."""
    desk = open_desk()
    tasks = await desk.requested(("nat", "x"), ("nat", "x"), ("nat", "x"), ("nat", "y"))
    await desk.finish(*tasks)
    assert desk.order.index("naty") == 2


async def test_a_full_queue_refuses_the_greediest(open_desk: Callable[..., Desk]) -> None:
    """Who has most waiting loses its newest to someone new; among equals the newcomer gets 503."""
    desk = open_desk(waiting=4)
    bad = await desk.requested(*[("bad", str(n)) for n in range(5)])
    good = await desk.requested(("good", "1"))
    results = await desk.finish(*bad, *good)
    assert [status_of(result) for result in results] == [200, 200, 200, 200, 429, 200]

    desk = open_desk(waiting=2)
    tasks = await desk.requested(*[(str(n), "") for n in range(4)])
    results = await desk.finish(*tasks)
    assert [status_of(result) for result in results] == [200, 200, 200, 503]


async def test_an_ipv6_network_has_one_turn_in_a_full_queue(open_desk: Callable[..., Desk]) -> None:
    """Of a /48, 101 addresses, each with a /64 to itself, ask first: a log-in from elsewhere waits for two of them."""
    desk = open_desk()
    flood = [Requester.anonymous(f"2001:db8:0:{number:x}::1", "eve") for number in range(101)]
    bad = await desk.requested_by(*flood)
    good = await desk.requested_by(Requester.anonymous("198.51.100.7", "ann"))
    results = await desk.finish(*bad, *good)
    assert desk.order[2].startswith("198.51.100.7")
    assert (status_of(results[-1]), [status_of(result) for result in results].count(429)) == (200, 1)


async def test_neighbours_in_an_ipv6_network_share_it(open_desk: Callable[..., Desk]) -> None:
    """One customer of a provider floods: the bound is his alone, and a neighbour waits for two, in a full queue too."""
    flood = [Requester.anonymous("2001:db8:0:1::1", str(number)) for number in range(10)]
    for limits, refused in (({"per_address": 3}, 6), ({"waiting": 3}, 7)):
        desk = open_desk(**limits)
        bad = await desk.requested_by(*flood)
        good = await desk.requested_by(Requester.anonymous("2001:db8:0:2::1", "ann"))
        results = await desk.finish(*bad, *good)
        assert desk.order[2].startswith("2001:db8:0:2:")
        assert sum(status_of(result) != 200 for result in results) == refused


@pytest.mark.parametrize(
    ("address", "places"),
    [
        ("198.51.100.7", ("198.51.100.7", "198.51.100.7")),
        ("2001:db8:1:2::3", ("2001:db8:1::/48", "2001:db8:1:2::/64")),
        ("::ffff:198.51.100.7", ("::ffff:198.51.100.7", "::ffff:198.51.100.7")),
        ("unknown", ("unknown", "unknown")),
    ],
)
def test_an_address_is_in_a_network(address: str, places: tuple[str, str]) -> None:
    """Of IPv6, providers give a customer a /64 at least and a /48 at most; of IPv4, an address."""
    assert Requester.anonymous(address, "ann").places[:2] == places
    assert Requester.account("7", address).places[:2] == places


async def test_a_cancelled_waiter_frees_its_place(open_desk: Callable[..., Desk]) -> None:
    """Cancelled while waiting, running, or in the moment of its turn: nothing is left behind, the next is served."""
    desk = open_desk(waiting=3)
    running, second, third, fourth = await desk.requested(("a", ""), ("b", ""), ("c", ""), ("d", ""))
    second.cancel()
    await settle()
    assert desk.queue.waiting == 2
    running.cancel()
    third.cancel()  # its turn has not come: it waits for `running` to end
    await settle()
    fifth = (await desk.requested(("e", "")))[0]
    results = await desk.finish(fourth, fifth)
    assert results == [None, None]
    assert [name for name in desk.order if name != "c"] == ["a", "d", "e"]
    assert desk.queue.waiting == 0
