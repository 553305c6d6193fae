"""Writes the JSON Schema of each event's value to docs/api/events: `python tools/generate_event_schemas.py`.

The header `ce_dataschema` of an event names the `$id` of its schema. Schemas of older versions stay.
"""

import json
import re
from pathlib import Path
from typing import Any

from docstore_events.asyncapi import document
from docstore_events.catalogue import EVENT_TYPES

Json = dict[str, Any]

FOLDER = Path(__file__).parents[1] / "docs/api/events"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = re.compile(r'"#/components/schemas/(\w+)"')


def texts() -> dict[str, str]:
    """Return the files by name, one for each event."""
    schemas = document()["components"]["schemas"]
    return {
        f"{event.type}.v{event.schema_version}.schema.json": _text(
            {
                "$schema": DIALECT,
                "$id": event.schema_uri(),
                **schemas[event.__name__],
                **_definitions(event.__name__, schemas),
            }
        )
        for event in EVENT_TYPES.values()
    }


def _definitions(name: str, schemas: Json) -> Json:
    """Return all schemas that one refers to."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        names = set(REFERENCE.findall(json.dumps(schemas[waiting.pop()]))) - found
        found |= names
        waiting += names
    return {"$defs": {each: schemas[each] for each in sorted(found)}} if found else {}


def _text(schema: Json) -> str:
    text = json.dumps(schema, indent=2, ensure_ascii=False)
    return REFERENCE.sub(r'"#/$defs/\1"', text) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in texts().items():
        (FOLDER / name).write_text(text, "utf-8")
