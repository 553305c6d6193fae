"""Connection to one gateway: renews tokens, and retries calls where that is safe."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import aiohttp
import orjson
from yarl import URL

from docstore_client.credentials import Credentials, CredentialStore
from docstore_client.errors import ApiError, DocStoreError, Unreachable, error_of, reason_of, store_error
from docstore_client.models import Account
from docstore_client.network.bandwidth import TokenBucket
from docstore_client.network.options import DEFAULT, Options
from docstore_client.network.retrying import AMBIGUOUS, PASSING, pause, proxy_for, retry_after

SESSIONS = "/v1/sessions"
REPEATABLE = ("/complete", "/complete-batch", "/v1/blocks/missing", "/v1/contents", "/v1/compare")
"""Suffixes of idempotent routes, which need no idempotency key."""
REQUEST_ID = "x-request-id"
CLOSING_SECONDS = 10.0
"""Longest time that closing waits for a token renewal."""
CONNECTIONS = 32
Query = Mapping[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class ApiResponse:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Parse the body; None if it is empty. Unreachable if a proxy or log-in page responded instead."""
        try:
            if not 300 <= self.status < 400:
                return orjson.loads(self.body) if self.body else None
        except orjson.JSONDecodeError:
            pass
        where = self.headers.get("location") or self.body.decode(errors="replace")
        raise Unreachable.because_of(self.status, where)

    def error(self) -> DocStoreError:
        """Return the error of an unsuccessful response."""
        return error_of(self.status, self.body, self.headers.get(REQUEST_ID, ""))


class Connection:
    """Calls one gateway with the credentials of `store`, if it has any. New ones are stored before their use."""

    def __init__(
        self,
        gateway: str,
        credentials: Credentials | None = None,
        store: CredentialStore | None = None,
        options: Options = DEFAULT,
    ) -> None:
        self.credentials = credentials or (store.load() if store else None)
        self._entrance = gateway.rstrip("/")
        self.gateway = self.credentials.gateway if self.credentials else self._entrance
        self.device_token = ""
        self.sending, self.receiving = TokenBucket(options.upload_limit), TokenBucket(options.download_limit)
        self._store = store
        self._options = options
        self._renewing: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection after a pending token renewal: the old tokens are already invalid."""
        if self._renewing is not None and not self._renewing.done():
            await asyncio.wait([self._renewing], timeout=CLOSING_SECONDS)
            self._renewing.cancel()
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def http(self) -> aiohttp.ClientSession:
        """HTTP session, also for the object store: signed URLs need no token."""
        if self._session is None:
            options = self._options
            timeout = aiohttp.ClientTimeout(
                total=None, sock_connect=options.connect_timeout, sock_read=options.response_timeout
            )
            connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=options.tls or True)
            headers = {"user-agent": options.user_agents()}
            self._session = aiohttp.ClientSession(timeout=timeout, connector=connector, headers=headers)
        return self._session

    async def call(
        self, method: str, path: str, body: Any = None, *, params: Mapping[str, Any] | None = None, etag: str = ""
    ) -> Any:
        """Return the JSON body or None; ApiError on an error status, Unreachable if there is no DocStore.

        Text that is not valid Unicode is refused here: dropping invalid characters would name another file.

        `etag`: only if the file is unchanged.
        """
        return (await self.ask(method, path, body, params=params, etag=etag)).json()

    async def ask(
        self, method: str, path: str, body: Any = None, *, params: Mapping[str, Any] | None = None, etag: str = ""
    ) -> ApiResponse:
        """Return the response, redirects included. Calls that change something have a key and can be retried safely."""
        headers = {"content-type": "application/json"} if body is not None else {}
        if method != "GET" and not path.endswith(REPEATABLE):
            headers["idempotency-key"] = uuid4().hex
        if etag:
            headers["if-match"] = etag
        sent = None if body is None else _json(body)
        query = _query(params or {})
        used = self.credentials
        response = await self._try(method, path, sent, query, headers)
        if response.status == 401 and used is not None and used.refresh_token:
            await self._renew(used)
            response = await self._try(method, path, sent, query, headers)
        if response.status >= 400:
            raise response.error()
        return response

    async def _try(
        self, method: str, path: str, body: bytes | None, query: Query, headers: Mapping[str, str]
    ) -> ApiResponse:
        may_be_done = False
        for attempt in range(self._options.tries):
            try:
                response = await self._once(method, path, body, query, headers)
            except (aiohttp.ClientError, TimeoutError) as error:
                if attempt == self._options.tries - 1:
                    raise Unreachable(f"{self.gateway} can't be reached: {reason_of(error)}") from error
                may_be_done |= not isinstance(error, aiohttp.ClientConnectorError)
                await asyncio.sleep(pause(attempt))
                continue
            if may_be_done and method == "DELETE" and response.status == 404:
                return ApiResponse(204, response.headers, b"")  # most likely the deletion whose response was lost
            if response.status not in PASSING or attempt == self._options.tries - 1:
                return response
            may_be_done |= response.status in AMBIGUOUS
            await asyncio.sleep(retry_after(response.headers, attempt))
        raise AssertionError("the loop above returns or raises")

    async def _once(
        self, method: str, path: str, body: bytes | None, query: Query, headers: Mapping[str, str]
    ) -> ApiResponse:
        async with self._request(method, path, params=query, data=body, headers=headers) as response:
            return ApiResponse(response.status, response.headers, await response.read())

    def _request(
        self, method: str, path: str, *, headers: Mapping[str, str], **more: Any
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        token = {"authorization": f"Bearer {self.credentials.access_token}"} if self.credentials else {}
        url = self.gateway + _text(path)
        return self.http.request(
            method, url, headers={**headers, **token}, allow_redirects=False, proxy=proxy_for(url), **more
        )

    @asynccontextmanager
    async def opened(
        self, path: str, params: Mapping[str, Any], start: int, *, etag: str = ""
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Stream the bytes of a route from `start` on, from the gateway or from the signed URL that it redirects to.

        With an `etag`, all bytes if the content is another one now. Status 416: no bytes left.

        ApiError or StoreError on an error status; aiohttp's error if the connection is lost.
        """
        headers = {"range": f"bytes={start}-"} if start else {}
        if start and etag:
            headers["if-range"] = etag
        query = _query(params)
        used, first = self.credentials, self.credentials
        for attempt in range(self._options.tries):
            async with self._request("GET", path, params=query, headers=headers) as response:
                if response.status in (200, 206, 416):
                    yield response
                    return
                location = response.headers.get("location", "")
                if response.status in (302, 307) and location:
                    break
                is_expired = response.status == 401 and used is first and used is not None and bool(used.refresh_token)
                if attempt == self._options.tries - 1 or not (is_expired or response.status in PASSING):
                    raise error_of(response.status, await response.read(), response.headers.get(REQUEST_ID, ""))
                wait = retry_after(response.headers, attempt)
            if is_expired and used is not None:
                await self._renew(used)
                used = self.credentials
            else:
                await asyncio.sleep(wait)
        signed = URL(location, encoded=True)  # encoded otherwise, it would not be what was signed
        async with self.http.get(signed, headers=headers, proxy=proxy_for(location)) as response:
            if response.status >= 400 and response.status != 416:
                raise await store_error(response)
            yield response

    # --- credentials -------------------------------------------------------------------------------------

    async def log_in(self, email: str, password: str, device_name: str, device_token: str) -> Account:
        """Log in here, or at the account's home region; `gateway` then names that region."""
        self.credentials, self.gateway = None, self._entrance or self.gateway
        fields = {"email": email, "password": password, "device_name": device_name}
        body = _json(fields | ({"device_token": device_token} if device_token else {}))
        headers = {"content-type": "application/json"}
        response = await self._try("POST", SESSIONS, body, {}, headers)
        if response.status == 307:
            self.gateway = home_gateway(self.gateway, response.headers.get("location", ""))
            response = await self._try("POST", SESSIONS, body, {}, headers)
        if response.status != 201:  # follow one redirect only, to avoid loops
            raise response.error()
        self.device_token = response.json().get("device_token", "")
        async with self._alone():
            return self._take(response.json())

    def _alone(self) -> AbstractAsyncContextManager[None]:
        return self._store.renewing() if self._store else nullcontext()

    async def _renew(self, used: Credentials) -> None:
        """Renew the tokens once for all calls and processes that found the old ones expired.

        A cancelled call does not cancel the renewal: losing the response would end the session.
        """
        if self.credentials is not used:
            return
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renewed(used))
            self._renewing.add_done_callback(_take_note)
        await asyncio.shield(self._renewing)

    async def _renewed(self, used: Credentials) -> None:
        async with self._alone():
            kept = self._store.load() if self._store else used
            if kept is None or (kept.gateway, kept.email) != (used.gateway, used.email):
                raise ApiError(401, "logged_out", "This log-in has ended; another may have begun.")
            if kept.refresh_token != used.refresh_token:
                self.credentials = kept
                return
            body = orjson.dumps({"refresh_token": used.refresh_token})
            headers = {"content-type": "application/json"}
            # never retried: a reused refresh token ends its session
            try:
                response = await self._once("POST", f"{SESSIONS}/refresh", body, {}, headers)
            except (aiohttp.ClientError, TimeoutError) as error:
                raise Unreachable(f"{self.gateway} can't be reached: {reason_of(error)}") from error
            if response.status >= 400:
                raise response.error()
            self._take(response.json())

    def _take(self, response: Mapping[str, Any]) -> Account:
        account = Account.model_validate(response["account"])
        self.credentials = Credentials(self.gateway, response["access_token"], response["refresh_token"], account.email)
        if self._store is not None:
            self._store.save(self.credentials)
        return account


def home_gateway(gateway: str, location: str) -> str:
    """Gateway of the home region. A password is never forwarded from https to http."""
    home = location.removesuffix(SESSIONS)
    known = ("https://",) if gateway.startswith("https://") else ("https://", "http://")
    if home == location or not home.startswith(known):
        raise ApiError(307, "bad_redirect", f"{gateway} redirected the log-in to {location or 'nowhere'}")
    return home


def _take_note(renewing: asyncio.Task[None]) -> None:
    """Consume an exception, so that asyncio does not log it if no call is left to raise it."""
    if not renewing.cancelled():
        renewing.exception()


def _query(params: Mapping[str, Any]) -> Query:
    """Return the parameters that are set; one with several values is a list."""
    given = {name: value for name, value in params.items() if value is not None}
    return {name: list(map(_text, each)) if isinstance(each, list) else _text(each) for name, each in given.items()}


def _text(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ApiError(422, "invalid_request", f"{text!r} is not valid Unicode") from None
    return text


def _json(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise ApiError(422, "invalid_request", str(error)) from error
