"""What a backup consists of. Its manifest is written last: a backup without one is none."""

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
    """Something of the backup is missing, or is not what its manifest says."""


class BackupRefused(Exception):
    """This can't be backed up, or restored, to or from there."""


class Part(BaseModel):
    """A file of the backup, by its path in it."""

    model_config = ConfigDict(frozen=True)

    path: str
    size: int
    sha256: str


class CollectionPart(BaseModel):
    """A collection of one service's database: its documents are BSON, one after the other, in zstd."""

    model_config = ConfigDict(frozen=True)

    service: str = Field(description="the database's name without the deployment's prefix")
    name: str
    documents: int
    options: dict[str, Any]
    indexes: list[dict[str, Any]]
    part: Part


class Manifest(BaseModel):
    """`objects` lists the contents, a line of JSON each: key, size, sha256, content_type, metadata."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    name: str
    region: str
    began_at: datetime
    finished_at: datetime
    snapshot_at: datetime = Field(description="the moment of the databases; contents are those that it refers to")
    collections: list[CollectionPart]
    objects: Part
    object_count: int
    object_bytes: int
    credentials: Part | None = Field(description="of a stack that made its own secrets; others bring theirs")

    @property
    def documents(self) -> int:
        return sum(collection.documents for collection in self.collections)

    @property
    def services(self) -> list[str]:
        return sorted({collection.service for collection in self.collections})

    @property
    def parts(self) -> list[Part]:
        ours = [self.credentials] if self.credentials else []
        return [*(collection.part for collection in self.collections), self.objects, *ours]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all that it says: which backup this is."""
        return hashlib.sha256(orjson.dumps(self.model_dump(mode="json"))).hexdigest()

    def write(self, folder: Path) -> None:
        """At once or not at all, with its own digest."""
        document = {"manifest": self.model_dump(mode="json"), "sha256": self.digest}
        write_private(folder / MANIFEST, orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """BackupDamaged if it is not what was written; BackupRefused if it is of another version."""
        path = folder / MANIFEST
        try:
            document = orjson.loads(path.read_bytes())
            fields = document["manifest"]
            if fields["format"] != FORMAT:
                raise BackupRefused(f"{path} is of format {fields['format']}; this version reads format {FORMAT}")
            manifest = cls.model_validate(fields)
            if manifest.digest != document["sha256"]:
                raise BackupDamaged(f"{path} is damaged: it is not what was written")
        except FileNotFoundError:
            raise BackupDamaged(f"there is no whole backup in {folder}: {MANIFEST} is missing") from None
        except (orjson.JSONDecodeError, KeyError, TypeError, ValidationError) as error:
            raise BackupDamaged(f"{path} is damaged: {error}") from error
        return manifest
