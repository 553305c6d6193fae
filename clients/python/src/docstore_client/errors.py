"""What can go wrong. `code` is stable and for programs; the message is for people."""

from typing import Any

import orjson


class DocStoreError(Exception):
    """Base of all errors of this package."""


class ApiError(DocStoreError):
    """The gateway refused: an RFC 9457 problem."""

    def __init__(self, status: int, code: str, detail: str, extra: dict[str, Any] | None = None) -> None:
        super().__init__(f"{detail} ({code})")
        self.status = status
        self.code = code
        self.detail = detail
        self.extra = extra or {}

    @classmethod
    def of(cls, status: int, body: bytes) -> "ApiError":
        """The problem in an answer's body, or one made of what there is."""
        try:
            problem = orjson.loads(body)
            return cls(status, problem["code"], problem["detail"], problem)
        except (ValueError, KeyError, TypeError):
            return cls(status, f"http_{status}", body[:200].decode(errors="replace"))


class StoreError(DocStoreError):
    """The object store refused bytes, or to give them."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"the object store answered {status}: {text[:200]}")
        self.status = status


class Unreachable(DocStoreError):
    """No answer, however often it was tried, or one of something else than DocStore."""


class ContentDiffers(DocStoreError):
    """What arrived is not what was sent: the SHA-256 differs."""


class LocalError(DocStoreError):
    """A file of this machine can't be read or written."""
