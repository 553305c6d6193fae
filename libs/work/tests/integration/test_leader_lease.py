"""One leader at a time, on a real MongoDB."""

import asyncio

import pytest

from docstore_platform.mongodb.client import Collection, Mongo
from docstore_platform.settings import InfraSettings
from docstore_work.leader_lease import LeaderLease

pytestmark = pytest.mark.connected


@pytest.fixture
def leases(infra: InfraSettings, mongo: Mongo) -> Collection:
    return mongo.database(f"{infra.database_prefix}work")["leases"]


async def test_one_of_ten_instances_leads(leases: Collection) -> None:
    """However many ask at once; the leader renews, and after it has given up another one leads."""
    instances = [LeaderLease(leases, "archive", seconds=600) for _ in range(10)]
    leads = await asyncio.gather(*(instance.hold() for instance in instances))
    assert leads.count(True) == 1
    leader = instances.pop(leads.index(True))
    assert await leader.hold()
    assert leader.is_held
    await leader.give_up()
    assert not leader.is_held
    assert (await asyncio.gather(*(instance.hold() for instance in instances))).count(True) == 1


async def test_a_lease_that_has_ended_is_taken_over(leases: Collection) -> None:
    """An instance that died needs no operator; one that comes back late does not lead beside the next."""
    late, next_one = LeaderLease(leases, "archive", seconds=0), LeaderLease(leases, "archive", seconds=600)
    assert await late.hold()
    while not await next_one.hold():
        pass
    assert not await late.hold()


async def test_leases_are_independent(leases: Collection) -> None:
    """Each kind of work has its own leader."""
    assert await LeaderLease(leases, "archive", seconds=600).hold()
    assert await LeaderLease(leases, "audit", seconds=600).hold()


async def test_an_operator_takes_a_lease_that_is_held(leases: Collection) -> None:
    """The leader does not lead any more once its lease would have to be renewed; after the operator it may again."""
    leader, operator = LeaderLease(leases, "archive", seconds=0), LeaderLease(leases, "archive", seconds=600)
    assert await leader.hold()
    await operator.take_over()
    assert operator.is_held
    assert not await leader.hold()
    await operator.give_up()
    assert await leader.hold()
