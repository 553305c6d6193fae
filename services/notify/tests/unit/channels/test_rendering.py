"""E-mails contain the facts, and names of files can't inject anything."""

from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_samples import ANNA, CODE, RENDERER, RESETS, UNSUBSCRIBE, VERIFICATIONS, delivery, item, read

from docstore_notify.channels.mail.rendering import DELIVERY_HEADER
from docstore_notify.channels.results import Refused
from docstore_notify.contacts.rules import Contact
from docstore_notify.domain import ENDABLE, KINDS, Kind
from docstore_notify.subscriptions.rules import FILE_CHANGES
from docstore_notify.texts import CHANGED, one_line


def receivers(mail: EmailMessage) -> list[tuple[str, str]]:
    """Name and address of each. EmailPolicy's own parser leaves blanks between the words of a long name."""
    encoded = getaddresses([message_from_bytes(mail.as_bytes())["To"]])
    return [(str(make_header(decode_header(name))), address) for name, address in encoded]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_the_same_text_and_html(kind: Kind) -> None:
    """Both parts name the facts, the greeting and where it comes from."""
    mail, text, html = read(
        RENDERER.message(delivery(kind, item(kind)), ANNA, {"bert": "Bert"}, {"bert": "bert@example.org"})
    )
    facts = {
        "upload_done": ["plan.pdf", "1.5 KB", "version 2", "conflicted copy", "finished this upload"],
        "file_changed": ["plan.pdf", "moved from /old.pdf", "by Bert", "laptop"],
        "quota_exceeded": ["4 KB", "2 KB of 1 KB"],
        "quota_restored": ["2 KB of 1 KB"],
        "shared_with_you": ['bert@example.org ("Bert") has made you an editor', "plan.pdf", "written by the sender"],
        "invitation": ['bert@example.org ("Bert") has shared', "plan.pdf", "sign up", "written by the sender"],
        "account_invitation": ["bert@example.org has invited you", "/sign-up#"],
        "link_opened": ["plan.pdf", "3 times"],
        "link_expiring": ["plan.pdf", "22 November 2026, 00:00 UTC"],
        "content_retrieved": ["plan.pdf", "version 2", "can be read again"],
        "new_device": ["Old phone"],
        "subscription_disabled": ["webhook", "https://x.example/", "the receiver unsubscribed", "bye"],
        "test": ["the test message you requested"],
        "password_reset": [RESETS.url("r1"), "within an hour", "works once"],
        "email_verification": [VERIFICATIONS.url("v1"), CODE, "within a day"],
        "password_notice": ["was changed on", "Old phone", "All other devices were logged out"],
    }[kind]
    for part in (text, html):
        for fact in ("Hello Anna", "https://docs.example.org", *facts):
            assert fact in unescape(part)
        assert (UNSUBSCRIBE in part) == (kind in ENDABLE)
    assert ".<a href" not in html  # a space before the link
    assert ("List-Unsubscribe" in mail) == (kind in ENDABLE)
    assert mail["To"].addresses[0].addr_spec == "anna@example.org"
    assert mail["Subject"]


def test_a_mail_program_can_end_such_mails_with_one_click() -> None:
    """RFC 8058: the URL stands in its header as it is, however long, and so it does on the wire."""
    data = RENDERER.message(delivery("upload_done", item("upload_done")), ANNA, {}).as_bytes()
    assert f"\r\nList-Unsubscribe: <{UNSUBSCRIBE}>\r\n".encode() in data
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in data


@pytest.mark.parametrize("change", FILE_CHANGES)
def test_every_change_has_words_of_its_own(change: str) -> None:
    """In the subject and in both parts."""
    facts = item("file_changed") | {"change": change, "tags": "a, b", "person": "cleo@example.org", "role": "editor"}
    mail, text, html = read(RENDERER.message(delivery("file_changed", facts), ANNA, {}))
    assert CHANGED[change] in str(mail["Subject"])
    assert all(CHANGED[change] in part for part in (text, html))


def test_a_digest_lists_some_and_numbers_the_rest() -> None:
    """Of 120 uploads two are listed here and 118 counted."""
    items = [item("upload_done", f"/{n}.txt") for n in range(2)]
    mail, text, _ = read(RENDERER.message(delivery("upload_done", *items, events=120), ANNA, {}))
    assert mail["Subject"] == "Uploaded: 120 files"
    assert "/1.txt" in text
    assert "and 118 more" in text


def test_the_same_delivery_has_the_same_message_id() -> None:
    """A mail sent again after a crash is known as the same."""
    first, second = (RENDERER.message(delivery("upload_done", item("upload_done")), ANNA, {}) for _ in range(2))
    assert first["Message-ID"] == second["Message-ID"] == "<d1@docstore.example>"
    assert first[DELIVERY_HEADER] == "d1"


@pytest.mark.parametrize("kind", ["upload_done", "file_changed"])
def test_markup_in_a_name_stays_text(kind: Kind) -> None:
    """A file called like a script is shown as it is called."""
    name = '/<script>alert(1)</script>"><img src=x>'
    _, text, html = read(RENDERER.message(delivery(kind, item(kind, name)), ANNA, {"bert": "<b>Bert</b>"}))
    assert "<script" not in html
    assert "<img" not in html
    assert "<b>Bert" not in html
    assert "&lt;script&gt;" in html
    assert "<script>" in text


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_no_name_breaks_out_of_its_line_or_header(name: str) -> None:
    """Whatever a file or a person is called: no header is added, and the text has no line of theirs."""
    hostile = f"{name}\r\nBcc: eve@example.org\r\n\r\nPay here"
    facts = item("upload_done", f"/{hostile}")
    mail = RENDERER.message(delivery("upload_done", facts), Contact("anna", "anna@example.org", hostile, 1), {})
    received, text, _ = read(mail)
    assert received["Bcc"] is None
    assert [address.addr_spec for address in received["To"].addresses] == ["anna@example.org"]
    assert not any(line.startswith(("Bcc:", "Pay here")) for line in text.splitlines())


@pytest.mark.parametrize(
    "name",
    [
        "=?utf-8?q?a=0D=0ABcc:_eve=40example.org?=",
        "=?utf-8?q?=0D=0A=0D=0APay_here?=",
        "==?utf-8?q??=?utf-8?q?a=0D=0ABcc:_eve=40example.org?=",
        "=?utf-8?b?4oCuZ25w?=",
    ],
)
def test_a_name_that_looks_encoded_is_not_decoded(name: str) -> None:
    """A header's word of RFC 2047 may hold line ends and direction marks: receivers see it as it is spelled."""
    mail = RENDERER.message(
        delivery("upload_done", item("upload_done", f"/{name}")), replace(ANNA, display_name=name), {}
    )
    received, text, _ = read(mail)
    assert received.keys() == RENDERER.message(delivery("upload_done", item("upload_done")), ANNA, {}).keys()
    spelled = name.replace("=?", "= ?")
    assert received["Subject"] == f"Uploaded: {spelled}"
    assert receivers(mail) == [(spelled, ANNA.email)]
    assert name in text


@pytest.mark.parametrize("letter", ["x", "\u00fc", "\u4f8b"])
def test_a_long_name_adds_no_receiver(letter: str) -> None:
    """A To of several lines has one address and the whole name, whatever else the name looks like."""
    name = f'{letter * 60}, "Eve" <eve@example.org>'
    mail = RENDERER.message(delivery("upload_done", item("upload_done")), replace(ANNA, display_name=name), {})
    assert receivers(mail) == [(name, ANNA.email)]
    assert [address.addr_spec for address in read(mail)[0]["To"].addresses] == [ANNA.email]


def test_direction_marks_and_separators_are_taken_out() -> None:
    """`fdp.exe` can't be shown as `exe.pdf`; letters of all scripts, and their joiners, stay."""
    assert one_line("a\u202efdp\u2028.exe\x00") == "a fdp .exe "
    assert one_line("می\u200cخواهم") == "می\u200cخواهم"


def test_a_domain_of_any_script_is_written_as_mail_servers_know_it() -> None:
    """IDNA 2008, in which `ß` is a letter of its own: no mail goes to another's domain."""
    for domain, known in (("Bücher.example", "xn--bcher-kva.example"), ("straße.example", "xn--strae-oqa.example")):
        contact = replace(ANNA, email=f"anna@{domain}")
        data = RENDERER.message(delivery("upload_done", item("upload_done")), contact, {}).as_bytes()
        assert f" <anna@{known}>\r\n".encode() in data


@pytest.mark.parametrize(
    "address",
    [
        "",
        "no-at-sign",
        "a@b\r\nBcc: eve@example.org",
        "a b@c",
        "jos\u00e9@example.org",
        "a@\u2603.example",
        "a@\u00fc..x",
    ],
)
def test_an_address_that_is_none_is_refused_for_good(address: str) -> None:
    """Such a message fails instead of being tried for a day."""
    with pytest.raises(Refused):
        RENDERER.message(delivery("upload_done", item("upload_done")), Contact("anna", address, "Anna", 1), {})
