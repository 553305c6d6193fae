"""Texts in the languages of accounts."""

import re
from dataclasses import replace

import pytest
from mail_samples import ANNA, RENDERER, delivery, item, read

from docstore_notify.channels.aws_services.text_messages import sms_text
from docstore_notify.domain import KINDS, Kind
from docstore_notify.texts import code_text

TRANSLATED = ("de", "es", "zh")
FOR_PROGRAMS = re.compile(r"\d{4}-\d\d-\d\dT")
"""A time of RFC 3339."""
SHOW_TIMES = ("file_changed", "link_opened", "link_expiring", "new_device", "password_notice")


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_sent_in_every_language(kind: Kind, language: str) -> None:
    """Both parts and the subject differ from English, and name the same file."""
    names, addresses = {"bert": "Bert"}, {"bert": "bert@example.org"}
    sent = delivery(kind, item(kind))
    mail, text, html = read(RENDERER.message(sent, replace(ANNA, language=language), names, addresses))
    english, english_text, _ = read(RENDERER.message(sent, ANNA, names, addresses))
    assert mail["Subject"] != english["Subject"]
    assert ("plan.pdf" in text) == ("plan.pdf" in html) == ("plan.pdf" in english_text)
    assert f'<html lang="{language}' in html
    assert mail["Content-Language"] == language
    assert "You received this" not in text


def test_a_mail_is_in_the_language_of_its_receiver() -> None:
    """Its subject, its text, its sizes; what others wrote stays text."""
    upload = item("upload_done", "/<b>Plan.pdf")
    mail, text, html = read(RENDERER.message(delivery("upload_done", upload), replace(ANNA, language="de"), {}))
    assert mail["Subject"] == "Hochgeladen: <b>Plan.pdf"
    assert "Hallo Anna," in text
    assert "- /<b>Plan.pdf (1,5 KB, Version 2)" in text
    assert "<strong>/&lt;b&gt;Plan.pdf</strong> (1,5 KB, Version 2)" in html


@pytest.mark.parametrize("language", ["en", *TRANSLATED])
@pytest.mark.parametrize("kind", KINDS)
def test_times_in_mails_are_for_people(kind: Kind, language: str) -> None:
    """With the time zone named, in both parts."""
    mail = RENDERER.message(delivery(kind, item(kind)), replace(ANNA, language=language), {})
    for part in read(mail)[1:]:
        assert not FOR_PROGRAMS.search(part)
        assert ("UTC" in part) == (kind in SHOW_TIMES)


@pytest.mark.parametrize("change", ["link_made", "token_created", "reset", "changed"])
def test_each_notice_about_a_password_shows_its_time(change: str) -> None:
    """Of the change, or of the end of a link."""
    facts = item("password_notice") | {"change": change, "name": "backup", "scopes": "files:read"}
    facts["expires_at"] = facts["at"]
    mail = RENDERER.message(delivery("password_notice", facts), replace(ANNA, language="de"), {})
    for part in read(mail)[1:]:
        assert "21. November 2026, 00:00 UTC" in part


def test_text_messages_are_in_the_language_of_the_account() -> None:
    """News, and the code that verifies a phone."""
    assert sms_text(delivery("quota_exceeded", item("quota_exceeded") | {"requested": 0}), "de") == (
        "DocStore: Ihr Speicher ist voll"
    )
    assert code_text("123456", "es").startswith("123456 es el código")
