"""What can go wrong. `code` is stable and for programs; the message is for people."""

import os
from typing import Any

import aiohttp
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


class StoreError(DocStoreError):
    """The object store refused bytes, or to give them."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"the object store answered {status}: {text[:200]}")
        self.status = status


class Unreachable(DocStoreError):
    """No answer, however often it was tried, or one of something else than DocStore."""

    @classmethod
    def because_of(cls, status: int, answer: str) -> "Unreachable":
        """It is no gateway that answers, but a proxy or a network's log-in page."""
        return cls(f"it is not DocStore that answers with {status}: {' '.join(answer[:200].split())}")


class ContentDiffers(DocStoreError):
    """What arrived is not what was sent: the SHA-256 differs."""


class LocalError(DocStoreError):
    """A file of this machine can't be read or written."""


def reason_of(error: aiohttp.ClientError | TimeoutError) -> str:
    """Why there was no answer, in words for a person."""
    match error:
        case TimeoutError():
            return "no answer in time"
        case aiohttp.ClientConnectorDNSError():
            return f"unknown host {error.host}"
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not trusted: {error.certificate_error}"
        case aiohttp.ClientConnectorError() if error.os_error.errno:
            return os.strerror(error.os_error.errno).lower()
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed before an answer came"
        case aiohttp.ClientPayloadError():
            return "the connection was lost in the middle of an answer"
        case aiohttp.InvalidURL():
            return f"{error.url} is not an address"
        case _:
            return str(error) or type(error).__name__


def error_of(status: int, body: bytes) -> ApiError | Unreachable:
    """What an answer tells that is no success: a gateway's has a problem in it."""
    try:
        problem = orjson.loads(body)
        return ApiError(status, problem["code"], problem["detail"], problem)
    except (ValueError, KeyError, TypeError):
        return Unreachable.because_of(status, body.decode(errors="replace"))
