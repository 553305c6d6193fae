"""Writes docs/api/events.md, the AsyncAPI document as people read it: `python tools/generate_event_page.py`."""

from pathlib import Path
from typing import Any

import yaml
from json_refs import resolved

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "libs/events/asyncapi.yaml"
TARGET = ROOT / "docs/api/events.md"

Json = dict[str, Any]


def text() -> str:
    """A section for each topic, a table for each event."""
    document = yaml.safe_load(SOURCE.read_text("utf-8"))
    lines = [f"# {document['info']['title']}", document["info"]["description"], ""]
    for name, channel in document["channels"].items():
        if name.endswith(".dlq"):
            continue
        lines += [f"## Topic `{channel['address']}`", channel["description"], ""]
        for message in channel["messages"].values():
            lines += _event(document, resolved(document, message))
    lines += ["## Parts of events", ""]
    for name in sorted(_parts(document)):
        lines += _table(document, name, document["components"]["schemas"][name])
    lines += [f"Every topic has a dead-letter topic, `<topic>.dlq`. Source: `{SOURCE.relative_to(ROOT)}`.", ""]
    return "\n".join(lines)


def _event(document: Json, message: Json) -> list[str]:
    payload = resolved(document, message["payload"])
    title = message.get("title") or message["name"]
    return _table(document, title, {"description": message.get("summary", ""), **payload})


def _table(document: Json, title: str, schema: Json) -> list[str]:
    required = set(schema.get("required", ()))
    rows = [
        f"| `{name}` | {_kind(document, field)} | {'' if name in required else 'optional'} | {_told(field)} |"
        for name, field in schema.get("properties", {}).items()
    ]
    return [f"### {title}", schema.get("description", ""), "", "| field | type | | |", "|---|---|---|---|", *rows, ""]


def _parts(document: Json) -> set[str]:
    """Names of the schemas that fields of the events refer to."""
    schemas = document["components"]["schemas"]
    return {name for name in schemas if f"'#/components/schemas/{name}'" in str(schemas)}


def _told(field: Json) -> str:
    return " ".join(field.get("description", "").split()).replace("|", "\\|")


def _kind(document: Json, field: Json) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for choice in ("anyOf", "oneOf"):
        if choice in field:
            return " or ".join(_kind(document, each) for each in field[choice])
    if "enum" in field or "const" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return f"list of {_kind(document, field.get('items', {}))}"
    return str(field.get("format", field.get("type", "any")))


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text(), "utf-8")
