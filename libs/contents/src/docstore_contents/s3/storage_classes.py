"""Storage classes of objects: what was archived must be restored before it can be read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from boto3.s3.transfer import TransferConfig

from docstore_contents.s3.presigned import S3Config
from docstore_contents.s3.transport import ObjectNotFound, ObjectStoreError, S3Transport

STANDARD = "STANDARD"
ARCHIVE_CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Objects of other classes can be read at once."""
COPY_CONFIG = TransferConfig(multipart_threshold=64 << 20, multipart_chunksize=64 << 20, max_concurrency=4)
ALREADY_RESTORING = "RestoreAlreadyInProgress"
_ONGOING = re.compile(r'ongoing-request="true"')

Restoration = Literal["none", "ongoing", "done"]
Tier = Literal["Expedited", "Standard", "Bulk"]


@dataclass(frozen=True, slots=True)
class StoredState:
    """An object's storage class, and what a copy of it needs; `size` in bytes."""

    key: str
    size: int
    storage_class: str
    restoration: Restoration
    content_type: str
    metadata: Mapping[str, str]

    @property
    def is_archived(self) -> bool:
        """Whether its class must be restored before it is read, restored or not."""
        return self.storage_class in ARCHIVE_CLASSES


class StorageClasses:
    """The part of an ObjectStore that moves objects between storage classes. Awaited methods: ObjectStoreError."""

    transport: S3Transport
    config: S3Config

    async def stored_state(self, key: str) -> StoredState | None:
        """Return an object's storage class and restoration; None if it does not exist."""
        try:
            found = await self.transport.call("head_object", Key=key)
        except ObjectNotFound:
            return None
        restore = found.get("Restore")
        return StoredState(
            key,
            found["ContentLength"],
            found.get("StorageClass", STANDARD),
            "none" if not restore else "ongoing" if _ONGOING.search(restore) else "done",
            found.get("ContentType", "application/octet-stream"),
            found.get("Metadata", {}),
        )

    async def change_class(self, state: StoredState, storage_class: str) -> None:
        """Copy an object onto itself in another class, a large one in parts. ObjectNotFound if it is gone.

        Key, bytes, type and metadata stay, tags do not. The ETag of an object that was sent in parts changes.
        """
        await self.transport.call(
            "copy",
            CopySource={"Bucket": self.config.bucket, "Key": state.key},
            Key=state.key,
            ExtraArgs={
                "StorageClass": storage_class,
                "MetadataDirective": "REPLACE",
                "TaggingDirective": "REPLACE",
                "Metadata": dict(state.metadata),
                "ContentType": state.content_type,
            },
            Config=COPY_CONFIG,
        )

    async def restore_object(self, key: str, *, days: int, tier: Tier) -> None:
        """Request that an archived object becomes readable for some days; repeatable."""
        request = {"Days": days, "GlacierJobParameters": {"Tier": tier}}
        try:
            await self.transport.call("restore_object", Key=key, RestoreRequest=request)
        except ObjectStoreError as error:
            if error.code != ALREADY_RESTORING:
                raise
