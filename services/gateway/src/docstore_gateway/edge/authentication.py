"""Who makes a request: its Authorization header, checked. Every door of the gateway asks here.

| header | caller |
|---|---|
| `Bearer <access token>` | a log-in |
| `Bearer dst_...` | a program with an API token |
| `Basic <e-mail>:dst_...` | the same, for programs that know only user and password |

An API token is exchanged at accounts for an access token with its scopes, so that services see one kind of token. The
access token is reused for half of its life. The list of revoked tokens is checked at each use, and covers those that
were exchanged for a revoked API token: it works nowhere within a second.
"""

import binascii
import hashlib
import re
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from docstore_contracts.accounts import AccountsClient
from docstore_platform.clock import unix_time
from docstore_platform.errors import NotFound
from docstore_platform.http.problems import Problem
from docstore_platform.security.tokens import Principal, TokenVerifier, bearer_token, unauthorized

API_TOKEN = re.compile(r"dst_[A-Za-z0-9_-]{43}")
MAX_EMAIL_CHARS = 254
CACHED_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller of a request, and the access token that proves it to services."""

    principal: Principal
    access_token: str
    user_name: str = ""
    """The e-mail address, as it was given with Basic credentials."""

    @property
    def by_basic(self) -> bool:
        """Whether a browser may have sent the credentials by itself, for another site."""
        return bool(self.user_name)


@dataclass(frozen=True, slots=True)
class _Credentials:
    """An API token, and the e-mail that its account must have; None: any."""

    token: str
    email: str | None

    @property
    def cache_key(self) -> bytes:
        return hashlib.sha256(f"{self.token}\n{self.email}".encode()).digest()


class Authenticator:
    def __init__(
        self, verifier: TokenVerifier, accounts: AccountsClient, spend: Callable[[str], Awaitable[None]]
    ) -> None:
        """`spend` counts an exchange for a client's address; it raises a problem after too many."""
        self._verifier = verifier
        self._accounts = accounts
        self._spend = spend
        self._exchanged: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    async def identify(self, authorization: str | None, client: str) -> Identity:
        """Return the caller of a request of `client`, an address.

        401 for credentials that are missing, wrong, expired or revoked; 403 `account_suspended`; 429.
        """
        credentials = _api_token(authorization)
        if credentials is None:
            token = bearer_token(authorization)
            return Identity(await self._verifier.verify(token), token)
        principal, access_token = await self._reused(credentials) or await self._exchange(credentials, client)
        return Identity(principal, access_token, user_name=credentials.email or "")

    async def _reused(self, credentials: _Credentials) -> tuple[Principal, str] | None:
        known = self._exchanged.get(credentials.cache_key)
        if known is None or known[1] <= unix_time():
            return None
        try:
            return await self._verifier.verify(known[0]), known[0]
        except Problem as error:
            if error.status != 401:
                raise
            return None  # revoked, or issued before a change of the account: accounts decides

    async def _exchange(self, credentials: _Credentials, client: str) -> tuple[Principal, str]:
        await self._spend(client)
        try:
            exchanged = await self._accounts.exchange_token(credentials.token, credentials.email)
        except NotFound as error:
            self._exchanged.pop(credentials.cache_key, None)
            raise _refused(error.detail) from None
        access_token = exchanged["access_token"]
        principal = await self._verifier.verify(access_token)
        self._exchanged[credentials.cache_key] = access_token, unix_time() + exchanged["expires_in"] / 2
        if len(self._exchanged) > CACHED_TOKENS:
            self._exchanged.popitem(last=False)
        return principal, access_token


def _api_token(authorization: str | None) -> _Credentials | None:
    """Return the API token of a header; None if it may contain an access token. 401 for a malformed one."""
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() == "basic":
        email, token = _user_and_password(value.strip())
        if not token.startswith("dst_"):
            raise _refused("Use an API token as the password: create one in the settings.")
        return _checked(token, email)
    if scheme.lower() == "bearer" and value.startswith("dst_"):
        return _checked(value, None)
    return None


def _checked(token: str, email: str | None) -> _Credentials:
    if not API_TOKEN.fullmatch(token) or len(email or "") > MAX_EMAIL_CHARS:
        raise _refused("The API token is unknown, expired or revoked.")
    return _Credentials(token, email)


def _user_and_password(value: str) -> tuple[str, str]:
    """Return the parts of Basic credentials (RFC 7617), UTF-8; both empty if they are malformed."""
    try:
        user, _, password = b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def _refused(detail: str) -> Problem:
    problem = unauthorized(detail)
    return Problem(problem.status, "invalid_token", detail, headers=problem.headers)
