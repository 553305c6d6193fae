"""The embedded broker's log in its bucket: read and shortened there, since tansu itself can't.

Below `clusters/docstore/`, each partition has in `topics/TOPIC/partitions/0000000000/` a `watermark.json`, whose `high`
is the offset of the next record, and an object `records/00000000000000000042.batch` for each batch, named by its first
offset. A group's committed offset is `groups/consumers/GROUP/offsets/TOPIC/partitions/0000000000.json`.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit
from xml.etree import ElementTree

from docstore_contents.s3.signing import Credentials as SigningKeys
from docstore_contents.s3.signing import Signer, encode_key
from docstore_standalone.embedded.tansu.broker import CLUSTER_ID, LogBucket

RESPONSE_SECONDS = 10.0
SIGNED_SECONDS = 60
MAX_LISTED = 1000
"""S3's limit of keys in one listing or deletion."""


@dataclass(frozen=True, slots=True)
class LogPartition:
    topic: str
    number: int

    @property
    def folder(self) -> str:
        return f"{_topic_folder(self.topic)}{self.number:010}/"


@dataclass(frozen=True, slots=True)
class Batch:
    first: int
    """Offset of its first record."""
    written: datetime


class BrokerLog:
    """One connection to the bucket, without an S3 library. OSError or HTTPException if the store does not respond."""

    def __init__(self, where: LogBucket) -> None:
        keys = SigningKeys(where.keys.access_key_id, where.keys.secret_access_key)
        self._bucket = where.bucket
        self._signer = Signer(where.endpoint, keys, region=where.region)
        parts = urlsplit(where.endpoint)
        connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = connect(parts.netloc, timeout=RESPONSE_SECONDS)

    def close(self) -> None:
        self._connection.close()

    async def partitions(self, topic: str) -> list[LogPartition]:
        """Return the topic's partitions; none for an unknown topic."""
        folder = _topic_folder(topic)
        listed = await self._list(folder, MAX_LISTED, delimiter="/")
        prefixes = [entry.text or "" for entry in listed.iterfind("{*}CommonPrefixes/{*}Prefix")]
        return [LogPartition(topic, int(prefix.removeprefix(folder).rstrip("/"))) for prefix in prefixes]

    async def oldest(self, partition: LogPartition, number: int) -> list[Batch]:
        """Return the first batches by offset, at most `number`."""
        listed = await self._list(f"{partition.folder}records/", number)
        return [
            Batch(
                int((entry.findtext("{*}Key") or "").rpartition("/")[2].removesuffix(".batch")),
                datetime.fromisoformat(entry.findtext("{*}LastModified") or ""),
            )
            for entry in listed.iterfind("{*}Contents")
        ]

    async def end(self, partition: LogPartition) -> int:
        """Return the offset of the next record."""
        watermark = await self._ask("GET", f"{partition.folder}watermark.json")
        return (json.loads(watermark)["high"] or 0) if watermark is not None else 0

    async def committed(self, group: str, partition: LogPartition) -> int | None:
        """Return the offset of the group's first unhandled record; None if it does not read the partition."""
        folder = f"groups/consumers/{group}/offsets/{partition.topic}/partitions"
        commit = await self._ask("GET", f"clusters/{CLUSTER_ID}/{folder}/{partition.number:010}.json")
        return int(json.loads(commit)["offset"]) if commit is not None else None

    async def delete(self, partition: LogPartition, batches: Sequence[Batch]) -> None:
        """Delete at most 1000 batches in one request: the store would log single ones one by one."""
        request = ElementTree.Element("Delete")
        ElementTree.SubElement(request, "Quiet").text = "true"
        for batch in batches:
            entry = ElementTree.SubElement(request, "Object")
            ElementTree.SubElement(entry, "Key").text = f"{partition.folder}records/{batch.first:020}.batch"
        response = await self._ask("POST", "", {"delete": ""}, ElementTree.tostring(request))
        for refused in ElementTree.fromstring(response or b"").iterfind("{*}Error"):
            raise OSError(f"{refused.findtext('{*}Key')} can't be deleted: {refused.findtext('{*}Message')}")

    async def _list(self, prefix: str, most: int, **query: str) -> ElementTree.Element:
        query = {"list-type": "2", "prefix": prefix, "max-keys": str(most), **query}
        return ElementTree.fromstring(await self._ask("GET", "", query) or b"")

    async def _ask(
        self, method: str, key: str, query: Mapping[str, str] | None = None, body: bytes = b""
    ) -> bytes | None:
        """Return the store's response; None if the object does not exist."""
        path = encode_key(f"/{self._bucket}/{key}".rstrip("/"))
        url = self._signer.presign(method, path, expires_in=SIGNED_SECONDS, query=query)
        return await asyncio.to_thread(self._exchange, method, url.removeprefix(self._signer.origin), body)

    def _exchange(self, method: str, target: str, body: bytes) -> bytes | None:
        md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        try:
            self._connection.request(method, target, body or None, {"Content-MD5": md5} if body else {})
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, HTTPException):
            self._connection.close()  # the next request opens another
            raise
        if response.status == 404:
            return None
        if response.status >= 300:
            raise OSError(f"{method} {target.partition('?')[0]}: {response.status} {content[:200]!r}")
        return content


def _topic_folder(topic: str) -> str:
    return f"clusters/{CLUSTER_ID}/topics/{topic}/partitions/"
