"""Access tokens: Ed25519-signed JWTs issued by accounts, verified by every service with its published keys."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import jwt
from fastapi import Depends, Request
from jwt.algorithms import OKPAlgorithm

from docstore_contracts.accounts import JwkSet
from docstore_platform.clock import unix_time
from docstore_platform.errors import Forbidden
from docstore_platform.http.problems import Problem
from docstore_platform.security.scopes import EVERY_TOKEN, WITHIN_FOLDER, scope_of

AUDIENCE = "docstore"
ALGORITHM = "EdDSA"
LEEWAY_SECONDS = 5
MAX_SKEW_SECONDS = 900
"""A host whose clock is behind must not refuse every new token; S3 refuses signatures that are further away."""
CACHED_TOKENS = 10_000
KEYS_REFETCH_SECONDS = 10.0
MAX_TOKEN_SECONDS = 3_600
"""Longest lifetime of a token, if accounts does not publish it."""

FetchKeys = Callable[[], Awaitable[JwkSet]]


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller, from a verified token, never from a header."""

    account_id: str
    session_id: str
    """Session of a log-in, or id of an API token."""
    role: str
    device: str
    account_revision: int = 0
    """Revision of the account when the token was issued; 0 in tokens without it."""
    scopes: frozenset[str] | None = None
    """What an API token may do; None for a log-in, which may do all that its account may."""
    folder_id: str = ""
    """Folder that an API token is limited to; empty: none. For a visitor of a link, what the link leads to."""
    link_id: str = ""
    """Link by which a visitor without an account acts on behalf of this one; empty: none. No token has it."""

    @property
    def by_link(self) -> str:
        """What histories call a visitor of a link; empty for the account itself."""
        return self.device if self.link_id else ""

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


def unauthorized(detail: str) -> Problem:
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": 'Bearer realm="docstore"'})


class TokenVerifier:
    """Verifies access tokens with the keys of accounts; a verified token is cached until it expires."""

    def __init__(self, fetch_keys: FetchKeys, issuer: str) -> None:
        self._fetch_keys = fetch_keys
        self._issuer = issuer
        self._keys: dict[str, Any] = {}
        self._fetched_at = float("-inf")
        self._token_seconds = MAX_TOKEN_SECONDS
        self._check: Callable[[Principal], Awaitable[None]] | None = None
        self._verified: OrderedDict[str, tuple[Principal, float]] = OrderedDict()

    def also(self, check: Callable[[Principal], Awaitable[None]]) -> None:
        """Add a `check` of every token at each use, which refuses it by a Problem."""
        self._check = check

    async def verify(self, token: str) -> Principal:
        """Return the token's principal; 401 if it is forged, foreign, expired or has too long a lifetime."""
        principal = await self._read(token)
        if self._check is not None:
            await self._check(principal)
        return principal

    async def _read(self, token: str) -> Principal:
        known = self._verified.get(token)
        if known is not None and known[1] > unix_time():
            return known[0]
        try:
            key = await self._key(jwt.get_unverified_header(token).get("kid", ""))
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                options={
                    "require": ["exp", "iat", "sub", "sid", "aud", "iss"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            issued, expires = float(claims["iat"]), float(claims["exp"])
            if unix_time() >= expires + LEEWAY_SECONDS:
                raise jwt.ExpiredSignatureError
            if issued > unix_time() + MAX_SKEW_SECONDS:
                raise jwt.ImmatureSignatureError
            await self._check_life(expires - issued)
        except jwt.ExpiredSignatureError:
            raise unauthorized("The access token has expired.") from None
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            raise unauthorized("The access token is invalid.") from None
        principal = Principal(
            account_id=claims["sub"],
            session_id=claims["sid"],
            role=claims.get("role", "user"),
            device=claims.get("device", ""),
            account_revision=int(claims.get("rev", 0)),
            scopes=frozenset(str(claims["scope"]).split()) if "scope" in claims else None,
            folder_id=str(claims.get("folder", "")),
        )
        self._verified[token] = (principal, float(claims["exp"]) + LEEWAY_SECONDS)
        if len(self._verified) > CACHED_TOKENS:
            self._verified.popitem(last=False)
        return principal

    async def _key(self, key_id: str) -> Any:
        if key_id not in self._keys:
            await self._fetch()
        return self._keys[key_id]

    async def _check_life(self, seconds: float) -> None:
        """InvalidTokenError if a token's lifetime exceeds that of accounts."""
        if seconds > self._token_seconds:
            await self._fetch()  # the limit may have been raised
        if seconds > self._token_seconds:
            raise jwt.InvalidTokenError

    async def _fetch(self) -> None:
        if time.monotonic() - self._fetched_at <= KEYS_REFETCH_SECONDS:
            return
        found = await self._fetch_keys()
        self._keys = {jwk["kid"]: OKPAlgorithm.from_jwk(jwk) for jwk in found["keys"]}
        self._token_seconds = int(found.get("token_seconds", MAX_TOKEN_SECONDS))
        self._fetched_at = time.monotonic()


def expires_at(token: str) -> float:
    """Return the expiry of a verified token, in seconds since 1970."""
    return float(jwt.decode(token, options={"verify_signature": False})["exp"]) + LEEWAY_SECONDS


def bearer_token(authorization: str | None) -> str:
    """Return the token of an `Authorization: Bearer ...` header; 401 without one."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized("A bearer access token is required.")
    return token


async def current_principal(request: Request) -> Principal:
    """FastAPI dependency: the caller of a public route; 403 if it is an API token that may not call it."""
    verifier: TokenVerifier = request.app.state.verifier
    principal = await verifier.verify(bearer_token(request.headers.get("authorization")))
    check_operation(principal, f"{request.method} {request.scope['route'].path}")
    return principal


def check_operation(principal: Principal, operation: str) -> None:
    """403 if the caller is an API token that may not do an operation such as `GET /v1/files/{file_id}`."""
    if principal.scopes is None or operation in EVERY_TOKEN:
        return
    check_scope(principal.scopes, operation)
    if principal.folder_id and operation not in WITHIN_FOLDER:
        raise Forbidden("This API token is limited to a folder, and this concerns the account.", code="folder_limited")


def check_scope(scopes: frozenset[str], operation: str) -> None:
    """403 `log_in_required`, or `insufficient_scope` (RFC 6750, 3.1), if an operation is not in `scopes`."""
    needed = scope_of(operation)
    if needed is None:
        raise Forbidden("An API token can't do this. Log in instead.", code="log_in_required")
    if needed not in scopes:
        challenge = f'Bearer realm="docstore", error="insufficient_scope", scope="{needed}"'
        detail = f"This API token lacks the scope {needed}. Create one that has it."
        raise Problem(403, "insufficient_scope", detail, headers={"WWW-Authenticate": challenge}, scope=needed)


Caller = Annotated[Principal, Depends(current_principal)]
"""Parameter of a public route: its caller."""


async def administrator(caller: Caller) -> Principal:
    """FastAPI dependency: the caller of a route for administrators; 403 for others."""
    if not caller.is_admin:
        raise Forbidden("Only administrators can do this.")
    return caller
