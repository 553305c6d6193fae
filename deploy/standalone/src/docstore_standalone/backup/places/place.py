"""Opens a place of backups by its address: a folder, or s3://BUCKET/PREFIX."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from docstore_standalone.backup.places.bucket import BucketOptions
from docstore_standalone.backup.places.bucket_target import BucketTarget
from docstore_standalone.backup.places.folder_target import FolderTarget
from docstore_standalone.backup.places.target import Target

SCHEME = "s3://"


@contextmanager
def existing_target(address: str, options: BucketOptions) -> Iterator[Target]:
    """Open it for the block; BackupRefused if it is none, or of another version."""
    is_bucket = address.startswith(SCHEME)
    target: Target = BucketTarget.existing(address, options) if is_bucket else FolderTarget.existing(_folder(address))
    with closing(target):
        yield target


@contextmanager
def prepared_target(address: str, options: BucketOptions) -> Iterator[Target]:
    """Open or create it for the block; BackupRefused if something else is there."""
    is_bucket = address.startswith(SCHEME)
    target: Target = BucketTarget.prepared(address, options) if is_bucket else FolderTarget.prepared(_folder(address))
    with closing(target):
        yield target


def _folder(address: str) -> Path:
    return Path(address).expanduser().absolute()
