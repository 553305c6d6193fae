"""Maps errors to a one-line message and to the exit status documented in `docstore_cli.main`."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import typer

from docstore_cli.options import failed, shown
from docstore_client.errors import ApiError, ContentDiffers, DocStoreError, LocalError, StoreError, Unreachable

T = TypeVar("T")
R = TypeVar("R")

FAILED, USAGE, NOT_LOGGED_IN, NOT_FOUND, OVER_QUOTA, UNREACHABLE = range(1, 7)

_STATUSES = {401: NOT_LOGGED_IN, 404: NOT_FOUND, 507: OVER_QUOTA, 502: UNREACHABLE, 503: UNREACHABLE, 504: UNREACHABLE}
_CODES = {
    StoreError: "object_store",
    Unreachable: "unreachable",
    ContentDiffers: "content_differs",
    LocalError: "local_file",
    TimeoutError: "timeout",
}


class NotLoggedIn(DocStoreError):
    """This machine has no credentials."""


class BadUsage(ValueError):
    """The arguments are invalid in combination."""


Failure = DocStoreError | BadUsage | OSError


def code_of(error: Failure) -> str:
    """Stable error code for programs."""
    if isinstance(error, ApiError):
        return error.code
    if isinstance(error, NotLoggedIn | BadUsage):
        return "not_logged_in" if isinstance(error, NotLoggedIn) else "usage"
    return _CODES.get(type(error), "local_file")


def detail_of(error: Failure) -> str:
    if isinstance(error, ApiError):
        return error.detail
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def status_of(error: Failure) -> int:
    """The exit status."""
    if isinstance(error, ApiError):
        return _STATUSES.get(error.status, FAILED)
    if isinstance(error, NotLoggedIn):
        return NOT_LOGGED_IN
    if isinstance(error, BadUsage):
        return USAGE
    if isinstance(error, FileNotFoundError):
        return NOT_FOUND
    is_down = isinstance(error, Unreachable) or (isinstance(error, StoreError) and error.status >= 500)
    return UNREACHABLE if is_down else FAILED


def ended_by(error: Failure, what: str = "") -> typer.Exit:
    """Print the error, prefixed with `what`. Return the exception to raise."""
    detail = detail_of(error)
    named = "" if not what or detail.startswith(what) else f"{what}: "
    return failed(shown(" ".join(f"{named}{detail} ({code_of(error)})".split())), status_of(error))


def _as_text(name: str) -> str:
    """Replace invalid Unicode for JSON."""
    return name.encode(errors="backslashreplace").decode()


class Failures:
    """Collects failures of several items: prints each, and exits with the status of the first."""

    def __init__(self) -> None:
        self.first: typer.Exit | None = None
        self.items: list[dict[str, str]] = []

    def note(self, what: str, error: Failure) -> None:
        exit_ = ended_by(error, what)
        self.first = self.first or exit_
        self.items.append({"what": _as_text(what), "code": code_of(error), "detail": _as_text(detail_of(error))})

    def note_or_raise(self, what: str, error: DocStoreError | OSError) -> None:
        """Note a failure; re-raise an error that would hit all items."""
        if status_of(error) in (NOT_LOGGED_IN, UNREACHABLE):
            raise error
        self.note(what, error)

    def end(self) -> None:
        """Exit with the first failure's status; return if nothing failed."""
        if self.first is not None:
            raise self.first


async def each(items: Iterable[T], failures: Failures, work: Callable[[T], Awaitable[R]]) -> list[R]:
    """Run `work` on each item. Continue after a failure, unless it would hit all items."""
    done: list[R] = []
    for item in items:
        try:
            done.append(await work(item))
        except (DocStoreError, OSError) as error:
            failures.note_or_raise(str(item), error)
    return done
