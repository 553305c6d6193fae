"""An S3 bucket of backups.

The bucket belongs to the operator: its credentials and region come from the AWS environment, not from DocStore's
settings.
"""

import base64
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import orjson
from botocore.config import Config

from docstore_contents.s3.store import ObjectNotFound
from docstore_contents.s3.transport import THREADS, errors_translated
from docstore_platform.clock import utc_now
from docstore_standalone.backup import catalogue
from docstore_standalone.backup.catalogue import Catalogue
from docstore_standalone.backup.manifest import FORMAT, MANIFEST, BackupDamaged, BackupRefused, Manifest
from docstore_standalone.backup.places.bucket_lock import BucketLock
from docstore_standalone.backup.places.files import make_folder, sha256_of
from docstore_standalone.backup.places.stored_contents import StoredContents
from docstore_standalone.backup.places.target import CATALOGUE, MARK, backup_name, check_mark
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


class BucketTarget:
    """`Target` in a bucket, below a prefix."""

    def __init__(self, address: str, options: BucketOptions) -> None:
        parts = urlsplit(address)
        self.address = address.rstrip("/")
        self._bucket, prefix = parts.netloc, parts.path.strip("/")
        if not self._bucket:
            raise BackupRefused(f"{address} names no bucket: it is written as s3://BUCKET/PREFIX")
        self._prefix = f"{prefix}/" if prefix else ""
        self._options = options
        self._s3: Any = _client(options)
        self._copies = tempfile.TemporaryDirectory(prefix="docstore-backup-")
        self._folder = Path(self._copies.name)
        self.drafts = self._folder / "drafts"
        make_folder(self.drafts)
        self._stored = StoredContents()
        self._lock = BucketLock(self._s3, self._bucket, self._key("lock"))

    @classmethod
    def existing(cls, address: str, options: BucketOptions) -> "BucketTarget":
        """Open a place; BackupRefused if it has no backups, or those of another version."""
        target = cls(address, options)
        with target._closed_on_error():
            target._check()
        return target

    @classmethod
    def prepared(cls, address: str, options: BucketOptions) -> "BucketTarget":
        """Open or create a place; BackupRefused if it has other contents or another version."""
        target = cls(address, options)
        with target._closed_on_error():
            if next(target._keys(""), None) is None:
                target._put(MARK, orjson.dumps({"format": FORMAT}))
            target._check()
        return target

    @contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _check(self) -> None:
        try:
            mark = orjson.loads(self._get(MARK))
        except ObjectNotFound:
            raise BackupRefused(f"{self.address} is not a place of backups: it has no {MARK}") from None
        except orjson.JSONDecodeError as error:
            raise BackupDamaged(f"{self.address}/{MARK} can't be read: {error}") from error
        check_mark(mark, self.address)

    @contextmanager
    def locked(self) -> Iterator[None]:
        with errors_translated(), self._lock.held(self.address):
            yield

    @contextmanager
    def catalogue(self) -> Iterator[Catalogue]:
        path = self._folder / CATALOGUE
        with errors_translated():
            try:
                self._s3.download_file(self._bucket, self._key(CATALOGUE), str(path))
            except self._s3.exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                    raise
            self._stored.begin((name, size) for name, size in self._listed("contents/"))
        with catalogue.opened(path) as known:
            yield known
        with errors_translated():
            self._s3.upload_file(str(path), self._bucket, self._key(CATALOGUE))

    def names(self) -> list[str]:
        keys = self._keys("backups/")
        return sorted(key.split("/")[1] for key in keys if key.endswith(f"/{MANIFEST}") and key.count("/") == 2)

    def location(self, name: str) -> str:
        return f"{self.address}/backups/{name}"

    def begin(self, moment: datetime) -> Path:
        whole = self.names()
        self._delete([key for key in self._keys("backups/") if key.split("/")[1] not in whole])
        return make_folder(self._folder / "begun" / backup_name(moment, after=whole[-1] if whole else ""))

    def finish(self, here: Path, manifest: Manifest) -> None:
        for part in manifest.parts:
            self._send(here / part.path, f"backups/{here.name}/{part.path}", part.sha256)
        manifest.write(here)
        self._lock.check()
        path = here / MANIFEST
        self._send(path, f"backups/{here.name}/{MANIFEST}", sha256_of(path))

    def open(self, name: str, only: Sequence[str] = ()) -> Path:
        folder, under = self._folder / "opened" / name, f"backups/{name}/"
        for file in only or [key.removeprefix(under) for key in self._keys(under)]:
            make_folder((folder / file).parent)
            with errors_translated():
                self._s3.download_file(self._bucket, self._key(f"{under}{file}"), str(folder / file))
        return folder

    def check(self, name: str, manifest: Manifest) -> None:
        sizes = dict(self._listed(f"backups/{name}/"))
        for part in manifest.parts:
            if sizes.get(f"backups/{name}/{part.path}") != part.size:
                raise BackupDamaged(f"{self.location(name)}/{part.path} is missing or has another size")

    def remove(self, name: str) -> None:
        self._lock.check()
        self._delete([f"backups/{name}/{MANIFEST}"])
        self._delete(list(self._keys(f"backups/{name}/")))

    def has(self, sha256: str, size: int) -> bool:
        return self._stored.size(f"{sha256[:2]}/{sha256}") == size

    def add(self, draft: Path, sha256: str) -> None:
        size, name = draft.stat().st_size, f"{sha256[:2]}/{sha256}"
        extra = {"StorageClass": self._options.storage_class} if self._options.storage_class else {}
        self._send(draft, f"contents/{name}", sha256, **extra)
        self._stored.add(name, size)
        draft.unlink()

    def fetch(self, sha256: str) -> Path:
        descriptor, path = tempfile.mkstemp(dir=self.drafts)
        os.close(descriptor)
        key = self._key(f"contents/{sha256[:2]}/{sha256}")
        with errors_translated():
            try:
                self._s3.download_file(self._bucket, key, path)
            except self._s3.exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                    raise FileNotFoundError(f"s3://{self._bucket}/{key}") from None
                raise
        return Path(path)

    def release(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def retain(self, known: Catalogue) -> None:
        """Lock each content for twice the time once its lock is shorter than that: few calls a backup."""
        if not self._options.lock_days:
            return
        days = timedelta(days=self._options.lock_days)
        until = utc_now() + 2 * days
        contents = known.unprotected(until=until - days)
        with ThreadPoolExecutor(THREADS) as threads:
            for _ in threads.map(partial(self._protect, until=until), contents):
                pass
        known.protected(contents, until)

    def _protect(self, sha256: str, *, until: datetime) -> None:
        retention = {"Mode": self._options.lock_mode.upper(), "RetainUntilDate": until}
        with errors_translated():
            self._s3.put_object_retention(
                Bucket=self._bucket, Key=self._key(f"contents/{sha256[:2]}/{sha256}"), Retention=retention
            )

    def contents(self) -> Iterator[str]:
        return (key.removeprefix("contents/") for key in self._keys("contents/"))

    def delete_contents(self, names: list[str]) -> None:
        self._lock.check()
        self._delete([f"contents/{name}" for name in names])

    def quarantine(self, sha256: str) -> None:
        name = f"contents/{sha256[:2]}/{sha256}"
        try:
            path = self.fetch(sha256)
        except FileNotFoundError:
            return
        if sha256_of(path) != sha256:
            with errors_translated():
                source = {"Bucket": self._bucket, "Key": self._key(name)}
                self._s3.copy(source, self._bucket, self._key(f"{name}.damaged"))
            self._delete([name])
        self.release(path)

    def logs(self) -> list[str]:
        return [name.removeprefix("oplog/") for name in self._keys("oplog/")]

    def add_log(self, draft: Path, name: str, sha256: str) -> None:
        self._send(draft, f"oplog/{name}", sha256)

    def log(self, name: str) -> Path:
        path = make_folder(self._folder / "oplog") / name
        with errors_translated():
            self._s3.download_file(self._bucket, self._key(f"oplog/{name}"), str(path))
        return path

    def remove_logs(self, names: Sequence[str]) -> None:
        self._delete([f"oplog/{name}" for name in names])

    def close(self) -> None:
        self._stored.close()
        self._copies.cleanup()

    def _key(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def _keys(self, under: str) -> Iterator[str]:
        return (name for name, _ in self._listed(under))

    def _listed(self, under: str) -> Iterator[tuple[str, int]]:
        """Iterate over names, without the prefix, and sizes."""
        with errors_translated():
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._key(under))
            for page in pages:
                for each in page.get("Contents", []):
                    yield each["Key"].removeprefix(self._prefix), each["Size"]

    def _get(self, name: str) -> bytes:
        with errors_translated():
            data: bytes = self._s3.get_object(Bucket=self._bucket, Key=self._key(name))["Body"].read()
        return data

    def _put(self, name: str, data: bytes) -> None:
        with errors_translated():
            self._s3.put_object(Bucket=self._bucket, Key=self._key(name), Body=data)

    def _send(self, path: Path, name: str, sha256: str, **extra: Any) -> None:
        """Store a file; the store verifies its SHA-256, or the size of a large one."""
        key, size = self._key(name), path.stat().st_size
        with errors_translated():
            if size <= ONE_PUT_BYTES:
                checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
                with path.open("rb") as file:
                    self._s3.put_object(Bucket=self._bucket, Key=key, Body=file, ChecksumSHA256=checksum, **extra)
                return
            self._s3.upload_file(str(path), self._bucket, key, ExtraArgs=extra)
            if self._s3.head_object(Bucket=self._bucket, Key=key)["ContentLength"] != size:
                raise BackupDamaged(f"{name} did not arrive completely in {self.address}")

    def _delete(self, names: list[str]) -> None:
        for start in range(0, len(names), DELETE_BATCH):
            batch = [{"Key": self._key(name)} for name in names[start : start + DELETE_BATCH]]
            with errors_translated():
                answer = self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": batch, "Quiet": True})
            for failure in answer.get("Errors", []):
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
