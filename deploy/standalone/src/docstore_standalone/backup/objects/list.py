"""The list of a backup's objects: a line of JSON each."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import orjson

from docstore_standalone.backup.catalogue import Stored
from docstore_standalone.backup.manifest import MANIFEST, BackupDamaged, Manifest, Part
from docstore_standalone.backup.places.files import PackedWriter, check_part, unpacked
from docstore_standalone.backup.places.target import Target

OBJECTS = "objects.jsonl.zst"


def write_objects(root: Path, objects: Iterable[Stored]) -> tuple[Part, int, int]:
    """Write the list; return its part, the number of objects, and their bytes."""
    count = size = 0
    with PackedWriter(root, OBJECTS) as file:
        for each in objects:
            file.write(orjson.dumps(asdict(each)) + b"\n")
            count, size = count + 1, size + each.size
    return file.part, count, size


def read_objects(root: Path, part: Part) -> Iterator[Stored]:
    """Iterate over objects by key; BackupDamaged for an invalid line."""
    with unpacked(root, part) as lines:
        for line in lines:
            try:
                yield Stored(**orjson.loads(line))
            except (orjson.JSONDecodeError, TypeError) as error:
                raise BackupDamaged(f"{root / part.path} has an invalid line: {error}") from error


def objects_of(target: Target, name: str) -> Iterator[Stored]:
    """Iterate over the objects of a backup by key; BackupDamaged unless their list is as written."""
    folder = target.open(name, [MANIFEST, OBJECTS])
    part = Manifest.read(folder).objects
    check_part(folder, part)
    yield from read_objects(folder, part)
