"""Counts the commands that clients of MongoDB send, which do not depend on the machine's load."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pymongo import monitoring

from docstore_platform import mongo


class _Listener(monitoring.CommandListener):
    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.counts[event.command_name, str(event.command.get(event.command_name))] += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


@contextmanager
def counted_commands() -> Iterator[Counter[tuple[str, str]]]:
    """Count by command and collection what clients send that are made until the block ends."""
    make: Callable[..., Any] = mongo.AsyncIOMotorClient
    listener = _Listener()

    def make_counted(*arguments: Any, event_listeners: list[Any], **options: Any) -> Any:
        return make(*arguments, event_listeners=[*event_listeners, listener], **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(mongo, "AsyncIOMotorClient", make_counted)
        yield listener.counts
