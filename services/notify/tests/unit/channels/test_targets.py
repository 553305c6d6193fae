"""Rules of what a person may enter as a target."""

from typing import Any

import pytest

from docstore_notify.channels.registry import REGISTRY
from docstore_notify.domain import Target
from docstore_notify.settings import NotifySettings
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of
from docstore_platform.settings import InfraSettings

ANNA = "0190aaaa"
ROLE = "arn:aws:iam::123456789012:role/docstore"
QUEUE = "arn:aws:sqs:us-west-2:123456789012:changes"
TOPIC = "arn:aws:sns:ap-southeast-2:123456789012:changes.fifo"
BUS = "arn:aws:events:us-west-2:123456789012:event-bus/changes"


def settings(**changes: Any) -> NotifySettings:
    return NotifySettings(infra=InfraSettings(), **changes)


def check(channel: str, target: Any, **changes: Any) -> Target:
    return REGISTRY.check_target(channel, target, account_id=ANNA, settings=settings(**changes))


@pytest.mark.parametrize(
    ("channel", "entered", "expected"),
    [
        ("webhook", {"url": "https://example.org:8443/hook?a=b"}, Target("https://example.org:8443/hook?a=b")),
        ("sns", {"phone_number": "+6421234567"}, Target("+6421234567", region="us-west-2")),
        ("sns", {"topic_arn": TOPIC, "role_arn": ROLE}, Target(TOPIC, "", ROLE, ANNA, "ap-southeast-2")),
        ("sqs", {"queue": QUEUE, "role_arn": ROLE}, Target(QUEUE, "", ROLE, ANNA, "us-west-2")),
        (
            "sqs",
            {"queue": "https://sqs.us-west-2.amazonaws.com/123456789012/changes", "role_arn": ROLE},
            Target(QUEUE, "", ROLE, ANNA, "us-west-2"),
        ),
        ("eventbridge", {"bus": BUS, "role_arn": ROLE}, Target(BUS, "", ROLE, ANNA, "us-west-2")),
        (
            "eventbridge",
            {"bus": "changes", "role_arn": ROLE, "region": "eu-west-1"},
            Target("changes", "", ROLE, ANNA, "eu-west-1"),
        ),
        ("email", None, Target("")),
        ("in_app", {}, Target("")),
    ],
)
def test_a_target_becomes_one_form(channel: str, entered: Any, expected: Target) -> None:
    """What is right is accepted; a queue's URL becomes its ARN, and a role belongs to the account that entered it."""
    assert check(channel, entered) == expected


def test_a_returned_target_is_accepted_as_input() -> None:
    """The fields that were sent come back, but for a queue's URL, whose ARN does; they make the same target again."""
    role = {"role_arn": ROLE}
    bus = {"bus": "changes", **role, "region": "eu-west-1"}
    for channel, entered in (
        ("webhook", {"url": "https://example.org/"}),
        ("sns", {"phone_number": "+6421234567"}),
        ("sns", {"topic_arn": TOPIC, **role}),
        ("sqs", {"queue": QUEUE, **role}),
        ("eventbridge", bus),
    ):
        assert REGISTRY.entered(channel, check(channel, entered)) == entered
    named = check("eventbridge", {"bus": BUS, **role})
    assert check("eventbridge", REGISTRY.entered("eventbridge", named)) == named
    assert REGISTRY.entered("email", Target("")) == {}


@pytest.mark.parametrize(
    ("channel", "entered"),
    [
        ("webhook", None),
        ("webhook", {}),
        ("webhook", {"url": ""}),
        ("webhook", {"url": 7}),
        ("webhook", {"url": "http://example.org/"}),
        ("webhook", {"url": "ftp://example.org/"}),
        ("webhook", {"url": "https:///path"}),
        ("webhook", {"url": "https://user:word@example.org/"}),
        ("webhook", {"url": "https://example.org@127.0.0.1/"}),
        ("webhook", {"url": "https://example.org\\@127.0.0.1/"}),
        ("webhook", {"url": "https://example.org/ x"}),
        ("webhook", {"url": "https://example.org/\r\nHost: inner"}),
        ("webhook", {"url": "https://example.org:99999/"}),
        ("webhook", {"url": "https://example.org:0/"}),
        ("webhook", {"url": "https://[::1/"}),
        ("webhook", {"url": "https://[::1]/"}),
        ("webhook", {"url": "https://169.254.169.254/latest/meta-data/"}),
        ("webhook", {"url": "https://[::ffff:8.8.8.8]/"}),
        ("webhook", {"url": "https://example.org/#part"}),
        ("webhook", {"url": "https://example.org/" + "x" * 2048}),
        ("webhook", {"url": "https://example.org/", "secret": "whsec_mine"}),
        ("webhook", {"url": "https://example.org/\ud800"}),
        ("webhook", {"url": "https://example.org/", "\ud800": ""}),
        ("sns", {"phone_number": "021 234567"}),
        ("sns", {"phone_number": "+1234567890123456"}),
        ("sns", {"phone_number": "+٦٤٢١٢٣٤٥٦٧"}),
        ("sns", {"topic_arn": QUEUE, "role_arn": ROLE}),
        ("sns", {"topic_arn": TOPIC}),
        ("sns", {"role_arn": ROLE}),
        ("sqs", {"queue": QUEUE}),
        ("sqs", {"queue": QUEUE, "role_arn": "arn:aws:iam::123456789012:user/anna"}),
        ("sqs", {"queue": QUEUE, "role_arn": ROLE, "external_id": "another's"}),
        ("sqs", {"queue": "https://example.org/123456789012/changes", "role_arn": ROLE}),
        ("sqs", {"queue": "https://sqs.us-west-2.amazonaws.com.example.org/123456789012/q", "role_arn": ROLE}),
        ("sqs", {"queue": "https://sqs.us-west-2.amazonaws.com@127.0.0.1/123456789012/q", "role_arn": ROLE}),
        ("sqs", {"queue": "https://sqs.us-west-2.amazonaws.com/123456789012/q/../../x", "role_arn": ROLE}),
        ("eventbridge", {"bus": BUS}),
        ("eventbridge", {"bus": "a bus", "role_arn": ROLE}),
        ("eventbridge", {"bus": "changes", "role_arn": ROLE, "region": "evil.example.org/#"}),
        ("email", {"url": "https://example.org/"}),
    ],
)
def test_a_wrong_target_has_a_clear_error(channel: str, entered: Any) -> None:
    """A target that can't work or belongs to others is refused at once."""
    with pytest.raises(DomainError) as caught:
        check(channel, entered)
    answer = problem_of(caught.value).response()  # can be written, whatever was entered
    assert (answer.status_code, caught.value.code) == (422, "invalid_target")
    assert caught.value.detail.endswith(".")


@pytest.mark.parametrize(
    ("channel", "entered", "field"),
    [
        ("webhook", {"url": "ftp://example.org"}, "url"),
        ("webhook", {"url": 7}, "url"),
        ("sns", {"phone_number": "12"}, "phone_number"),
        ("sns", {}, None),
        ("sns", {"role_arn": ROLE}, "topic_arn"),
        ("sqs", {"queue": "https://example.org/1/q", "role_arn": ROLE}, "queue"),
        ("sqs", {"queue": QUEUE}, "role_arn"),
        ("eventbridge", {"bus": "changes", "role_arn": ROLE, "region": "?"}, "region"),
    ],
)
def test_the_field_that_is_wrong_is_named(channel: str, entered: Any, field: str | None) -> None:
    """So that a page can show it there; an empty input is about none."""
    with pytest.raises(DomainError) as caught:
        check(channel, entered)
    errors = caught.value.extra["errors"]
    assert errors == ([{"field": f"body.target.{field}", "message": caught.value.detail}] if field else [])


def test_settings_widen_the_rules() -> None:
    """On one machine, http and the service's own AWS rights will do, and a local endpoint's queue URLs are known."""
    inner = {"url": "http://127.0.0.1/"}
    assert (
        check("webhook", inner, webhook_allow_http=True, webhook_allowed_networks="127.0.0.0/8").address == inner["url"]
    )
    assert check("sqs", {"queue": QUEUE}, aws_own_resources=True) == Target(QUEUE, region="us-west-2")
    local = {"queue": "http://127.0.0.1:5000/123456789012/changes", "role_arn": ROLE}
    assert check("sqs", local, aws_endpoint="http://127.0.0.1:5000").address == QUEUE


def test_networks_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operators write them with commas between."""
    monkeypatch.setenv("NOTIFY_WEBHOOK_ALLOWED_NETWORKS", "10.1.0.0/16, fd00::/8")
    assert [str(network) for network in settings().webhook_allowed_networks] == ["10.1.0.0/16", "fd00::/8"]
