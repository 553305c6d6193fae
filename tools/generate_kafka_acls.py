"""Writes deploy/policies/kafka: what each service may do with Kafka, from what its code consumes and publishes.

`acls.sh` is for Kafka's own kafka-acls.sh, `acls.json` for deploy/provision; both contain the same rules.
"""

import importlib
import json
import pkgutil
import shlex
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from docstore_events.catalogue import EVENT_TYPES
from docstore_events.catalogue.event import DEAD_LETTER_SUFFIX, handler_name
from docstore_events.subscribers import Subscribers
from docstore_events.topics import topic_names
from docstore_platform.services import SERVICE_NAMES

FOLDER = Path(__file__).parents[1] / "deploy/policies/kafka"
LISTENERS = ("docstore_gateway.push.waiting", "docstore_gateway.admin.event_feed")
"""Their TOPICS are what every instance of the gateway reads, without a group."""

HEAD = """#!/bin/sh
# Written by `make generate` from what the services' code consumes and publishes. For a broker with an authorizer:
#   KAFKA_ACLS="kafka-acls.sh --bootstrap-server kafka:9092 --command-config admin.properties" sh acls.sh
# A service's principal is User:<its name>. Doing it again changes nothing.
set -eu
KAFKA_ACLS=${KAFKA_ACLS:?how to call kafka-acls.sh}
allow() {
  principal=$1
  shift
  $KAFKA_ACLS --add --force --allow-principal "User:$principal" "$@" >/dev/null
}
"""

COMMENTS = {
    "provision": ["# Makes the topics before an install or upgrade."],
    "keda": ["# Scales by what is unread (KEDA)."],
}


def services() -> Iterable[str]:
    for service in SERVICE_NAMES:
        package = importlib.import_module(f"docstore_{service}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
        yield service


def consumed() -> dict[str, set[str]]:
    """The topics that each service's group shares among its instances."""
    topics: defaultdict[str, set[str]] = defaultdict(set)
    by_handler = {handler_name(event): event for event in EVENT_TYPES.values()}
    for service in services():
        for kind in Subscribers.__subclasses__():
            if kind.__module__.split(".")[0] == f"docstore_{service}":
                topics[service] |= {by_handler[name].topic for name in dir(kind) if name.startswith("on_")}
    return topics


def read() -> dict[str, set[str]]:
    """Everything each service reads: that, and what its instances only listen to."""
    topics = consumed()
    for listener in LISTENERS:
        topics["gateway"] |= set(importlib.import_module(listener).TOPICS)
    return topics


def written() -> dict[str, set[str]]:
    """The topics each service writes: those of its events, and the dead letters of what it consumes."""
    topics: defaultdict[str, set[str]] = defaultdict(set)
    for event in EVENT_TYPES.values():
        topics[event.owner].add(event.topic)
    for service, topics_read in consumed().items():
        topics[service] |= {topic + DEAD_LETTER_SUFFIX for topic in topics_read}
    return topics


@dataclass(frozen=True, slots=True)
class Rule:
    """`user` may do `operations` with each of the topics and groups."""

    user: str
    operations: tuple[str, ...]
    topics: Collection[str]
    groups: Collection[str] = ()


def rules() -> list[Rule]:
    """All there are, by user."""
    consumes, reads, writes = consumed(), read(), written()
    every, groups = topic_names(""), [service for service in SERVICE_NAMES if consumes[service]]
    found = [Rule("provision", ("Create", "Describe"), every), Rule("keda", ("Describe",), every, groups)]
    for service in SERVICE_NAMES:
        found.append(Rule(service, ("Describe",), every))
        if reads[service]:
            found.append(Rule(service, ("Read",), reads[service], [service] if consumes[service] else ()))
        if writes[service]:
            found.append(Rule(service, ("Write",), writes[service]))
    return found


def script() -> str:
    """The text of acls.sh."""
    every = topic_names("")
    lines = [
        HEAD,
        "# Whose topic is not there is to see that, and not that it is forbidden: all may look for all of them.",
        f"every={shlex.quote(_named('--topic', every))}",
    ]
    before = ""
    for rule in rules():
        if rule.user != before:
            lines += ["", *COMMENTS.get(rule.user, ())]
        before = rule.user
        operations = " ".join(f"--operation {operation}" for operation in rule.operations)
        topics = "$every" if rule.topics == every else _named("--topic", rule.topics)
        lines.append(f"allow {rule.user} {operations} {topics} {_named('--group', rule.groups)}".rstrip())
    return "\n".join(lines) + "\n"


def document() -> str:
    """The text of acls.json."""
    listed = [
        {
            "user": rule.user,
            "operations": list(rule.operations),
            "topics": sorted(rule.topics),
            "groups": sorted(rule.groups),
        }
        for rule in rules()
    ]
    return "[\n" + ",\n".join(json.dumps(rule) for rule in listed) + "\n]\n"


def generate() -> dict[Path, str]:
    """What belongs into each file."""
    return {FOLDER / "acls.sh": script(), FOLDER / "acls.json": document()}


def _named(option: str, names: Iterable[str]) -> str:
    return " ".join(f"{option} {name}" for name in sorted(names))


if __name__ == "__main__":
    for path, text in generate().items():
        path.write_text(text)
