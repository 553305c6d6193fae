"""What the local SES takes, refuses and keeps."""

import base64
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docstore_standalone.embedded.mailbox import read_mailbox, store
from docstore_standalone.embedded.ses_request import MailRefused, accept, parse

MESSAGE = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: =?utf-8?q?=C3=BC?=\r\n\r\nbody\xff\r\n"


def request_of(message: bytes = MESSAGE, **changes: Any) -> dict[str, Any]:
    """A request as boto3's sesv2.send_email makes it."""
    request = {
        "FromEmailAddress": "DocStore <no-reply@docstore.example>",
        "Destination": {"ToAddresses": ["Ann <ann@example.com>"]},
        "Content": {"Raw": {"Data": base64.b64encode(message).decode()}},
    }
    return {**request, **changes}


def test_a_mail_is_kept_byte_by_byte(tmp_path: Path) -> None:
    """Below the line with the envelope stands exactly what was sent."""
    message_id = store(tmp_path, accept(request_of()))
    [mail] = read_mailbox(tmp_path)
    assert mail.message_id == message_id
    assert mail.file.read_bytes().partition(b"\r\n")[2] == MESSAGE
    assert (mail.sender, mail.subject) == ("DocStore <no-reply@docstore.example>", "ü")
    assert mail.recipients == ("Ann <ann@example.com>",)


def test_the_newest_mail_is_last(tmp_path: Path) -> None:
    """The order of arrival is kept."""
    ids = [store(tmp_path, accept(request_of())) for _ in range(20)]
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
        request_of(FromEmailAddress=None),
        request_of(FromEmailAddress="nobody"),
        request_of(FromEmailAddress="a@example.com\r\nBcc: b@example.com"),
        request_of(FromEmailAddress="a@example.com\x85Bcc: b@example.com"),
        request_of(Destination={}),
        request_of(Destination={"ToAddresses": "ann@example.com"}),
        request_of(Destination={"ToAddresses": ["ann"]}),
        request_of(Destination={"ToAddresses": ["a@example.com, b@example.com"]}),
        request_of(Destination={"ToAddresses": ["ann@example.com"] * 51}),
        request_of(Content={}),
        request_of(Content={"Template": {"TemplateName": "x"}}),
        request_of(Content={"Raw": {"Data": "not base64!"}}),
        request_of(b"Subject: from nobody\r\n\r\nx"),
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
@given(st.text(), json_values, st.binary())
def test_any_input_is_taken_or_refused(address: str, part: Any, message: bytes) -> None:
    """No input raises anything but a refusal, and whatever was taken can be read."""
    for request in (
        request_of(FromEmailAddress=address),
        request_of(Destination=part),
        request_of(Destination={"ToAddresses": part}),
        request_of(message),
        request_of(b"From: " + message),
        request_of(b"From: a@example.com\r\nContent-Type: " + message),
        request_of(Content=part),
        request_of(Content={"Raw": part}),
    ):
        try:
            taken = accept(request)
        except MailRefused:
            continue
        parse(taken.data)
