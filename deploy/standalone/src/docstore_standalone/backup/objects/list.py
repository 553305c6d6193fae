"""The list of a backup's objects: a line of JSON each."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import orjson

from docstore_standalone.backup.catalogue import Stored
from docstore_standalone.backup.manifest import BackupDamaged, Part
from docstore_standalone.backup.places.files import PackedWriter, unpacked

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
