"""An S3 bucket of backups.

The bucket belongs to the operator: its credentials and region come from the AWS environment, not from DocStore's
settings.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import orjson

from docstore_contents.s3.store import ObjectNotFound, ObjectStoreError
from docstore_contents.s3.transport import THREADS, errors_translated
from docstore_platform.clock import utc_now
from docstore_standalone.backup import catalogue
from docstore_standalone.backup.catalogue import Catalogue
from docstore_standalone.backup.manifest import FORMAT, MANIFEST, BackupDamaged, BackupRefused, Manifest
from docstore_standalone.backup.places.bucket import Bucket, BucketOptions
from docstore_standalone.backup.places.files import make_folder, sha256_of
from docstore_standalone.backup.places.stored_contents import StoredContents
from docstore_standalone.backup.places.target import CATALOGUE, MARK, backup_name, check_mark


class BucketTarget:
    """`Target` in a bucket, below a prefix."""

    def __init__(self, address: str, options: BucketOptions) -> None:
        self._bucket = Bucket(address, options)
        self.address = self._bucket.address
        self._lock_days = options.lock_days
        self._copies = tempfile.TemporaryDirectory(prefix="docstore-backup-")
        self._folder = Path(self._copies.name)
        self.drafts = self._folder / "drafts"
        make_folder(self.drafts)
        self._stored = StoredContents()
        self._lock = self._bucket.lock("lock")

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
            if next(target._bucket.names(""), None) is None:
                target._bucket.put(MARK, orjson.dumps({"format": FORMAT}))
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
            mark = orjson.loads(self._bucket.get(MARK))
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
        with suppress(ObjectNotFound):
            self._bucket.download(CATALOGUE, path)
        self._stored.begin(self._bucket.sizes("contents/"))
        with catalogue.opened(path) as known:
            try:
                yield known
            except BaseException:  # also when cancelled: the next run continues where this one stopped
                # The first error is the one to report.
                with suppress(BackupRefused, ObjectStoreError, OSError, sqlite3.Error):
                    self.store_catalogue(known)
                raise
            self.store_catalogue(known)

    def store_catalogue(self, known: Catalogue) -> None:
        self._lock.check()
        copy = self._folder / f"{CATALOGUE}.copy"
        known.copy_to(copy)
        self._bucket.upload_unverified(copy, CATALOGUE)

    def names(self) -> list[str]:
        keys = self._bucket.names("backups/")
        return sorted(key.split("/")[1] for key in keys if key.endswith(f"/{MANIFEST}") and key.count("/") == 2)

    def location(self, name: str) -> str:
        return f"{self.address}/backups/{name}"

    def begin(self, moment: datetime) -> Path:
        whole = self.names()
        self._bucket.delete([key for key in self._bucket.names("backups/") if key.split("/")[1] not in whole])
        return make_folder(self._folder / "begun" / backup_name(moment, after=whole[-1] if whole else ""))

    def finish(self, here: Path, manifest: Manifest) -> None:
        for part in manifest.parts:
            self._bucket.upload(here / part.path, f"backups/{here.name}/{part.path}", part.sha256)
        manifest.write(here)
        self._lock.check()
        path = here / MANIFEST
        self._bucket.upload(path, f"backups/{here.name}/{MANIFEST}", sha256_of(path))

    def open(self, name: str, only: Sequence[str] = ()) -> Path:
        folder, under = self._folder / "opened" / name, f"backups/{name}/"
        for file in only or [key.removeprefix(under) for key in self._bucket.names(under)]:
            make_folder((folder / file).parent)
            self._bucket.download(f"{under}{file}", folder / file)
        return folder

    def check(self, name: str, manifest: Manifest) -> None:
        sizes = dict(self._bucket.sizes(f"backups/{name}/"))
        for part in manifest.parts:
            if sizes.get(f"backups/{name}/{part.path}") != part.size:
                raise BackupDamaged(f"{self.location(name)}/{part.path} is missing or has another size")

    def remove(self, name: str) -> None:
        self._lock.check()
        self._bucket.delete([f"backups/{name}/{MANIFEST}"])
        self._bucket.delete(list(self._bucket.names(f"backups/{name}/")))

    def has(self, sha256: str, size: int) -> bool:
        return self._stored.size(f"{sha256[:2]}/{sha256}") == size

    def add(self, draft: Path, sha256: str) -> None:
        size = draft.stat().st_size
        self._bucket.upload_content(draft, _content_name(sha256), sha256)
        self._stored.add(f"{sha256[:2]}/{sha256}", size)
        draft.unlink()

    def fetch(self, sha256: str) -> Path:
        descriptor, path = tempfile.mkstemp(dir=self.drafts)
        os.close(descriptor)
        name = _content_name(sha256)
        try:
            self._bucket.download(name, Path(path))
        except ObjectNotFound:
            raise FileNotFoundError(f"{self.address}/{name}") from None
        return Path(path)

    def release(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def retain(self, known: Catalogue) -> None:
        """Lock each content for twice the time once its lock is shorter than that: few calls a backup."""
        if not self._lock_days:
            return
        days = timedelta(days=self._lock_days)
        until = utc_now() + 2 * days
        contents = known.unprotected(until=until - days)
        with ThreadPoolExecutor(THREADS) as threads:
            for _ in threads.map(partial(self._protect, until=until), contents):
                pass
        known.protected(contents, until)

    def _protect(self, sha256: str, *, until: datetime) -> None:
        self._bucket.protect(_content_name(sha256), until)

    def contents(self) -> Iterator[str]:
        return (key.removeprefix("contents/") for key in self._bucket.names("contents/"))

    def delete_contents(self, names: list[str]) -> None:
        self._lock.check()
        self._bucket.delete([f"contents/{name}" for name in names])

    def quarantine(self, sha256: str) -> None:
        name = _content_name(sha256)
        try:
            path = self.fetch(sha256)
        except FileNotFoundError:
            return
        if sha256_of(path) != sha256:
            self._bucket.copy(name, f"{name}.damaged")
            self._bucket.delete([name])
        self.release(path)

    def logs(self) -> list[str]:
        return [name.removeprefix("oplog/") for name in self._bucket.names("oplog/")]

    def add_log(self, draft: Path, name: str, sha256: str) -> None:
        self._bucket.upload(draft, f"oplog/{name}", sha256)

    def log(self, name: str) -> Path:
        path = make_folder(self._folder / "oplog") / name
        self._bucket.download(f"oplog/{name}", path)
        return path

    def remove_logs(self, names: Sequence[str]) -> None:
        self._bucket.delete([f"oplog/{name}" for name in names])

    def close(self) -> None:
        self._stored.close()
        self._copies.cleanup()


def _content_name(sha256: str) -> str:
    return f"contents/{sha256[:2]}/{sha256}"
