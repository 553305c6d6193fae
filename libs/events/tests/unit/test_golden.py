"""Samples of every version of every event, kept for ever: what was once sent can always be read."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_origin

import orjson
import pytest
from pydantic import BaseModel

from docstore_events.catalogue import EVENT_TYPES
from docstore_events.catalogue.event import Event
from docstore_events.consuming.batch_consumer import MAX_BATCH
from docstore_events.envelope import SEQUENCE_DIGITS, TYPE_PREFIX, Envelope, UnreadableMessage, open_envelope

GOLDEN = Path(__file__).parents[1] / "golden"
SAMPLES = sorted(GOLDEN.glob("*.json"))


def load(path: Path) -> tuple[dict[str, str], Any, Envelope[Event]]:
    sample = orjson.loads(path.read_bytes())
    headers = [(name, value.encode()) for name, value in sample["headers"].items()]
    envelope = open_envelope(headers, orjson.dumps(sample["value"]))
    assert envelope is not None
    return sample["headers"], sample["value"], envelope


def kept(golden: Any, dumped: Any) -> bool:
    """Whether all of `golden` is in `dumped`; fields that came later may be there too."""
    if isinstance(golden, dict):
        return isinstance(dumped, dict) and all(name in dumped and kept(golden[name], dumped[name]) for name in golden)
    return bool(golden == dumped)


def test_every_event_has_a_sample_of_its_present_version() -> None:
    """A new event, or a new version of one, comes with a sample."""
    expected = {f"{event.type}.v{event.schema_version}.json" for event in EVENT_TYPES.values()}
    assert expected <= {path.name for path in SAMPLES}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_read_and_written_as_it_was(path: Path) -> None:
    """No field was renamed, dropped or given another meaning. Headers follow CloudEvents 1.0, which events of the first
    release did not: their sequence compares as text, and a schema is named in place of a version."""
    headers, value, envelope = load(path)
    version = headers.pop("ce_schemaversion")
    assert path.name == f"{envelope.event.type}.v{version}.json"
    assert kept(value, orjson.loads(envelope.event.model_dump_json()))
    headers["ce_sequence"] = headers["ce_sequence"].zfill(SEQUENCE_DIGITS)
    headers["ce_dataschema"] = f"urn:docstore:event:{envelope.event.type}:v{version}"
    assert {name: text.decode() for name, text in envelope.headers()} == headers


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_an_event_that_is_not_wanted_is_not_read(path: Path) -> None:
    """Its type in the headers is enough to leave it: the value may be anything."""
    headers, _, envelope = load(path)
    encoded = [(name, text.encode()) for name, text in headers.items()]
    assert open_envelope(encoded, b"{nonsense", ()) is None
    with pytest.raises(UnreadableMessage):
        open_envelope(encoded, b"{nonsense", {type(envelope.event)})


def test_headers_that_are_missing_or_no_text_make_a_message_unreadable() -> None:
    """Whichever of those that are needed; others are not looked at."""
    headers, value, envelope = load(SAMPLES[0])
    encoded = {name: text.encode() for name, text in headers.items()} | {"of_tomorrow": b"\xff"}
    assert open_envelope(list(encoded.items()), orjson.dumps(value)) == envelope
    for name in ("ce_type", "ce_id", "ce_source", "ce_time"):
        for wrong in (b"\xff", None):
            with pytest.raises(UnreadableMessage):
                open_envelope(list((encoded | {name: wrong}).items()), orjson.dumps(value))
        with pytest.raises(UnreadableMessage):
            open_envelope([each for each in encoded.items() if each[0] != name], orjson.dumps(value))


def changeable(kind: Any, value: object) -> bool:
    """Whether a consumer could change a value of this annotation, or a part of it, unnoticed by the type checker."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields.items()
        inner = any(changeable(field.annotation, getattr(value, name)) for name, field in fields)
        return inner or not value.model_config.get("frozen")
    if isinstance(value, tuple):
        return any(changeable(None, item) for item in value)
    return isinstance(value, list | set | dict | bytearray) and get_origin(kind) is not Mapping


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_consumers_of_one_process_share_an_event(path: Path) -> None:
    """It is read once for all of them, and none can change it for the others."""
    _, _, envelope = load(path)
    assert load(path)[2].event is envelope.event
    assert not changeable(None, envelope.event)


def test_a_whole_batch_is_read_once_for_all_consumers() -> None:
    """Each consumer takes as many events as it may before the next one begins, and finds them all."""
    headers, value, _ = load(SAMPLES[0])
    records = [[(name, text.encode()) for name, text in {**headers, "ce_id": str(i)}.items()] for i in range(MAX_BATCH)]
    first, second = ([open_envelope(each, orjson.dumps(value)) for each in records] for _ in range(2))
    assert all(one is other for one, other in zip(first, second, strict=True))


def test_a_large_event_is_not_kept() -> None:
    """Two thousand of a folder with a thousand readers would take hundreds of megabytes."""
    headers, value, envelope = load(GOLDEN / "file-created.v1.json")
    encoded = [(name, text.encode()) for name, text in headers.items()]
    readers = [f"{number:032}" for number in range(1000)]
    content = orjson.dumps({**value, "file": {**value["file"], "readers": readers}})
    one, other = open_envelope(encoded, content), open_envelope(encoded, content)
    assert one == other != envelope
    assert one is not other


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_field_of_a_later_release_is_ignored(path: Path) -> None:
    """An older consumer reads a newer event."""
    headers, value, envelope = load(path)
    encoded = [(name, text.encode()) for name, text in headers.items()]
    newer = open_envelope(encoded, orjson.dumps({**value, "field_of_tomorrow": [1]}))
    assert newer == envelope


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_type_in_the_form_of_the_next_release_is_known(path: Path) -> None:
    """A release that publishes it may run beside this one."""
    headers, value, envelope = load(path)
    encoded = [(name, text.encode()) for name, text in {**headers, "ce_type": TYPE_PREFIX + headers["ce_type"]}.items()]
    assert open_envelope(encoded, orjson.dumps(value)) == envelope


def test_sequences_compare_as_text_as_their_numbers_do() -> None:
    """Consumers that know nothing of DocStore order events by this header alone."""
    _, _, envelope = load(SAMPLES[0])
    revisions = (1, 2, 9, 10, 99, 100, 2**63 - 1)
    sealed = [replace(envelope, event=envelope.event.model_copy(update={"revision": each})) for each in revisions]
    sequences = [dict(each.headers())["ce_sequence"] for each in sealed]
    assert sequences == sorted(sequences)
