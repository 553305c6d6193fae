"""The lock of a bucket of backups: an object that only one command can create.

Commands on different machines, with different deployments or none, share nothing but the bucket, so neither a file
lock nor a lease in a database would do. The age of a lock is judged by the store's clock alone.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from docstore_platform.ids import new_id
from docstore_standalone.backup.manifest import BackupRefused

LOCK_SECONDS = 180.0
"""A lock that was not renewed for so long was left by a killed command."""
RENEW_SECONDS = 30.0
TAKEN = (409, 412)


class BucketLock:
    """Exclusive use of the place whose lock is `key`."""

    def __init__(self, s3: Any, bucket: str, key: str) -> None:
        self._s3, self._bucket, self._key = s3, bucket, key
        self._etag = ""
        self._is_lost = False

    @contextmanager
    def held(self, address: str) -> Iterator[None]:
        """Hold it for the block; BackupRefused if another command does."""
        if not self._take():
            raise BackupRefused(f"another backup is being written to {address}")
        ended = threading.Event()
        renewing = threading.Thread(target=self._keep, args=(ended,), name="backup lock", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join()
            if not self._is_lost:
                self._s3.delete_object(Bucket=self._bucket, Key=self._key)

    def check(self) -> None:
        """BackupRefused if the lock was lost: another command may be at work."""
        if self._is_lost:
            raise BackupRefused("another command took over: this one did not respond for minutes; run it again")

    def _take(self) -> bool:
        self._is_lost = False
        if self._put(IfNoneMatch="*"):
            return True
        try:
            found = self._s3.head_object(Bucket=self._bucket, Key=self._key)
        except ClientError as error:
            if _status(error) == 404:  # released at this moment
                return self._put(IfNoneMatch="*")
            raise
        now = parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"])
        is_left = (now - found["LastModified"]).total_seconds() > LOCK_SECONDS
        return is_left and self._put(IfMatch=found["ETag"])

    def _put(self, **condition: str) -> bool:
        """Write a lock of new content, so that its ETag is new; return whether the condition held."""
        content = new_id().encode()
        try:
            self._etag = self._s3.put_object(Bucket=self._bucket, Key=self._key, Body=content, **condition)["ETag"]
        except ClientError as error:
            if _status(error) not in TAKEN:
                raise
            return self._was_stored(content)
        return True

    def _was_stored(self, content: bytes) -> bool:
        """Whether a write succeeded whose response was lost: the client repeated it, and its condition failed."""
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=self._key)
        except ClientError as error:
            if _status(error) == 404:
                return False
            raise
        if bytes(found["Body"].read()) != content:
            return False
        self._etag = found["ETag"]
        return True

    def _keep(self, ended: threading.Event) -> None:
        failures = 0
        while not ended.wait(RENEW_SECONDS):
            try:
                self._is_lost, failures = not self._put(IfMatch=self._etag), 0
            except (BotoCoreError, ClientError):  # no other command takes it over before LOCK_SECONDS
                failures += 1
                self._is_lost = failures * RENEW_SECONDS >= LOCK_SECONDS - RENEW_SECONDS
            if self._is_lost:
                return


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
