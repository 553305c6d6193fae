"""Clients of the embedded servers, and notes written to all of them."""

import asyncio
import uuid
from typing import Any

import boto3
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError
from botocore.config import Config
from pymongo import AsyncMongoClient

from docstore_platform.testing import eventually
from docstore_standalone.credentials import S3Credentials
from docstore_standalone.embedded.mailbox import read_mailbox
from docstore_standalone.servers import Servers

TOPIC, GROUP = "notes", "readers"


def aws_client(servers: Servers, service: str, keys: S3Credentials, token: str | None = None) -> Any:
    """A boto3 client of the object store or the mailbox."""
    return boto3.client(
        service,
        endpoint_url=servers.ses_endpoint if service == "sesv2" else servers.s3_endpoint,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        aws_session_token=token,
        region_name=servers.region,
        config=Config(signature_version="v4" if service != "s3" else "s3v4", s3={"addressing_style": "path"}),
    )


class Notebook:
    """Writes a note to every server, and reads them all back."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self.s3 = aws_client(servers, "s3", servers.services_keys)
        self.ses = aws_client(servers, "sesv2", servers.services_keys)

    async def write(self) -> str:
        """Returns once every server has acknowledged it."""
        note = uuid.uuid4().hex
        await asyncio.gather(self._mongo_write(note), self._s3_write(note), self._kafka_write(note), self._mail(note))
        return note

    async def _mongo_write(self, note: str) -> None:
        async with (
            AsyncMongoClient[dict[str, Any]](self.servers.mongo_url) as mongo,
            mongo.start_session() as session,
            await session.start_transaction(),
        ):
            await mongo["notes"]["first"].insert_one({"_id": note}, session=session)
            await mongo["notes"]["second"].insert_one({"_id": note}, session=session)

    async def _s3_write(self, note: str) -> None:
        bucket = self.servers.content_bucket
        await asyncio.to_thread(self.s3.put_object, Bucket=bucket, Key=f"notes/{note}", Body=note.encode())

    async def _kafka_write(self, note: str) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers.kafka_bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1)])
        except TopicAlreadyExistsError:
            pass
        finally:
            await admin.close()
        producer = AIOKafkaProducer(bootstrap_servers=self.servers.kafka_bootstrap, acks="all")
        await producer.start()
        await producer.send_and_wait(TOPIC, note.encode())
        await producer.stop()

    async def _mail(self, note: str) -> None:
        await asyncio.to_thread(
            self.ses.send_email,
            FromEmailAddress="a@example.com",
            Destination={"ToAddresses": ["b@example.com"]},
            Content={"Raw": {"Data": f"From: a@example.com\r\nSubject: {note}\r\n\r\n{note}\r\n".encode()}},
        )

    async def read(self) -> list[list[str]]:
        """What each server has: two collections, objects, records and mails."""
        return await asyncio.gather(
            self._mongo("first"), self._mongo("second"), self._objects(), self.records(), self._mails()
        )

    async def _mongo(self, collection: str) -> list[str]:
        async with AsyncMongoClient[dict[str, Any]](self.servers.mongo_url) as mongo:
            return sorted([row["_id"] async for row in mongo["notes"][collection].find()])

    async def _objects(self) -> list[str]:
        bucket = self.servers.content_bucket
        answer = await asyncio.to_thread(self.s3.list_objects_v2, Bucket=bucket, Prefix="notes/")
        keys = [entry["Key"] for entry in answer.get("Contents", [])]
        bodies = [self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys]
        return sorted(bodies)

    async def _mails(self) -> list[str]:
        return sorted(mail.subject for mail in read_mailbox(self.servers.mailbox))

    async def records(self) -> list[str]:
        """Every record of the topic, from its beginning."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.servers.kafka_bootstrap, fetch_max_wait_ms=50)
        await consumer.start()
        try:
            partition = TopicPartition(TOPIC, 0)
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            end = (await consumer.end_offsets([partition]))[partition]
            notes: list[str] = []
            while await consumer.position(partition) < end:
                notes += [
                    record.value.decode() for record in (await consumer.getmany(timeout_ms=100)).get(partition, [])
                ]
            return sorted(notes)
        finally:
            await consumer.stop()

    async def unread(self) -> list[str]:
        """Records after the group's committed offset; commits them.

        As the only reader it takes the partition without joining the group: tansu holds a join back for half the
        session's timeout.
        """
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.servers.kafka_bootstrap,
            group_id=GROUP,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=50,
        )
        await consumer.start()
        try:
            consumer.assign([TopicPartition(TOPIC, 0)])
            batch: dict[TopicPartition, list[Any]] = await eventually(lambda: consumer.getmany(timeout_ms=200))
            await consumer.commit()
            return [record.value.decode() for records in batch.values() for record in records]
        finally:
            await consumer.stop()
