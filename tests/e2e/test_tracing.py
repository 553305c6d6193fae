"""One trace from the HTTP request through outbox and Kafka into the last consumer."""

import secrets

import pytest
from event_log import EventLog, Seen
from people import Person

pytestmark = pytest.mark.connected

FOLLOWING = {"metadata", "upload", "quota", "indexer", "notify"}
"""The services that say something because an upload is completed."""


@pytest.mark.parametrize("sampled", ["01", "00"])
async def test_the_callers_trace_reaches_every_event_that_follows(ada: Person, events: EventLog, sampled: str) -> None:
    """The client's trace id is in the events of each service; span ids and sampling are ours."""
    await ada.found("nothing yet")
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    trace = {"traceparent": f"00-{trace_id}-{span_id}-{sampled}"}
    body = {"path": "/traced.txt", "size": 4, "method": "put"}
    upload = await ada.call("POST", "/v1/uploads", body, trace)
    await ada.send(upload, b"text")
    await ada.call("POST", f"/v1/uploads/{upload['id']}/complete", {}, trace)

    def traced(seen: list[Seen]) -> list[Seen]:
        return [one for one in seen if one.traceparent and one.traceparent.split("-")[1] == trace_id]

    def all_have_spoken(seen: list[Seen]) -> bool:
        return {one.source for one in traced(seen)} >= FOLLOWING

    seen = await events.until(all_have_spoken)
    published = traced(seen)
    assert {one.event.type for one in published} >= {
        "upload-initiated",
        "file-created",
        "upload-completed",
        "usage-changed",
        "file-indexed",
        "notification-sent",
    }
    assert all(one.traceparent and one.traceparent.split("-")[2] != span_id for one in published)
    of_our_own = {one.traceparent[-2:] for one in seen if one.traceparent and one not in published}
    assert {one.traceparent[-2:] for one in published if one.traceparent} == of_our_own


async def test_events_without_a_given_trace_share_one_of_ours(ada: Person, events: EventLog) -> None:
    """Every request without a trace begins its own."""
    upload = await ada.begin("/untraced.txt", 1)
    await ada.send(upload, b"x")
    file = await ada.complete(upload)

    def trace_ids(seen: list[Seen]) -> dict[str, str]:
        keys = {upload["id"], file["id"]}
        return {one.event.type: (one.traceparent or "--").split("-")[1] for one in seen if one.event.key() in keys}

    wanted = {"upload-initiated", "upload-completed", "file-created", "file-indexed"}
    traces = trace_ids(await events.until(lambda seen: trace_ids(seen).keys() >= wanted))
    assert len(traces["upload-completed"]) == 32
    assert traces["upload-completed"] == traces["file-created"] == traces["file-indexed"]
    assert traces["upload-initiated"] != traces["upload-completed"]
