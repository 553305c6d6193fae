"""Writes deploy/policies/kafka/acls.sh: what each service may do with Kafka, from what its code hears and says."""

import importlib
import pkgutil
import shlex
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from docstore_events.asyncapi import said_by
from docstore_events.catalogue import EVENT_TYPES
from docstore_events.event import DEAD_LETTER_SUFFIX, handler_name
from docstore_events.subscribers import Subscribers
from docstore_events.topics import topic_names
from docstore_platform.settings import SERVICE_NAMES

TARGET = Path(__file__).parents[1] / "deploy/policies/kafka/acls.sh"
WAITING = "docstore_gateway.waiting"
"""Its TOPICS are what the gateway hears in every instance, without a group."""

HEAD = """#!/bin/sh
# Written by `make generate` from what the services' code hears and says. For a broker with an authorizer:
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


def services() -> Iterable[str]:
    for service in SERVICE_NAMES:
        package = importlib.import_module(f"docstore_{service}")
        for module in pkgutil.iter_modules(package.__path__):
            if module.name != "__main__":
                importlib.import_module(f"docstore_{service}.{module.name}")
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
    topics["gateway"] |= set(importlib.import_module(WAITING).TOPICS)
    return topics


def written() -> dict[str, set[str]]:
    """The topics each service writes: those of its events, and the dead letters of what it consumes."""
    topics: defaultdict[str, set[str]] = defaultdict(set)
    for event in EVENT_TYPES.values():
        topics[said_by(event)].add(event.topic)
    for service, heard in consumed().items():
        topics[service] |= {topic + DEAD_LETTER_SUFFIX for topic in heard}
    return topics


def generate() -> str:
    """The text that belongs into the file."""
    consumes, reads, writes = consumed(), read(), written()
    lines = [
        HEAD,
        "# Whose topic is not there is to see that, and not that it is forbidden: all may look for all of them.",
        f"every={shlex.quote(_named('--topic', topic_names('')))}",
        "",
        "# Makes the topics before an install or upgrade.",
        "allow provision --operation Create --operation Describe $every",
        "",
        "# Scales by what is unread (KEDA).",
        f"allow keda --operation Describe $every {_named('--group', [s for s in SERVICE_NAMES if consumes[s]])}",
    ]
    for service in SERVICE_NAMES:
        lines += ["", f"allow {service} --operation Describe $every"]
        if reads[service]:
            group = f" --group {service}" if consumes[service] else ""
            lines.append(f"allow {service} --operation Read {_named('--topic', reads[service])}{group}")
        if writes[service]:
            lines.append(f"allow {service} --operation Write {_named('--topic', writes[service])}")
    return "\n".join(lines) + "\n"


def _named(option: str, names: Iterable[str]) -> str:
    return " ".join(f"{option} {name}" for name in sorted(names))


if __name__ == "__main__":
    TARGET.write_text(generate())
