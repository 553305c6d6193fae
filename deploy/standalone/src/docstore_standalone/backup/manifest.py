"""Contents of a backup. Its manifest is written last: without one it is no backup."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from docstore_standalone.state import write_private

MANIFEST = "manifest.json"
FORMAT = 1


class BackupDamaged(Exception):
    """A part of the backup is missing or does not match its manifest."""


class BackupRefused(Exception):
    """The backup or restore is not possible from or to there."""


class Part(BaseModel):
    """A file of the backup, by its path in it."""

    model_config = ConfigDict(frozen=True)

    path: str
    size: int
    sha256: str


class CollectionPart(BaseModel):
    """A collection of one service's database: concatenated BSON documents, in zstd."""

    model_config = ConfigDict(frozen=True)

    service: str = Field(description="the database's name without the deployment's prefix")
    name: str
    documents: int
    options: dict[str, Any]
    indexes: list[dict[str, Any]]
    part: Part


class Manifest(BaseModel):
    """Manifest of a backup. `objects`: a line of JSON for each: key, size, sha256, content_type, metadata."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    name: str
    region: str
    began_at: datetime
    finished_at: datetime
    snapshot_at: datetime = Field(description="moment of the databases, which refer to the contents")
    oplog_time: tuple[int, int] | None = Field(None, description="the same as a time of MongoDB's oplog")
    collections: list[CollectionPart]
    objects: Part
    object_count: int
    object_bytes: int
    credentials: Part | None = Field(description="secrets of a stack that created its own")

    @property
    def documents(self) -> int:
        return sum(collection.documents for collection in self.collections)

    @property
    def services(self) -> list[str]:
        return sorted({collection.service for collection in self.collections})

    @property
    def parts(self) -> list[Part]:
        credentials = [self.credentials] if self.credentials else []
        return [*(collection.part for collection in self.collections), self.objects, *credentials]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of its fields, which identifies the backup."""
        return hashlib.sha256(orjson.dumps(self._fields())).hexdigest()

    def _fields(self) -> dict[str, Any]:
        fields = self.model_dump(mode="json")
        if self.oplog_time is None:  # as the versions before wrote it
            del fields["oplog_time"]
        return fields

    def write(self, folder: Path) -> None:
        """Write atomically, with its own digest."""
        document = {"manifest": self._fields(), "sha256": self.digest}
        write_private(folder / MANIFEST, orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a manifest. BackupDamaged if it was changed; BackupRefused for another format version."""
        path = folder / MANIFEST
        try:
            document = orjson.loads(path.read_bytes())
            fields = document["manifest"]
            if fields["format"] != FORMAT:
                raise BackupRefused(f"{path} is of format {fields['format']}; this version reads format {FORMAT}")
            manifest = cls.model_validate(fields)
            if manifest.digest != document["sha256"]:
                raise BackupDamaged(f"{path} is damaged: its contents were changed")
        except FileNotFoundError:
            raise BackupDamaged(f"there is no complete backup in {folder}: {MANIFEST} is missing") from None
        except (orjson.JSONDecodeError, KeyError, TypeError, ValidationError) as error:
            raise BackupDamaged(f"{path} is damaged: {error}") from error
        return manifest
