"""The phone for critical news: how its number is verified, and what is planned for it."""

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from notify_fakes import FakeClock, FakeContacts, FakePhones, World

from docstore_events.catalogue.accounts import PasswordChanged, PasswordReset, PasswordResetLinkMade, SessionStarted
from docstore_events.catalogue.shares import LinkExpiring
from docstore_events.catalogue.usage import QuotaExceeded, QuotaRestored
from docstore_notify.channels.aws_services.text_messages import GSM_CHARS, GSM_LENGTH, PREFIX
from docstore_notify.phone.rules import CODE_DIGITS, MAX_TRIES, Phone
from docstore_notify.phone.service import PhoneService
from docstore_notify.preferences.rules import Preferences
from docstore_notify.texts import code_text
from docstore_platform.errors import DomainError, unavailable
from docstore_platform.security.mailed_links import TypedCodes
from docstore_platform.settings import InfraSettings

NOW = datetime(2026, 11, 23, tzinfo=UTC)
NUMBER, OTHER = "+6421234567", "+4930123456"


class Entering:
    """The use cases on fakes, and the texts that were sent."""

    def __init__(self) -> None:
        self.phones, self.clock = FakePhones(), FakeClock()
        self.texts: list[tuple[str, str, str]] = []
        self.failure: DomainError | None = None
        self.missing_rights = ""
        infra = InfraSettings.model_validate({"reset_link_secrets": "a secret"})
        codes = TypedCodes(infra, purpose=b"test", digits=CODE_DIGITS)
        self.service = PhoneService(
            self.phones, codes, self._send_code, lambda: self.missing_rights, FakeContacts().language_of, self.clock
        )

    async def _send_code(self, account_id: str, number: str, text: str) -> None:
        if self.failure:
            raise self.failure
        self.texts.append((account_id, number, text))

    @property
    def code(self) -> str:
        """Of the last text."""
        (code,) = re.findall(r"\b\d{6}\b", self.texts[-1][2])
        return str(code)

    @property
    def wrong_code(self) -> str:
        return "000000" if self.code != "000000" else "111111"

    async def refused(self, call: Any) -> str:
        with pytest.raises(DomainError) as refused:
            await call
        return refused.value.code


async def test_a_number_is_verified_by_the_code_sent_to_it() -> None:
    """Before that it gets nothing; the code itself is not stored; a repeated call is answered in the same way."""
    entering = Entering()
    phone = await entering.service.enter("anna", NUMBER)
    assert not phone.verified
    assert [(account, number) for account, number, _ in entering.texts] == [("anna", NUMBER)]
    assert entering.code not in str(entering.phones.rows)
    for _ in range(2):
        assert (await entering.service.verify("anna", entering.code)).verified
    assert (await entering.service.enter("anna", NUMBER)).verified
    assert len(entering.texts) == 1


async def test_a_code_takes_few_tries() -> None:
    """After them the right one is refused, too; a new code is of another id, and may be tried again."""
    entering = Entering()
    await entering.service.enter("anna", NUMBER)
    for _ in range(MAX_TRIES):
        assert await entering.refused(entering.service.verify("anna", entering.wrong_code)) == "wrong_code"
    gone = "phone_verification_not_found"
    assert await entering.refused(entering.service.verify("anna", entering.code)) == gone
    await entering.service.enter("anna", NUMBER)
    assert (await entering.service.verify("anna", entering.code)).verified


async def test_a_code_ends_with_its_time_its_number_and_its_removal() -> None:
    """And no one else can use it."""
    entering = Entering()
    gone = "phone_verification_not_found"
    await entering.service.enter("anna", NUMBER)
    assert await entering.refused(entering.service.verify("eve", entering.code)) == gone
    entering.clock.advance(minutes=10)
    assert await entering.refused(entering.service.verify("anna", entering.code)) == gone
    await entering.service.enter("anna", NUMBER)
    former = entering.code
    await entering.service.enter("anna", OTHER)
    if former != entering.code:
        assert await entering.refused(entering.service.verify("anna", former)) == "wrong_code"
    await entering.service.remove("anna")
    assert await entering.refused(entering.service.verify("anna", entering.code)) == gone
    assert await entering.service.find("anna") is None


async def test_a_number_that_can_not_be_texted_changes_nothing() -> None:
    """A verified phone stays: where rights are missing, and where sending fails."""
    entering = Entering()
    await entering.service.enter("anna", NUMBER)
    await entering.service.verify("anna", entering.code)
    before = dict(entering.phones.rows)
    entering.failure = unavailable("Sending text messages")
    assert await entering.refused(entering.service.enter("anna", OTHER)) == "unavailable"
    entering.missing_rights = "Not here."
    assert await entering.refused(entering.service.enter("anna", OTHER)) == "channel_unavailable"
    assert entering.phones.rows == before


def test_the_text_with_the_code_is_one_segment_without_an_address() -> None:
    """It is the same for everyone: whoever enters someone's number can't write to them."""
    text = PREFIX + code_text("123456")
    assert len(text) <= GSM_LENGTH
    assert set(text) <= GSM_CHARS
    assert not re.search(r"http|www|\w\.\w", text)


def phone(account_id: str, *, verified: bool) -> Phone:
    return Phone(account_id, NUMBER, verified, "c", NOW)


def critical(account_id: str) -> list[Any]:
    """Events of everything that is sent by text message."""
    login = {"session_id": "s", "started_at": NOW, "new_device": True}
    link = {"link_id": "l", "file_id": "f", "owner_id": account_id, "file_name": "a.txt"}
    return [
        QuotaExceeded(revision=1, account_id=account_id, used=2, limit=1, reserved=0, documents=1),
        SessionStarted(revision=1, account_id=account_id, device="Phone", **login),
        PasswordChanged(revision=1, account_id=account_id, change_id="c", session_id="s", changed_at=NOW, device="P"),
        LinkExpiring(revision=1, **link, expires_at=NOW),
    ]


async def test_critical_news_are_texted_to_verified_phones() -> None:
    """To no other account, about nothing else, and not about a reset link that someone has made."""
    world = World(digest_interval_seconds=0)
    world.phones.rows = {"anna": phone("anna", verified=True), "bob": phone("bob", verified=False)}
    other = [
        QuotaRestored(revision=1, account_id="anna", used=0, limit=1, reserved=0, documents=1),
        PasswordReset(revision=1, account_id="anna", reset_id="r"),
        PasswordResetLinkMade(revision=1, reset_id="r", made_by="root", account_id="anna", expires_at=NOW),
    ]
    await world.handle(*[event for who in ("anna", "bob", "eve") for event in critical(who)], *other)
    texted = [one for one in world.deliveries.rows.values() if one.channel == "sms"]
    assert {one.account_id for one in texted} == {"anna"}
    assert Counter(one.kind for one in texted) == {
        "quota_exceeded": 1,
        "new_device": 1,
        "password_notice": 2,
        "link_expiring": 1,
    }
    assert all(one.due_at == world.clock() for one in texted)


async def test_texts_about_the_password_cannot_be_switched_off() -> None:
    """No preference stops them, as for mails."""
    world = World(digest_interval_seconds=0)
    world.phones.rows["anna"] = phone("anna", verified=True)
    kinds: Any = ("quota_exceeded", "new_device", "link_expiring")
    world.preferences.rows["anna"] = Preferences("anna", {kind: {"sms": False} for kind in kinds})
    await world.handle(*critical("anna"))
    assert [one.kind for one in world.deliveries.rows.values() if one.channel == "sms"] == ["password_notice"]


async def test_texts_wait_for_a_digest_no_longer_than_others() -> None:
    """The first is due at once, later ones of a kind with the mail about the same."""
    world = World()
    world.phones.rows["anna"] = phone("anna", verified=True)
    for _ in range(3):
        await world.handle(QuotaExceeded(revision=1, account_id="anna", used=2, limit=1, reserved=0, documents=1))
        world.clock.advance(seconds=1)
    due = {
        channel: [one.due_at for one in world.deliveries.rows.values() if one.channel == channel]
        for channel in ("email", "sms")
    }
    assert due["sms"] == due["email"] != []
