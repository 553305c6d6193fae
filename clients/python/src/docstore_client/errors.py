"""Errors of this package. `code` is stable and for programs; the message is for people."""

import os
from typing import Any

import aiohttp
import orjson


class DocStoreError(Exception):
    """Base of all errors of this package."""


class ApiError(DocStoreError):
    """The gateway returned an error: an RFC 9457 problem. Its subclasses are those of each status."""

    def __init__(
        self, status: int, code: str, detail: str, extra: dict[str, Any] | None = None, request_id: str = ""
    ) -> None:
        traced = f", request {request_id}" if request_id and status >= 500 else ""
        super().__init__(f"{detail} ({code}{traced})")
        self.status = status
        self.code = code
        self.detail = detail
        self.extra = extra or {}
        self.request_id = request_id
        """Id of the call in the logs and traces of the server."""


class BadRequest(ApiError):
    """400: a query parameter that the route does not have."""


class Unauthenticated(ApiError):
    """401: no valid log-in or token, or a wrong password."""


class Forbidden(ApiError):
    """403: the account or token may not do this."""


class NotFound(ApiError):
    """404: it does not exist, or belongs to others."""


class Conflict(ApiError):
    """409: its present state does not allow this."""


class PreconditionFailed(ApiError):
    """412: the file has changed since its etag was read."""


class Invalid(ApiError):
    """422: a value breaks a rule; `extra["errors"]` names the fields."""


class RateLimited(ApiError):
    """429: too many calls; raised after the retries."""


class OverQuota(ApiError):
    """507: the account's storage is full."""


class ServerError(ApiError):
    """5xx: the server failed or is unavailable; raised after the retries."""


_BY_STATUS = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    422: Invalid,
    429: RateLimited,
    507: OverQuota,
}


class StoreError(DocStoreError):
    """The object store refused a request."""

    def __init__(self, status: int, text: str, request_id: str = "") -> None:
        traced = f" (request {request_id})" if request_id and status >= 500 else ""
        super().__init__(f"the object store responded with {status}{traced}: {text[:200]}")
        self.status = status
        self.request_id = request_id
        """Id of the request in the logs of the object store."""


class Unreachable(DocStoreError):
    """No response after all retries, or a response from something other than DocStore."""

    @classmethod
    def because_of(cls, status: int, body: str) -> "Unreachable":
        """A proxy or a network's log-in page responded instead of a gateway."""
        return cls(f"the response with status {status} is not from DocStore: {' '.join(body[:200].split())}")


class ContentDiffers(DocStoreError):
    """The SHA-256 of received content differs from the expected one."""


class LocalError(DocStoreError):
    """A local file can't be read or written."""


def reason_of(error: aiohttp.ClientError | TimeoutError) -> str:
    """Why there was no response, for people."""
    match error:
        case TimeoutError():
            return "no response in time"
        case aiohttp.ClientConnectorDNSError():
            return f"unknown host {error.host}"
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not trusted: {error.certificate_error}"
        case aiohttp.ClientConnectorSSLError():  # its errno is OpenSSL's, and no number of the system
            failure = _tls_failure(error.os_error)
            return f"the TLS handshake failed ({failure}): does the server use http:// instead of https://?"
        case aiohttp.ClientConnectorError() if error.os_error.errno:
            return os.strerror(error.os_error.errno).lower()
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed before a response came"
        case aiohttp.ClientPayloadError():
            return "the connection was lost during a response"
        case aiohttp.InvalidURL():
            return f"{error.url} is not an address"
        case _:
            return str(error) or type(error).__name__


def _tls_failure(error: OSError) -> str:
    """OpenSSL's reason in words, such as `wrong version number` for a response that is not TLS."""
    return str(getattr(error, "reason", None) or error).replace("_", " ").lower()


async def store_error(response: aiohttp.ClientResponse) -> StoreError:
    """Build the error of an unsuccessful response of the object store."""
    return StoreError(response.status, await response.text(), response.headers.get("x-amz-request-id", ""))


def error_of(status: int, body: bytes, request_id: str = "") -> ApiError | Unreachable:
    """Build the error of an unsuccessful response; a gateway sends a problem document."""
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    try:
        problem = orjson.loads(body)
        return kind(status, problem["code"], problem["detail"], problem, request_id)
    except (ValueError, KeyError, TypeError):
        return Unreachable.because_of(status, body.decode(errors="replace"))
