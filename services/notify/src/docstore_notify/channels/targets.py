"""Where machine channels deliver to, checked when a person enters it."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from docstore_notify.channels.safe_http.public_addresses import AddressRule
from docstore_notify.domain import Target
from docstore_notify.settings import ChannelSettings
from docstore_platform.problems import Problem

__all__ = ["Target", "as_entered", "check_target"]

MAX_ADDRESS = 2048
ARN = re.compile(r"arn:(aws(?:-[a-z]+)*):([a-z-]+):([a-z0-9-]*):(\d{12}):([\w./-]+)", re.ASCII)
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d", re.ASCII)
ROLE = re.compile(r"arn:aws(?:-[a-z]+)*:iam::\d{12}:role/[\w+=,.@/-]{1,576}", re.ASCII)
PHONE_NUMBER = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
"""E.164."""
TOPIC_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}(\.fifo)?", re.ASCII)
QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}(\.fifo)?", re.ASCII)
QUEUE_HOST = re.compile(r"sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?", re.ASCII)
BUS_NAME = re.compile(r"[\w./-]{1,256}", re.ASCII)
HALF_CHARACTER = re.compile("[\ud800-\udfff]")
"""JSON can spell half of a surrogate pair, which no database takes."""


def check_target(
    channel: str, target: Mapping[str, Any] | None, *, account_id: str, settings: ChannelSettings
) -> Target:
    """What a person entered as `target` of a subscription, checked; `{}` for channels that need none.

    webhook: `{url}`; sns: `{topic_arn, role_arn}` or `{phone_number}`; sqs: `{queue, role_arn}` with the queue's URL or
    ARN; eventbridge: `{bus, role_arn, region?}` with the bus's name or ARN. Raises Problem 422 `invalid_target`. The
    secret of a webhook is left empty: `webhook_signing.new_secret` makes one.
    """
    check = CHECKS.get(channel)
    if check is None:
        if target:
            raise _wrong(f"The channel {channel} takes no target.")
        return Target("")
    if not target:
        raise _wrong(f"The channel {channel} needs a target.")
    return check(_Fields(target), account_id, settings)


def as_entered(channel: str, target: Target) -> dict[str, str]:
    """The fields of a checked target, to be entered again: those it was made of, but for the URL of a queue, which is
    its ARN now, and without the secret of a webhook."""
    if channel == "sns" and target.address.startswith("+"):
        return {"phone_number": target.address}
    name = ADDRESS_FIELDS.get(channel)
    fields = {name: target.address, "role_arn": target.role_arn} if name else {}
    if channel == "eventbridge":
        fields["region"] = target.region
    return {field: value for field, value in fields.items() if value}


class _Fields:
    """The entered fields, each to be taken once."""

    def __init__(self, target: Mapping[str, Any]) -> None:
        self._rest = dict(target)

    def __contains__(self, name: str) -> bool:
        return name in self._rest

    def take(self, name: str) -> str:
        value = self._rest.pop(name, "")
        if not isinstance(value, str) or len(value) > MAX_ADDRESS or HALF_CHARACTER.search(value):
            raise _wrong(f"{name} must be a text of up to {MAX_ADDRESS} characters.", name)
        return value

    def end(self) -> None:
        if self._rest:
            raise _wrong(f"The target has unknown fields: {', '.join(sorted(map(ascii, self._rest)))}.")


def _webhook(fields: _Fields, account_id: str, settings: ChannelSettings) -> Target:
    url = fields.take("url")
    fields.end()
    if any(ord(character) <= 0x20 or ord(character) == 0x7F or character == "\\" for character in url):
        raise _wrong("url contains blanks, backslashes or control characters.", "url")
    parts = _split(url, "url")
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.webhook_allow_http):
        raise _wrong("url must begin with https://.", "url")
    if not parts.hostname:
        raise _wrong("url names no host.", "url")
    if "@" in parts.netloc:
        raise _wrong("url must not contain a user name or password; check the signature instead.", "url")
    if parts.fragment:
        raise _wrong("url must not have a fragment (#...).", "url")
    if _is_address(parts.hostname) and not AddressRule(settings.webhook_allowed_networks).permits(parts.hostname):
        raise _wrong("url must lead to a public address.", "url")  # for names this is found out when they are called
    return Target(url)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _split(url: str, field: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _wrong(f"This is no URL: {error}.", field) from error
    if port == 0:
        raise _wrong("Port 0 can't be reached.", field)
    return parts


def _sns(fields: _Fields, account_id: str, settings: ChannelSettings) -> Target:
    if "phone_number" in fields:
        number = fields.take("phone_number")
        fields.end()
        if not PHONE_NUMBER.fullmatch(number):
            raise _wrong("phone_number must be in international form, such as +6421234567.", "phone_number")
        return Target(number, region=settings.aws_region)
    if "topic_arn" not in fields:
        raise _wrong("The channel sns needs topic_arn or phone_number.", "topic_arn")
    arn, region = _arn(fields.take("topic_arn"), "topic_arn", "sns", TOPIC_NAME)
    return _with_role(fields, arn, region, account_id, settings)


def _sqs(fields: _Fields, account_id: str, settings: ChannelSettings) -> Target:
    queue = fields.take("queue")
    if queue.startswith(("https://", "http://")):
        queue = _queue_arn(queue, settings)
    arn, region = _arn(queue, "queue", "sqs", QUEUE_NAME)
    return _with_role(fields, arn, region, account_id, settings)


def _queue_arn(url: str, settings: ChannelSettings) -> str:
    """The ARN of the queue that has this URL. The URL's host is never called: AWS's endpoint is."""
    parts = _split(url, "queue")
    own = _split(settings.aws_endpoint, "queue")
    host = QUEUE_HOST.fullmatch(parts.hostname or "")
    if settings.aws_endpoint and parts.netloc == own.netloc:
        region, partition = settings.aws_region, "aws"
    elif host and parts.scheme == "https" and parts.netloc == parts.hostname:
        region, partition = host[1], "aws-cn" if host[2] else "aws"
    else:
        raise _wrong(
            "queue must be a URL such as https://sqs.us-west-2.amazonaws.com/123456789012/name, or an ARN.", "queue"
        )
    return f"arn:{partition}:sqs:{region}:{parts.path.removeprefix('/').replace('/', ':')}"


def _eventbridge(fields: _Fields, account_id: str, settings: ChannelSettings) -> Target:
    bus = fields.take("bus")
    region = fields.take("region")
    if bus.startswith("arn:"):
        bus, region = _arn(bus, "bus", "events", re.compile(f"event-bus/{BUS_NAME.pattern}", re.ASCII))
    elif not BUS_NAME.fullmatch(bus):
        raise _wrong("bus must be the name or the ARN of an event bus.", "bus")
    elif region and not REGION.fullmatch(region):
        raise _wrong("region must be an AWS region such as us-west-2.", "region")
    return _with_role(fields, bus, region or settings.aws_region, account_id, settings)


def _arn(text: str, field: str, service: str, resource: re.Pattern[str]) -> tuple[str, str]:
    """The ARN and its region."""
    parts = ARN.fullmatch(text)
    if not parts or parts[2] != service or not REGION.fullmatch(parts[3]) or not resource.fullmatch(parts[5]):
        raise _wrong(
            f"{field} must be an ARN of the service {service}, such as arn:aws:{service}:us-west-2:123456789012:...",
            field,
        )
    return text, parts[3]


def _with_role(fields: _Fields, address: str, region: str, account_id: str, settings: ChannelSettings) -> Target:
    role = fields.take("role_arn")
    fields.end()
    if role and not ROLE.fullmatch(role):
        raise _wrong("role_arn must be the ARN of an IAM role.", "role_arn")
    if not role and not settings.aws_own_resources:
        raise _wrong(
            "role_arn is needed: a role of yours that DocStore may assume with your account id as external id.",
            "role_arn",
        )
    return Target(address, role_arn=role, external_id=account_id if role else "", region=region)


def _wrong(detail: str, field: str = "") -> Problem:
    """`errors` says which field it is, as where a request does not fit its schema."""
    errors = [{"field": f"body.target.{field}", "message": detail}] if field else []
    return Problem(422, "invalid_target", detail, errors=errors)


ADDRESS_FIELDS = {"webhook": "url", "sns": "topic_arn", "sqs": "queue", "eventbridge": "bus"}

CHECKS: Mapping[str, Callable[[_Fields, str, ChannelSettings], Target]] = {
    "webhook": _webhook,
    "sns": _sns,
    "sqs": _sqs,
    "eventbridge": _eventbridge,
}
