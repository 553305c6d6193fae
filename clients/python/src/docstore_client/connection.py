"""The connection to one gateway: tokens that renew themselves, and calls that are tried again where that is safe."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import aiohttp
import orjson

from docstore_client.errors import ApiError, Unreachable
from docstore_client.models import Account

SESSIONS = "/v1/sessions"
TRIES = 5
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
PASSING = frozenset({429, 502, 503, 504})
ANSWER_SECONDS = 90.0
CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Credentials:
    """What keeps a device logged in; the refresh token changes with every use."""

    gateway: str
    access_token: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body) if self.body else None


class Connection:
    """Calls one gateway. `on_renewed` is told of new credentials before they are used."""

    def __init__(
        self,
        gateway: str,
        credentials: Credentials | None = None,
        *,
        on_renewed: Callable[[Credentials], None] = lambda _: None,
    ) -> None:
        self.gateway = credentials.gateway if credentials else gateway.rstrip("/")
        self.credentials = credentials
        self._on_renewed = on_renewed
        self._renewing = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def http(self) -> aiohttp.ClientSession:
        """For the object store too: signed URLs carry no token of ours."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=ANSWER_SECONDS)
            connector = aiohttp.TCPConnector(limit=CONNECTIONS)
            self._session = aiohttp.ClientSession(timeout=timeout, connector=connector)
        return self._session

    async def call(
        self, method: str, path: str, body: Any = None, *, params: Mapping[str, Any] | None = None, etag: str = ""
    ) -> Any:
        """The JSON answer, None if there is none; ApiError when refused. `etag`: only if it still is that."""
        return (await self.ask(method, path, body, params=params, etag=etag)).json()

    async def ask(
        self, method: str, path: str, body: Any = None, *, params: Mapping[str, Any] | None = None, etag: str = ""
    ) -> Answer:
        """The answer, a redirect too. A call that changes something has a key, so that trying again is safe."""
        headers = {"content-type": "application/json"} if body is not None else {}
        if method != "GET":
            headers["idempotency-key"] = uuid4().hex
        if etag:
            headers["if-match"] = etag
        sent = None if body is None else orjson.dumps(body)
        query = {name: _text(value) for name, value in (params or {}).items() if value is not None}
        used = self.credentials
        answer = await self._try(method, path, sent, query, headers)
        if answer.status == 401 and used is not None:
            await self._renew(used)
            answer = await self._try(method, path, sent, query, headers)
        if answer.status >= 400:
            raise ApiError.of(answer.status, answer.body)
        return answer

    async def _try(
        self, method: str, path: str, body: bytes | None, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> Answer:
        for attempt in range(TRIES):
            try:
                answer = await self._once(method, path, body, query, headers)
            except (aiohttp.ClientError, TimeoutError) as error:
                if attempt == TRIES - 1:
                    raise Unreachable(f"{self.gateway} can't be reached: {error!r}") from error
                await asyncio.sleep(_pause(attempt))
                continue
            if answer.status not in PASSING or attempt == TRIES - 1:
                return answer
            await asyncio.sleep(_asked_pause(answer, attempt))
        raise AssertionError("the loop above returns or raises")

    async def _once(
        self, method: str, path: str, body: bytes | None, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> Answer:
        token = {"authorization": f"Bearer {self.credentials.access_token}"} if self.credentials else {}
        async with self.http.request(
            method, self.gateway + path, params=query, data=body, headers={**headers, **token}, allow_redirects=False
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    # --- credentials -------------------------------------------------------------------------------------

    async def log_in(self, email: str, password: str, device_name: str) -> Account:
        """Log in here, or at the account's home region, which `gateway` is from then on."""
        self.credentials = None
        body = orjson.dumps({"email": email, "password": password, "device_name": device_name})
        headers = {"content-type": "application/json"}
        answer = await self._try("POST", SESSIONS, body, {}, headers)
        if answer.status == 307:
            self.gateway = self._home(answer.headers.get("location", ""))
            answer = await self._try("POST", SESSIONS, body, {}, headers)
        if answer.status != 201:
            raise ApiError.of(answer.status, answer.body)
        return self._take(answer.json())

    def _home(self, location: str) -> str:
        """A password that was to travel encrypted is not sent on in the open."""
        home = location.removesuffix(SESSIONS)
        known = ("https://",) if self.gateway.startswith("https://") else ("https://", "http://")
        if home == location or not home.startswith(known):
            raise ApiError(307, "bad_redirect", f"{self.gateway} sent the log-in to {location or 'nowhere'}")
        return home

    async def _renew(self, used: Credentials) -> None:
        """New tokens, once for all calls that found the old ones expired."""
        async with self._renewing:
            if self.credentials is not used:
                return
            body = orjson.dumps({"refresh_token": used.refresh_token})
            headers = {"content-type": "application/json"}
            # Never sent twice: a refresh token that comes again ends its session.
            try:
                answer = await self._once("POST", f"{SESSIONS}/refresh", body, {}, headers)
            except (aiohttp.ClientError, TimeoutError) as error:
                raise Unreachable(f"{self.gateway} can't be reached: {error!r}") from error
            if answer.status >= 400:
                raise ApiError.of(answer.status, answer.body)
            self._take(answer.json())

    def _take(self, answer: Mapping[str, Any]) -> Account:
        self.credentials = Credentials(self.gateway, answer["access_token"], answer["refresh_token"])
        self._on_renewed(self.credentials)
        return Account.model_validate(answer["account"])


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pause(attempt: int) -> float:
    return float(min(FIRST_PAUSE_SECONDS * 2**attempt, LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0))


def _asked_pause(answer: Answer, attempt: int) -> float:
    """As long as the server asks for, within reason."""
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), 60.0) if asked.isdigit() else _pause(attempt)
