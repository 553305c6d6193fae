"""What becomes of a failed attempt to render: it is retried, or the content has no picture for a reason."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from docstore_contents.reader import ContentDamaged
from docstore_contents.s3.store import ObjectArchived, ObjectNotFound, ObjectStoreError, ObjectTooLarge
from docstore_contents.workers.sandbox.confinement import SandboxUnavailable
from docstore_work.backoff import backoff

MAX_ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 2.0
MAX_PAUSE_SECONDS = 300.0
LEASE_SHARE = 0.8
"""A job must end within this share of its lease, so that nothing is stored after another worker has taken over."""


class NotStored(Exception):
    """The processed bucket did not accept a picture, for this reason."""


@contextmanager
def storing() -> Iterator[None]:
    """Raise NotStored for whatever fails in this block: the next attempt stores it."""
    try:
        yield
    except Exception as error:
        raise NotStored(repr(error)) from error


class Attempted(Protocol):
    """Work with its attempts, and its retries that are not the content's fault."""

    @property
    def attempts(self) -> int: ...

    @property
    def waits(self) -> int: ...


def is_temporary(error: Exception) -> bool:
    """Whether the error does not depend on the content: the store is down or refuses, disk full, no sandbox."""
    if isinstance(error, ObjectStoreError):
        return not isinstance(error, (ObjectNotFound, ObjectArchived, ObjectTooLarge, ContentDamaged))
    return isinstance(error, (NotStored, SandboxUnavailable, OSError)) and not isinstance(error, TimeoutError)


def failure_reason(error: Exception) -> str:
    """Return the stable code of an error that retries did not mend."""
    if isinstance(error, ObjectStoreError):
        return "archived" if isinstance(error, ObjectArchived) else "content_missing"
    return "timed_out" if isinstance(error, TimeoutError) else "parser_crashed"


def pause_of(work: Attempted, *, faultless: bool) -> float:
    """Return the seconds until the next attempt; `faultless`: this one does not count."""
    times = work.waits + 1 if faultless else work.attempts
    return backoff(times, first=FIRST_PAUSE_SECONDS, longest=MAX_PAUSE_SECONDS)
