"""AsyncAPI 3 document of every event; `python -m docstore_events.asyncapi` writes libs/events/asyncapi.yaml.

FastStream's own generator makes a channel of every message. Here a topic is one channel with all its messages, as a
consumer of the topic receives them.
"""

import ast
import inspect
import sys
import textwrap
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from docstore_events.catalogue import EVENT_TYPES
from docstore_events.catalogue.event import DEAD_LETTER_SUFFIX, TOPICS, Event
from docstore_events.envelope import SEQUENCE_DIGITS

Json = dict[str, Any]

TARGET = Path(__file__).parents[2] / "asyncapi.yaml"
VERSION = "1.0.0"
DESCRIPTION = """Facts that DocStore's services publish, as CloudEvents 1.0 in Kafka's binary mode: attributes
are record headers, the event's JSON is the value, the key is the aggregate's id. A topic per aggregate keeps each
aggregate's events in order; `revision` is their gapless number. An event may arrive more than once, always with the
same `ce_id`. Ignore unknown fields: fields may be added, never removed or changed within a `ce_dataschema`."""

SERVERS: Json = {
    "kafka": {
        "host": "{brokers}",
        "protocol": "kafka",
        "description": "The brokers of a deployment.",
        "variables": {
            "brokers": {
                "default": "127.0.0.1:9092",
                "description": "As in the services' setting DOCSTORE_KAFKA_BOOTSTRAP.",
            }
        },
    }
}
_TEXT = {"type": "string"}
_MOMENT = {"type": "string", "format": "date-time"}
_HEADERS: Json = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {**_TEXT, "description": "Unique; the same when the event is republished."},
    "ce_type": _TEXT,
    "ce_source": {**_TEXT, "description": "/docstore/ and the service that publishes it."},
    "ce_time": {**_MOMENT, "description": "When it happened."},
    "ce_subject": {**_TEXT, "description": "Id of the aggregate, also the record's key."},
    "ce_sequence": {
        **_TEXT,
        "pattern": f"^[0-9]{{{SEQUENCE_DIGITS}}}$",
        "description": "The event's revision, padded with zeros to compare as text.",
    },
    "ce_dataschema": {
        **_TEXT,
        "format": "uri",
        "description": "Identifier of the JSON Schema of the value: `$id` of a file in docs/api/events.",
    },
    "content-type": {"type": "string", "const": "application/json"},
}
_OPTIONAL_HEADERS: Json = {"traceparent": {**_TEXT, "description": "W3C trace context of its cause."}}
_DEAD_LETTER_HEADERS: Json = {
    "dlq_id": {**_TEXT, "description": "Id by which an operator replays it."},
    "dlq_reason": {**_TEXT, "description": "unreadable, failed, or waits_for: and the id of the one before it."},
    "dlq_consumer": {**_TEXT, "description": "The service that could not handle it."},
}


def document() -> Json:
    """Return the AsyncAPI document of all events."""
    events = [EVENT_TYPES[name] for name in sorted(EVENT_TYPES)]
    _, definitions = models_json_schema(
        [(event, "serialization") for event in events], ref_template="#/components/schemas/{model}"
    )
    schemas = definitions["$defs"]
    for model in _models(events):
        _describe(schemas[model.__name__], model)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "DocStore events", "version": VERSION, "description": " ".join(DESCRIPTION.split("\n"))},
        "servers": SERVERS,
        "defaultContentType": "application/json",
        "channels": {name: channel for topic in TOPICS for name, channel in _channels(topic, events).items()},
        "operations": {f"publish-{event.type}": _operation(event) for event in events},
        "components": {
            "messages": {event.type: _message(event) for event in events},
            "messageTraits": {
                "cloud-event": {
                    "headers": {
                        "type": "object",
                        "required": list(_HEADERS),
                        "properties": {**_HEADERS, **_OPTIONAL_HEADERS},
                    }
                }
            },
            "schemas": {name: schemas[name] for name in sorted(schemas)},
        },
    }


def dump() -> str:
    """Return the file's text; equal for equal events."""
    import yaml  # needed by the generator only, never by a service

    text: str = yaml.safe_dump(_plain(document()), sort_keys=False, allow_unicode=True, width=110)
    return text


def _channels(topic: str, events: list[type[Event]]) -> dict[str, Json]:
    of_topic = [event for event in events if event.topic == topic]
    about = inspect.getdoc(sys.modules[of_topic[0].__module__])
    messages = {event.type: {"$ref": f"#/components/messages/{event.type}"} for event in of_topic}
    dead = {
        "dead-letter": {
            "title": "Dead letter",
            "summary": "A record of the topic as it arrived, with the reason why it was dead-lettered.",
            "headers": {
                "type": "object",
                "required": list(_DEAD_LETTER_HEADERS),
                "properties": _DEAD_LETTER_HEADERS,
            },
            "payload": {"description": "The record's value, readable or not."},
        }
    }
    name = topic + DEAD_LETTER_SUFFIX
    return {
        topic: {"address": topic, "description": about, "messages": messages, "bindings": _topic_binding(topic)},
        name: {
            "address": name,
            "description": f"Events of `{topic}` that a service could not handle.",
            "messages": dead,
            "bindings": _topic_binding(name),
        },
    }


def _topic_binding(topic: str) -> Json:
    return {"kafka": {"topic": topic, "bindingVersion": "0.5.0"}}


def _operation(event: type[Event]) -> Json:
    return {
        "action": "send",
        "title": f"{event.owner} publishes {event.type}",
        "channel": {"$ref": f"#/channels/{event.topic}"},
        "messages": [{"$ref": f"#/channels/{event.topic}/messages/{event.type}"}],
        "tags": [{"name": event.owner}],
    }


def _message(event: type[Event]) -> Json:
    return {
        "name": event.type,
        "title": event.__name__,
        "summary": _doc(event),
        "contentType": "application/json",
        "tags": [{"name": event.owner}],
        "traits": [{"$ref": "#/components/messageTraits/cloud-event"}],
        "headers": {
            "type": "object",
            "properties": {
                "ce_type": {"type": "string", "const": event.type},
                "ce_dataschema": {"type": "string", "const": event.schema_uri()},
            },
        },
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
    }


def _models(events: list[type[Event]]) -> set[type[BaseModel]]:
    """Return the events and the models they contain."""
    held = {
        kind
        for event in events
        for field in event.model_fields.values()
        for kind in (field.annotation, *get_args(field.annotation))
        if isinstance(kind, type) and issubclass(kind, BaseModel)
    }
    return {*events, *held}


def _describe(schema: Json, model: type[BaseModel]) -> None:
    """Copy the docstring below each field into its schema."""
    for base in model.__mro__:
        if issubclass(base, BaseModel) and base is not BaseModel:
            for name, text in _field_docs(base).items():
                if name in schema["properties"]:
                    schema["properties"][name].setdefault("description", text)


def _field_docs(model: type[BaseModel]) -> dict[str, str]:
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(definition, ast.ClassDef)
    docs: dict[str, str] = {}
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            docs[field.target.id] = inspect.cleandoc(str(below.value.value))
    return docs


def _doc(event: type[Event]) -> str:
    return inspect.cleandoc(event.__doc__ or "")


def _plain(node: Any) -> Any:
    """Return a copy without shared parts, which YAML would write as anchors."""
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(item) for item in node]
    return node


if __name__ == "__main__":
    TARGET.write_text(dump(), "utf-8")
