"""Adds partitions to a topic while services run, and keeps the events of each key in order.

    python -m docstore_events.add_partitions TOPIC NUMBER

A key's partition depends on how many there are, and nothing orders the events of two partitions. So relays are held,
until all groups have read what was sent, and then until every relay's client knows of the new partitions. Meanwhile
events wait in the outboxes, for about a minute and a half. If this program dies, the relays go on when its leases end.
"""

import asyncio
import sys
from collections.abc import Iterable

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from docstore_events.connection import kafka_connection
from docstore_events.outbox import relay
from docstore_events.topics import existing_partitions
from docstore_platform.mongodb.client import Mongo
from docstore_platform.services import SERVICE_NAMES
from docstore_platform.settings import InfraSettings
from docstore_work.leader_lease import LeaderLease

log = structlog.get_logger(__name__)

HELD_SECONDS = 4 * relay.LEASE_SECONDS
"""Of the leases that hold the relays; renewed while this program runs."""
LOOK_SECONDS = 1.0


async def add_partitions(
    settings: InfraSettings, mongo: Mongo, topic: str, number: int, services: Iterable[str] = SERVICE_NAMES
) -> None:
    """Give a topic, named without prefix, so many partitions; ValueError if it has as many or more."""
    name = settings.topic_prefix + topic
    groups = [settings.topic_prefix + service for service in services]
    leases = [
        LeaderLease(
            mongo.database(settings.database_prefix + service)[relay.LEASE_COLLECTION], "relay", seconds=HELD_SECONDS
        )
        for service in services
    ]
    admin = AIOKafkaAdminClient(**kafka_connection(settings))
    await admin.start()
    try:
        present = existing_partitions(await admin.describe_topics([name]))[name]
        if not 0 < len(present) < number:
            raise ValueError(f"{name} has {len(present)} partitions")
        for lease in leases:
            await lease.take_over()
        await _wait(leases, relay.LEASE_SECONDS)  # a relay that led knows by then that it does not
        log.info("relays_held", topic=name)
        while waiting := await _unread(settings, admin, groups, [TopicPartition(name, each) for each in present]):
            log.info("waiting_for_consumers", unread=waiting)
            await _wait(leases, LOOK_SECONDS)
        await admin.create_partitions({name: NewPartitions(number)})
        log.info("partitions_added", topic=name, partitions=number)
        await _wait(leases, 1.5 * relay.METADATA_AGE_MS / 1000)
    finally:
        for lease in leases:
            await lease.give_up()
        await admin.close()


async def _wait(leases: Iterable[LeaderLease], seconds: float) -> None:
    """Wait, and keep the leases meanwhile."""
    until = asyncio.get_running_loop().time() + seconds
    while (left := until - asyncio.get_running_loop().time()) > 0:
        for lease in leases:
            if not await lease.hold():
                raise RuntimeError("a relay has begun again")
        await asyncio.sleep(min(left, LOOK_SECONDS))


async def _unread(
    settings: InfraSettings, admin: AIOKafkaAdminClient, groups: Iterable[str], logs: list[TopicPartition]
) -> dict[str, int]:
    """Return how many events of these logs each group has not handled yet; without the groups that read none."""
    consumer = AIOKafkaConsumer(**kafka_connection(settings), enable_auto_commit=False)
    await consumer.start()
    try:
        begins, ends = await consumer.beginning_offsets(logs), await consumer.end_offsets(logs)
    finally:
        await consumer.stop()
    unread: dict[str, int] = {}
    for group in groups:
        found = await admin.list_consumer_group_offsets(group, partitions=logs)
        committed = {log: each.offset for log, each in found.items() if each.offset >= 0}
        left = sum(max(ends[log] - max(committed.get(log, 0), begins[log]), 0) for log in logs) if committed else 0
        if left:
            unread[group] = left
    return unread


async def _main(topic: str, number: int) -> None:
    settings = InfraSettings()
    mongo = Mongo(settings.mongo_url.get_secret_value(), app_name="docstore-add-partitions")
    try:
        await add_partitions(settings, mongo, topic, number)
    finally:
        mongo.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
