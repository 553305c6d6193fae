"""The committed AsyncAPI document is what the events are."""

from collections.abc import Iterator
from typing import Any

from docstore_events.asyncapi import TARGET, document, dump
from docstore_events.catalogue import EVENT_TYPES
from docstore_events.catalogue.event import TOPICS
from docstore_events.catalogue.usage import UsageChanged
from docstore_events.envelope import seal
from docstore_platform.services import SERVICE_NAMES

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from refs(value)
    elif isinstance(node, list):
        for item in node:
            yield from refs(item)


def resolve(whole: Any, ref: str) -> Any:
    found = whole
    for part in ref.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_committed_document_is_the_generated_one() -> None:
    """An account that changes an event runs `make generate`, so that other systems read what is sent."""
    assert TARGET.read_text("utf-8") == dump(), "run: make generate"


def test_every_reference_leads_somewhere() -> None:
    """A tool that follows the document finds all of it."""
    whole = document()
    for ref in refs(whole):
        assert resolve(whole, ref), ref


def test_every_event_is_on_its_topic_with_its_owner() -> None:
    """A reader finds for each event its topic, its meaning, its fields and its service."""
    whole = document()
    for event in EVENT_TYPES.values():
        assert event.topic in TOPICS
        assert event.type in whole["channels"][event.topic]["messages"]
        message = whole["components"]["messages"][event.type]
        assert message["summary"].startswith("Emitted ")
        assert event.owner in SERVICE_NAMES
        properties = resolve(whole, message["payload"]["$ref"])["properties"]
        assert set(properties) == set(event.model_fields)
        assert properties["revision"]["description"].startswith("Gapless")


def test_described_headers_are_the_ones_sent() -> None:
    """The headers of the document are those that an envelope writes, no more and no fewer."""
    event = UsageChanged(revision=1, account_id="a", used=1, reserved=0, limit=5, documents=1)
    described = document()["components"]["messageTraits"]["cloud-event"]["headers"]
    bare = {name for name, _ in seal(event, source="quota", traceparent=None).headers()}
    traced = {name for name, _ in seal(event, source="quota", traceparent=TRACEPARENT).headers()}
    assert set(described["required"]) == bare
    assert set(described["properties"]) == traced
