"""Push messages: what they contain, how they are signed, and to which browsers they are planned."""

import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.utils import base64url_decode
from notify_fakes import World
from push_service import FakeBrowser

from docstore_events.catalogue.accounts import PasswordChanged, PasswordResetLinkMade, SessionStarted
from docstore_events.catalogue.usage import QuotaExceeded
from docstore_notify.channels.push import PushChannel, encrypted, push_message
from docstore_notify.channels.results import Refused
from docstore_notify.channels.signing.vapid import VapidKeys
from docstore_notify.domain import CHOSEN_KINDS, Delivery, Facts, Kind
from docstore_notify.preferences.rules import Preferences
from docstore_notify.push_subscriptions.rules import PushSubscription
from docstore_notify.push_subscriptions.service import MAX_BROWSERS, Browser, PushSubscriptionService
from docstore_notify.settings import NotifySettings
from docstore_platform.errors import DomainError
from docstore_platform.settings import InfraSettings

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ENDPOINT = "https://push.example/abc"


def message(kind: Kind, *items: Facts) -> Delivery:
    events = tuple(str(number) for number in range(len(items)))
    return Delivery("d1", "anna", "push", kind, NOW, NOW, items, events)


def registered(id_: str, account_id: str = "anna", endpoint: str = ENDPOINT) -> PushSubscription:
    keys = FakeBrowser(endpoint, "").registration()["keys"]
    return PushSubscription(id_, account_id, "s", "Phone", endpoint, keys["p256dh"], keys["auth"], "key", NOW)


def test_a_message_names_what_happened_and_leads_to_the_file() -> None:
    """By id, so that it works only with a log-in; of several files it lists names."""
    one: Facts = {"change": "modified", "path": "/a/plan.pdf", "file_id": "f1"}
    other: Facts = {"change": "created", "path": "/a/other.pdf", "file_id": "f2"}
    shown = push_message(message("file_changed", one))
    assert (shown["title"], shown["body"], shown["url"]) == ("plan.pdf was modified", "", "/file/f1")
    shown = push_message(message("file_changed", one, other))
    assert (shown["body"], shown["url"]) == ("plan.pdf, other.pdf", "/files")
    shown = push_message(message("new_device", {"device": "Chrome on Windows"}))
    assert (shown["title"], shown["body"]) == ("New log-in to your account", "Chrome on Windows")
    assert shown["url"] == "/settings/devices"
    invitation: Facts = {"change": "invited", "path": "x", "file_id": "f1", "share_id": "s"}
    assert push_message(message("shared_with_you", invitation))["url"] == "/shared"


def test_a_message_is_below_4_kib_whatever_the_names() -> None:
    """Push services refuse larger ones."""
    items = [{"change": "created", "path": "/" + "𝕏" * 250, "file_id": str(number)} for number in range(50)]
    body = encrypted(push_message(message("file_changed", *items)), registered("b1"))
    assert 100 < len(body) < 4096


def test_only_the_browser_reads_a_message() -> None:
    """Two encryptions of one message differ, and the browser's keys decrypt both."""
    browser = FakeBrowser(ENDPOINT, "")
    keys = browser.registration()["keys"]
    known = PushSubscription("b1", "anna", "s", "", ENDPOINT, keys["p256dh"], keys["auth"], "key", NOW)
    bodies = [encrypted(push_message(message("new_device", {"device": "Phone"})), known) for _ in range(2)]
    assert bodies[0] != bodies[1]
    for body in bodies:
        browser.take(body)
    assert [one["title"] for one in browser.messages] == ["New log-in to your account"] * 2


def test_a_key_that_is_no_point_is_refused() -> None:
    """Of the right length, but not on the curve."""
    no_point = "B" + "_" * 86
    known = PushSubscription("b1", "anna", "s", "", ENDPOINT, no_point, registered("x").auth, "key", NOW)
    with pytest.raises(Refused):
        encrypted(push_message(message("new_device", {"device": ""})), known)


def test_signatures_verify_with_the_key_that_the_browser_knows() -> None:
    """Keys follow from the secrets; after a rotation, earlier browsers still get messages signed with their key."""
    before, after = VapidKeys(["old"], "mailto:me@example.org"), VapidKeys(["new", "old"], "mailto:me@example.org")
    assert after.current != before.current == VapidKeys(["old"], "").current
    header = after.authorization("https://push.example:8443/abc", before.current, NOW)
    assert header is not None
    token, key = header.removeprefix("vapid t=").split(", k=")
    assert key == before.current
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), base64url_decode(key))
    options: Any = {"verify_exp": False}
    claims = jwt.decode(token, public, ["ES256"], audience="https://push.example:8443", options=options)
    assert claims["sub"] == "mailto:me@example.org"
    assert 0 < claims["exp"] - NOW.timestamp() <= 24 * 3600
    assert VapidKeys(["other"], "").authorization(ENDPOINT, before.current, NOW) is None
    assert VapidKeys([], "").current == ""


async def test_each_browser_gets_a_delivery_of_its_own() -> None:
    """Each is retried by itself; without browsers nothing is planned; a reset link causes no push."""
    world = World(digest_interval_seconds=0)
    for browser in ("b1", "b2"):
        world.browsers.rows[browser] = registered(browser)
    about = {"account_id": "anna", "device": "Phone"}
    login = {"session_id": "s", "started_at": NOW, "new_device": True}
    await world.handle(
        QuotaExceeded(revision=1, account_id="anna", used=2, limit=1, reserved=0, documents=1),
        SessionStarted(revision=1, **about, **login),
        SessionStarted(revision=1, **about | {"account_id": "bob"}, **login),
        PasswordChanged(revision=1, change_id="c", session_id="s", changed_at=NOW, **about),
        PasswordResetLinkMade(revision=1, reset_id="r", made_by="root", account_id="anna", expires_at=NOW),
    )
    pushed = [one for one in world.deliveries.rows.values() if one.channel == "push"]
    assert {one.account_id for one in pushed} == {"anna"}
    assert sorted((one.kind, one.target.address if one.target else "") for one in pushed) == [
        (kind, browser) for kind in ("new_device", "password_notice", "quota_exceeded") for browser in ("b1", "b2")
    ]
    assert len({one.stream for one in pushed}) == 6


async def test_digests_are_combined_for_each_browser() -> None:
    """Until it is sent, a message takes further events."""
    world = World()
    for browser in ("b1", "b2"):
        world.browsers.rows[browser] = registered(browser)
    for _ in range(3):
        await world.handle(QuotaExceeded(revision=1, account_id="anna", used=2, limit=1, reserved=0, documents=1))
    sizes = sorted(len(one.event_ids) for one in world.deliveries.rows.values() if one.channel == "push")
    assert sizes == [3, 3]


def test_pushes_of_ones_own_uploads_and_of_opened_links_are_off_by_default() -> None:
    """All others are on."""
    usual = Preferences("anna")
    assert {kind for kind in CHOSEN_KINDS if not usual.wants(kind, "push")} == {"upload_done", "link_opened"}


def service(**settings: Any) -> tuple[PushSubscriptionService, World]:
    world, known = World(), NotifySettings(infra=InfraSettings(), **settings)
    unavailable = PushChannel.unavailable(known)
    service = PushSubscriptionService(
        world.browsers,  # type: ignore[arg-type]
        "key",
        unavailable,
        lambda url: PushChannel.check_endpoint(url, known),
    )
    return service, world


def browser_at(endpoint: str, **keys: str) -> Browser:
    given = {**FakeBrowser(endpoint, "").registration()["keys"], **keys}
    return Browser(endpoint, given["p256dh"], given["auth"])


async def refusal(service: PushSubscriptionService, browser: Browser) -> str:
    with pytest.raises(DomainError) as refused:
        await service.register("anna", "s", "Phone", browser)
    return refused.value.code


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example/a",
        "https://127.0.0.1/a",
        "https://[::1]/a",
        "https://169.254.169.254/a",
        "https://a@b.example/",
        "x",
    ],
)
async def test_endpoints_follow_the_rules_of_webhooks(endpoint: str) -> None:
    """Only https to a public address."""
    assert await refusal(service(push_secrets="s")[0], browser_at(endpoint)) == "invalid_target"


async def test_invalid_push_subscriptions_are_refused() -> None:
    """Keys of another form, too many browsers, and all of them without the operator's secrets."""
    good, world = service(push_secrets="s")
    for keys in ({"p256dh": "short"}, {"auth": "short"}, {"p256dh": "€" * 87}):
        assert await refusal(good, browser_at(ENDPOINT, **keys)) == "invalid_keys"
    for number in range(MAX_BROWSERS):
        world.browsers.rows[str(number)] = registered(str(number), endpoint=f"{ENDPOINT}{number}")
    assert await refusal(good, browser_at(ENDPOINT)) == "too_many_push_subscriptions"
    _, new = await good.register("anna", "s", "Phone", browser_at(f"{ENDPOINT}1"))
    assert not new
    off, _ = service()
    assert await refusal(off, browser_at(ENDPOINT)) == "channel_unavailable"
    with pytest.raises(DomainError):
        _ = off.server_key


def test_the_message_is_json_for_the_service_worker() -> None:
    """Its fields are read in `web/public/worker.js`."""
    shown = push_message(message("quota_exceeded", {"requested": 0, "used": 2, "limit": 1}))
    assert json.loads(json.dumps(shown)).keys() == {"id", "kind", "title", "body", "url"}


def test_a_title_is_in_the_language_of_its_account() -> None:
    """As its e-mails are."""
    assert (
        push_message(message("new_device", {"device": "Phone"}), "es")["title"] == "Nuevo inicio de sesión en tu cuenta"
    )
