"""A replica of a region's contents, in the object store of another region."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from deployments import Bucket
from gateway_ports import free_gateway_port

from docstore_standalone.credentials import S3Credentials
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import start_stack

OTHER = "ap-southeast-2"
REPLICA = f"docstore-content-{OTHER}"
"""Stands for a bucket of its own: the other region has no accounts here."""


@dataclass(frozen=True)
class Replica:
    """The replica, and the keys to it."""

    endpoint: str
    keys: S3Credentials
    client: Any

    async def follow(self, source: Bucket) -> None:
        """What the operator's store does: copy every object."""

        def copy() -> None:
            for entry in source._entries("accounts/"):
                found = source._client.get_object(Bucket=source.name, Key=entry["Key"])
                self.client.put_object(Bucket=REPLICA, Key=entry["Key"], Body=found["Body"].read())

        await asyncio.to_thread(copy)

    @property
    def settings(self) -> dict[str, str]:
        """Of the region whose contents are replicated."""
        return {
            "DOCSTORE_S3_REPLICA_ENDPOINT": self.endpoint,
            "DOCSTORE_S3_REPLICA_REGION": OTHER,
            "DOCSTORE_S3_REPLICA_BUCKET": REPLICA,
            "DOCSTORE_S3_REPLICA_ACCESS_KEY_ID": self.keys.access_key_id,
            "DOCSTORE_S3_REPLICA_SECRET_ACCESS_KEY": self.keys.secret_access_key,
        }


@asynccontextmanager
async def running_replica(data: Path) -> AsyncIterator[Replica]:
    """A stack of the other region, for the block."""
    async with await start_stack(StandaloneSettings(data=data, port=free_gateway_port(), region=OTHER)) as other:
        keys = other.servers.services_keys
        client = boto3.client(
            "s3",
            endpoint_url=other.servers.s3_endpoint,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            region_name=OTHER,
        )
        yield Replica(other.servers.s3_endpoint, keys, client)
