"""Encryption at rest by the object store itself (SSE-S3): of new objects by default, and of those stored before."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any
from urllib.parse import urlencode

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import ClientError

from docstore_contents.s3.presigned import S3Config

ALGORITHM = "AES256"
BY_DEFAULT = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": ALGORITHM}}]}
COPY_SECONDS = 600
"""Time limit of one call: a large object is copied within it."""
REWRITTEN_BYTES = 32 << 20
"""Larger objects are copied within the store. Packs, blocks and pictures are smaller."""
NO_DEFAULT = "ServerSideEncryptionConfigurationNotFoundError"
DONE_KEY = ".encrypted"
DELETED = frozenset({"404", "NoSuchKey"})
CHANGED = frozenset({"412", "PreconditionFailed"})
REPORT_EVERY = 1000

log = structlog.get_logger(__name__)


class UploadsUnderWay(Exception):
    """Uploads have parts in clear. SeaweedFS would join them with encrypted ones to an object that it can't read."""


class BucketEncryption:
    """One bucket, with keys that may change its settings. Blocks; calls raise BotoCoreError or ClientError."""

    def __init__(self, config: S3Config) -> None:
        self.bucket = config.bucket
        self.client = boto3.session.Session().client(
            "s3",
            endpoint_url=config.endpoint,
            region_name=config.region,
            aws_access_key_id=config.access_key_id,
            aws_secret_access_key=config.secret_access_key,
            config=Config(
                read_timeout=COPY_SECONDS,
                request_checksum_calculation="when_required",
                s3={"addressing_style": "path" if config.path_style else "virtual"},
            ),
        )

    def encrypt_new(self) -> None:
        """Let the store encrypt every object written from now on. UploadsUnderWay: not yet possible."""
        if self._is_default():
            return
        for upload in self._pages("list_multipart_uploads", "Uploads"):
            address = {"Bucket": self.bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
            if self.client.list_parts(**address, MaxParts=1).get("Parts"):
                raise UploadsUnderWay(f"parts of {upload['Key']} in {self.bucket} are in clear")
        self.client.put_bucket_encryption(Bucket=self.bucket, ServerSideEncryptionConfiguration=BY_DEFAULT)

    def _is_default(self) -> bool:
        try:
            self.client.get_bucket_encryption(Bucket=self.bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] == NO_DEFAULT:
                return False
            raise
        return True

    def is_encrypted(self) -> bool:
        """Whether `encrypt_existing` has completed a pass before."""
        return bool(self.client.list_objects_v2(Bucket=self.bucket, Prefix=DONE_KEY, MaxKeys=1).get("Contents"))

    def encrypt_existing(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Encrypt all objects that are not; return their number. Repeatable; requires `encrypt_new`.

        Keys, ETags, properties and tags stay. Objects may be written and deleted meanwhile. InterruptedError once
        `stopping` returns True.
        """
        encrypted = 0
        for item in self._pages("list_objects_v2", "Contents"):
            if stopping():
                raise InterruptedError(f"{encrypted} objects of {self.bucket} were encrypted, not all")
            encrypted += self._encrypt(item["Key"])
            if encrypted and encrypted % REPORT_EVERY == 0:
                log.info("objects_encrypted", bucket=self.bucket, number=encrypted)
        self.client.put_object(Bucket=self.bucket, Key=DONE_KEY, Body=b"")
        return encrypted

    def _pages(self, operation: str, items: str) -> Iterator[dict[str, Any]]:
        pages = self.client.get_paginator(operation).paginate(Bucket=self.bucket)
        return chain.from_iterable(page.get(items, []) for page in pages)

    def _encrypt(self, key: str) -> bool:
        """Return whether it was in clear. A deleted or rewritten object needs nothing."""
        try:
            found = self.client.head_object(Bucket=self.bucket, Key=key)
            if "ServerSideEncryption" in found:
                return False
            self._rewrite(key, found) if _is_small(found) else self._copy(key, found)
        except ClientError as error:
            if error.response["Error"]["Code"] in DELETED | CHANGED:
                return False
            raise
        return True

    def _rewrite(self, key: str, found: dict[str, Any]) -> None:
        """Write it again, unless it has been rewritten or deleted since: a copy can't depend on that."""
        response = self.client.get_object(Bucket=self.bucket, Key=key, IfMatch=found["ETag"])
        tags = self.client.get_object_tagging(Bucket=self.bucket, Key=key)["TagSet"]
        self.client.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=response["Body"].read(),
            IfMatch=found["ETag"],
            ContentType=found["ContentType"],
            Metadata=found["Metadata"],
            Tagging=urlencode({tag["Key"]: tag["Value"] for tag in tags}),
        )

    def _copy(self, key: str, found: dict[str, Any]) -> None:
        """Copy it onto itself, which a store accepts only if something is replaced. Large contents are never rewritten;
        one that is deleted meanwhile is found again as a stray."""
        self.client.copy_object(
            Bucket=self.bucket,
            Key=key,
            CopySource={"Bucket": self.bucket, "Key": key},
            CopySourceIfMatch=found["ETag"],
            ServerSideEncryption=ALGORITHM,
            MetadataDirective="REPLACE",
            Metadata=found["Metadata"],
            ContentType=found["ContentType"],
            TaggingDirective="COPY",
        )


def _is_small(found: dict[str, Any]) -> bool:
    """Whether one PUT stores it with the same ETag, which that of an upload in parts is not."""
    return found["ContentLength"] <= REWRITTEN_BYTES and "-" not in found["ETag"]
