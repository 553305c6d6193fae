"""What machines and phones get to read, and how it is signed."""

import json
import time
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from docstore_notify.channels.aws_services.text_messages import GSM_CHARS, sms_text
from docstore_notify.channels.message import MAX_BODY_BYTES, attributes, message_body
from docstore_notify.channels.signing.webhooks import new_secret, signed_headers
from docstore_notify.channels.webhook import retry_after_seconds
from docstore_notify.domain import Delivery

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DONE = Delivery(
    "d1",
    "anna",
    "webhook",
    "upload_done",
    NOW,
    NOW,
    items=({"file_id": "f1", "path": "/a.txt", "size": 3},),
    event_ids=("e1", "e2"),
)


def named(name: str) -> Delivery:
    return replace(DONE, items=({"file_id": "f1", "path": f"/{name}", "size": 3},), event_ids=("e1",))


def test_the_json_form() -> None:
    """The published form of a message, field by field."""
    assert json.loads(message_body(DONE)) == {
        "id": "d1",
        "type": "upload_done",
        "created_at": "2026-03-01T12:00:00+00:00",
        "items": [{"file_id": "f1", "path": "/a.txt", "size": 3}],
        "more": 1,
    }
    assert attributes(DONE)["delivery_id"] == {"DataType": "String", "StringValue": "d1"}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_any_name_survives(name: str) -> None:
    """Control and unassigned characters, which queues refuse, arrive as they were; the body itself is ASCII."""
    body = message_body(named(name))
    assert body.isascii()
    assert body.isprintable()
    assert json.loads(body)["items"][0]["path"] == f"/{name}"


def test_a_big_message_is_cut_to_what_aws_takes() -> None:
    """Items beyond the limit are counted, not lost unsaid."""
    items = tuple({"path": "/" + "ü" * 4000, "n": n} for n in range(50))
    message = json.loads(body := message_body(replace(DONE, items=items, event_ids=tuple(map(str, range(60))))))
    assert len(body) <= MAX_BODY_BYTES
    assert len(message["items"]) + message["more"] == 60
    assert message["items"]


@given(st.binary(), st.uuids().map(lambda value: value.hex))
def test_an_independent_verifier_accepts_the_signature(noise: bytes, message_id: str) -> None:
    """The reference implementation of Standard Webhooks reads what we sign."""
    secret, body = new_secret(), json.dumps({"noise": noise.hex()}).encode()
    headers = signed_headers(secret, message_id, int(time.time()), body)
    assert Webhook(secret).verify(body, headers) == {"noise": noise.hex()}


@pytest.mark.parametrize("part", ["webhook-id", "webhook-timestamp", "body", "secret", "age"])
def test_an_independent_verifier_refuses_what_was_changed(part: str) -> None:
    """Id, time and content are all signed; an old message can't be played again."""
    secret, body, now = new_secret(), b'{"a":1}', int(time.time())
    headers = signed_headers(secret, "d1", now - (3600 if part == "age" else 0), body)
    if part in headers:
        headers[part] = str(now - 1) if part == "webhook-timestamp" else "d2"
    verifier = Webhook(new_secret() if part == "secret" else secret)
    with pytest.raises(WebhookVerificationError):
        verifier.verify(b'{"a":2}' if part == "body" else body, headers)


def test_secrets_are_long_and_never_the_same() -> None:
    """256 random bits each."""
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(b64decode(secret.removeprefix("whsec_"))) for secret in secrets} == {32}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_a_text_message_is_one_segment(name: str) -> None:
    """160 characters of GSM's alphabet, or 70 of any other; more would be sent, and paid, twice."""
    text = sms_text(named(name))
    assert text.startswith("DocStore: Uploaded: ")
    assert len(text) <= 160 if set(text) <= GSM_CHARS else len(text.encode("utf-16-le")) <= 140


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120), (" 7 ", 7), ("Sun, 01 Mar 2026 12:01:00 GMT", 60), ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
     ("", None), ("soon", None), ("-5", None), ("1e9", None), ("9" * 400, None), ("٣", None)],
)  # fmt: skip
def test_a_receiver_names_the_time_to_come_again(header: str, seconds: float | None) -> None:
    """Retry-After is a number or a date; anything else is ignored."""
    assert retry_after_seconds(header, NOW) == seconds
