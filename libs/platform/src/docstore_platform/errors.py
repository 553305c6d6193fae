"""Domain errors. Standard library only: `docstore_platform.http.problems` maps them to HTTP.

A rule or use case raises the class of the error's kind, with a code of its own:
`raise Conflict("This upload is completed.", code="upload_completed")`.
"""

from typing import Any


class DomainError(Exception):
    """Base of domain errors. `code` never changes once published; `detail` is for people, `extra` for programs."""

    code = "error"
    is_temporary = False
    """Whether a retry of the same request may succeed."""

    def __init__(
        self, detail: str, *, code: str | None = None, retry_after: int | str | None = None, **extra: Any
    ) -> None:
        self.code = code or self.code
        super().__init__(f"{self.code}: {detail}")
        self.detail = detail
        self.retry_after = retry_after
        """Seconds after which to retry."""
        self.extra = extra


class Invalid(DomainError):
    """The request is malformed or breaks a rule; a retry won't help."""

    code = "invalid_request"


class Unauthenticated(DomainError):
    """The caller is not known."""

    code = "unauthorized"


class Forbidden(DomainError):
    """The caller may not do this."""

    code = "forbidden"


class NotFound(DomainError):
    """It does not exist, or the caller may not know that it does."""

    code = "not_found"


class Conflict(DomainError):
    """The current state does not allow it."""

    code = "conflict"


class Gone(DomainError):
    """It existed once."""

    code = "gone"


class PreconditionFailed(DomainError):
    """The state differs from what the caller has seen last."""

    code = "precondition_failed"


class TooLarge(DomainError):
    """More than is accepted at once."""

    code = "too_large"


class Locked(DomainError):
    """Another holder has locked it."""

    code = "locked"


class TooMany(DomainError):
    """More, or more often, than allowed."""

    code = "rate_limited"


class Unavailable(DomainError):
    """A required component is down or busy."""

    code = "unavailable"
    is_temporary = True


class OutOfSpace(DomainError):
    """It exceeds the remaining quota."""

    code = "over_quota"
    is_temporary = True


class Elsewhere(DomainError):
    """The caller must send the same request to `location`."""

    def __init__(self, detail: str, location: str, *, code: str, **extra: Any) -> None:
        super().__init__(detail, code=code, **extra)
        self.location = location


def not_found(what: str) -> NotFound:
    """Return the same error for unknown ids and those of others, so that an id reveals nothing."""
    return NotFound(f"There is no such {what}.")


def unavailable(what: str) -> Unavailable:
    """A component that the response needs is down; the client may retry."""
    return Unavailable(f"{what} is temporarily unavailable.", retry_after=1)


def invalid(detail: str, code: str = "invalid_request", **extra: Any) -> Invalid:
    """Return the error of a broken rule, by its code."""
    return Invalid(detail, code=code, **extra)
