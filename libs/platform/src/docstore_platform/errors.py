"""Why a request can't be met. Standard library only: `docstore_platform.problems` knows how HTTP answers each.

A rule or use case raises the class that says what kind of error it is, with a code of its own:
`raise Conflict("This upload is completed.", code="upload_completed")`.
"""

from typing import Any


class DomainError(Exception):
    """`code` never changes once published; `detail` is for people, `extra` for programs."""

    code = "error"
    is_temporary = False
    """Whether it may be different later without anything done about it by who asked."""

    def __init__(
        self, detail: str, *, code: str | None = None, retry_after: int | str | None = None, **extra: Any
    ) -> None:
        self.code = code or self.code
        super().__init__(f"{self.code}: {detail}")
        self.detail = detail
        self.retry_after = retry_after
        """Seconds after which to ask again."""
        self.extra = extra


class Invalid(DomainError):
    """The request can't be understood or breaks a rule; trying again won't help."""

    code = "invalid_request"


class Unauthenticated(DomainError):
    """Nobody knows who asks."""

    code = "unauthorized"


class Forbidden(DomainError):
    """Who asks may not do this."""

    code = "forbidden"


class NotFound(DomainError):
    """There is no such thing, or none that who asks may know of."""

    code = "not_found"


class Conflict(DomainError):
    """The state of things does not allow it."""

    code = "conflict"


class Gone(DomainError):
    """It was there once."""

    code = "gone"


class PreconditionFailed(DomainError):
    """Things are not as who asks has seen them last."""

    code = "precondition_failed"


class TooLarge(DomainError):
    """More than is taken at once."""

    code = "too_large"


class TooMany(DomainError):
    """More, or more often, than is allowed."""

    code = "rate_limited"


class Unavailable(DomainError):
    """A component that is needed is away or busy."""

    code = "unavailable"
    is_temporary = True


class OutOfSpace(DomainError):
    """It does not fit into what is left of a quota."""

    code = "over_quota"
    is_temporary = True


class Elsewhere(DomainError):
    """The same request is to be made at `location`."""

    def __init__(self, detail: str, location: str, *, code: str, **extra: Any) -> None:
        super().__init__(detail, code=code, **extra)
        self.location = location


def not_found(what: str) -> NotFound:
    """Unknown and foreign ids get the same answer, so that an id reveals nothing."""
    return NotFound(f"There is no such {what}.")


def unavailable(what: str) -> Unavailable:
    """A component this answer needs is down; the client may try again."""
    return Unavailable(f"{what} can't be reached just now.", retry_after=1)


def invalid(detail: str, code: str = "invalid_request", **extra: Any) -> Invalid:
    """A rule that is broken, by its code."""
    return Invalid(detail, code=code, **extra)
