"""What the local SES takes, refuses and keeps."""

import base64
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docstore_standalone.mailbox import read_mailbox, store
from docstore_standalone.ses_request import MailRefused, accept, parse


def simple(**changes: Any) -> dict[str, Any]:
    """A request as boto3's sesv2.send_email makes it."""
    request = {
        "FromEmailAddress": "DocStore <no-reply@docstore.example>",
        "Destination": {"ToAddresses": ["ann@example.com"]},
        "Content": {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "text"}}}},
    }
    return {**request, **changes}


def raw(message: bytes, **changes: Any) -> dict[str, Any]:
    return simple(Content={"Raw": {"Data": base64.b64encode(message).decode()}}, **changes)


def content(subject: object, headers: object = None, **body: object) -> dict[str, Any]:
    parts = {kind: {"Data": data} for kind, data in body.items()}
    return {"Simple": {"Subject": {"Data": subject}, "Body": parts, "Headers": headers}}


def test_a_simple_mail_comes_back_whole(tmp_path: Path) -> None:
    """Names, both bodies and blind copies are in the mailbox as they were sent; blind copies not in the headers."""
    to = {"ToAddresses": ["Ann <ann@example.com>"], "BccAddresses": ['"Doe, Jo" <jo@example.com>']}
    request = simple(Destination=to, Content=content("Über 5 GB €", Text="naïve\n", Html="<p>ü</p>"))
    message_id = store(tmp_path, accept(request))
    [mail] = read_mailbox(tmp_path)
    assert mail.message_id == message_id
    assert mail.sender == "DocStore <no-reply@docstore.example>"
    assert mail.recipients == ("Ann <ann@example.com>", '"Doe, Jo" <jo@example.com>')
    assert (mail.subject, mail.text, mail.html.strip()) == ("Über 5 GB €", "naïve\n", "<p>ü</p>")
    assert "Bcc" not in mail.headers


def test_a_raw_mail_is_kept_byte_by_byte(tmp_path: Path) -> None:
    """Below the line with the envelope stands exactly what was sent."""
    message = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: =?utf-8?q?=C3=BC?=\r\n\r\nbody\xff\r\n"
    request = raw(message, Destination={}, FromEmailAddress=None)
    store(tmp_path, accept(request))
    [mail] = read_mailbox(tmp_path)
    assert mail.file.read_bytes().partition(b"\r\n")[2] == message
    assert (mail.sender, mail.recipients, mail.subject) == ("a@example.com", ("b@example.com",), "ü")


def test_the_newest_mail_is_last(tmp_path: Path) -> None:
    """The order of arrival is kept."""
    ids = [store(tmp_path, accept(simple())) for _ in range(20)]
    assert [mail.message_id for mail in read_mailbox(tmp_path)] == ids


def test_an_unfinished_file_is_no_mail(tmp_path: Path) -> None:
    """What a crash left half-written was never acknowledged and does not show."""
    (tmp_path / "1-x.tmp").write_bytes(b"From: a@exam")
    assert read_mailbox(tmp_path) == []


@pytest.mark.parametrize(
    "request_",
    [
        [],
        {},
        simple(FromEmailAddress=None),
        simple(FromEmailAddress="nobody"),
        simple(FromEmailAddress="a@example.com\r\nBcc: b@example.com"),
        simple(Destination={}),
        simple(Destination={"ToAddresses": "ann@example.com"}),
        simple(Destination={"ToAddresses": ["ann"]}),
        simple(Destination={"ToAddresses": ["a@example.com, b@example.com"]}),
        simple(Destination={"ToAddresses": ["ann@example.com"] * 51}),
        simple(Content={}),
        simple(Content={"Template": {"TemplateName": "x"}}),
        simple(Content=content("Hello")),
        simple(Content=content(None, Text="x")),
        simple(Content=content("Hello\r\nBcc: b@example.com", Text="x")),
        simple(Content=content("Hello\x85Bcc: b@example.com", Text="x")),
        simple(Content=content("Hello", Text=5)),
        simple(Content=content("Hello", headers=[{"Name": "X-A", "Value": "a\r\nBcc: b@example.com"}], Text="x")),
        simple(Content=content("Hello", headers=[{"Name": "Bcc: b", "Value": "a"}], Text="x")),
        simple(Content=content("Hello", headers=[{"Name": "Subject", "Value": "a"}], Text="x")),
        simple(Content={"Raw": {"Data": "not base64!"}}),
        raw(b"Subject: from nobody\r\n\r\nx"),
    ],
)
def test_malformed_requests_are_refused(request_: object) -> None:
    """Nothing is made of a request that SES would refuse, header injection among them."""
    with pytest.raises(MailRefused) as refusal:
        accept(request_)
    assert refusal.value.code in ("BadRequestException", "MessageRejected")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@settings(max_examples=100)
@given(st.text(), json_values, st.text(), st.binary())
def test_any_input_is_taken_or_refused(address: str, destination: Any, subject: str, message: bytes) -> None:
    """No input raises anything but a refusal, and whatever was taken can be read."""
    for request in (
        simple(FromEmailAddress=address),
        simple(Destination=destination),
        simple(Destination={"ToAddresses": destination}),
        simple(Content=content(subject, Text=subject, Html=subject)),
        simple(Content=content("x", Text="x", headers=[{"Name": subject, "Value": address}])),
        simple(Content=content("x", Text="x", headers=destination)),
        raw(message),
        raw(b"From: " + message),
        raw(b"From: a@example.com\r\nContent-Type: " + message),
        simple(Content=destination),
    ):
        try:
            taken = accept(request)
        except MailRefused:
            continue
        parse(taken.data)
