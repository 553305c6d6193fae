"""The bucket that a place of backups is in: its objects below a prefix, and how they are stored."""

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from docstore_contents.s3.transport import THREADS, errors_translated
from docstore_standalone.backup.manifest import BackupDamaged, BackupRefused
from docstore_standalone.backup.places.bucket_lock import BucketLock
from docstore_standalone.settings import LockMode, StorageClass

ONE_PUT_BYTES = 64 << 20
"""Size up to which the store verifies the SHA-256 of a content; larger ones are sent in parts."""
DELETE_BATCH = 1000


@dataclass(frozen=True, slots=True)
class BucketOptions:
    """How contents are stored. `endpoint`: of a store that is not AWS; `lock_days`: 0 for no Object Lock."""

    endpoint: str | None = None
    storage_class: StorageClass | None = None
    lock_days: int = 0
    lock_mode: LockMode = "governance"


class Bucket:
    """Objects by their names below the prefix of `address`, s3://BUCKET/PREFIX. Methods block. ObjectStoreError."""

    def __init__(self, address: str, options: BucketOptions) -> None:
        parts = urlsplit(address)
        self.address = address.rstrip("/")
        self.name, prefix = parts.netloc, parts.path.strip("/")
        if not self.name:
            raise BackupRefused(f"{address} names no bucket: it is written as s3://BUCKET/PREFIX")
        self._prefix = f"{prefix}/" if prefix else ""
        self._options = options
        self._s3: Any = _client(options)

    def key(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def lock(self, name: str) -> BucketLock:
        """Return the lock that the object of this name is."""
        return BucketLock(self._s3, self.name, self.key(name))

    def names(self, under: str) -> Iterator[str]:
        return (name for name, _ in self.sizes(under))

    def sizes(self, under: str) -> Iterator[tuple[str, int]]:
        """Iterate over the names and sizes of the objects below `under`."""
        with errors_translated():
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=self.key(under))
            for page in pages:
                for each in page.get("Contents", []):
                    yield each["Key"].removeprefix(self._prefix), each["Size"]

    def get(self, name: str) -> bytes:
        """Return an object's bytes; ObjectNotFound."""
        with errors_translated():
            data: bytes = self._s3.get_object(Bucket=self.name, Key=self.key(name))["Body"].read()
        return data

    def put(self, name: str, data: bytes) -> None:
        with errors_translated():
            self._s3.put_object(Bucket=self.name, Key=self.key(name), Body=data)

    def download(self, name: str, path: Path) -> None:
        """Write an object to a file; ObjectNotFound."""
        with errors_translated():
            self._s3.download_file(self.name, self.key(name), str(path))

    def upload(self, path: Path, name: str, sha256: str) -> None:
        """Store a file; the store verifies its SHA-256, or the size of a large one."""
        self._upload(path, name, sha256, {})

    def upload_content(self, path: Path, name: str, sha256: str) -> None:
        """Store a file as `upload` does, in the storage class of contents."""
        storage_class = self._options.storage_class
        self._upload(path, name, sha256, {"StorageClass": storage_class} if storage_class else {})

    def upload_unverified(self, path: Path, name: str) -> None:
        """Store a file that may be lost."""
        with errors_translated():
            self._s3.upload_file(str(path), self.name, self.key(name))

    def copy(self, name: str, new_name: str) -> None:
        with errors_translated():
            source = {"Bucket": self.name, "Key": self.key(name)}
            self._s3.copy(source, self.name, self.key(new_name))

    def protect(self, name: str, until: datetime) -> None:
        """Forbid the deletion of an object by Object Lock."""
        retention = {"Mode": self._options.lock_mode.upper(), "RetainUntilDate": until}
        with errors_translated():
            self._s3.put_object_retention(Bucket=self.name, Key=self.key(name), Retention=retention)

    def _upload(self, path: Path, name: str, sha256: str, extra: dict[str, Any]) -> None:
        key, size = self.key(name), path.stat().st_size
        with errors_translated():
            if size <= ONE_PUT_BYTES:
                checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
                with path.open("rb") as file:
                    self._s3.put_object(Bucket=self.name, Key=key, Body=file, ChecksumSHA256=checksum, **extra)
                return
            self._s3.upload_file(str(path), self.name, key, ExtraArgs=extra)
            if self._s3.head_object(Bucket=self.name, Key=key)["ContentLength"] != size:
                raise BackupDamaged(f"{name} did not arrive completely in {self.address}")

    def delete(self, names: list[str]) -> None:
        for start in range(0, len(names), DELETE_BATCH):
            batch = [{"Key": self.key(name)} for name in names[start : start + DELETE_BATCH]]
            with errors_translated():
                response = self._s3.delete_objects(Bucket=self.name, Delete={"Objects": batch, "Quiet": True})
            for failure in response.get("Errors", []):
                raise BackupRefused(f"{failure['Key']} was not deleted: {failure.get('Code')}")


def _client(options: BucketOptions) -> Any:
    is_elsewhere = options.endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    session = boto3.session.Session()
    return session.client(
        "s3",
        endpoint_url=options.endpoint,
        region_name=session.region_name or "us-east-1",
        config=Config(
            max_pool_connections=THREADS,
            retries={"mode": "standard", "total_max_attempts": 5},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if is_elsewhere else "auto"},
        ),
    )
