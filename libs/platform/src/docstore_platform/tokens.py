"""Access tokens: Ed25519-signed JWTs made by accounts, verified by every service with its published keys."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import jwt
from fastapi import Request
from jwt.algorithms import OKPAlgorithm

from docstore_platform.problems import Problem

AUDIENCE = "docstore"
ALGORITHM = "EdDSA"
LEEWAY_SECONDS = 5
CACHED_TOKENS = 10_000
KEYS_REFETCH_SECONDS = 10.0

JwkSet = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: taken from a verified token, never from a header."""

    account_id: str
    session_id: str
    role: str
    device: str

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


def unauthorized(detail: str) -> Problem:
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": 'Bearer realm="docstore"'})


class TokenVerifier:
    """Verifies access tokens against the keys of accounts; a verified token is remembered until it expires."""

    def __init__(self, fetch_keys: Callable[[], Awaitable[JwkSet]], issuer: str) -> None:
        self._fetch_keys = fetch_keys
        self._issuer = issuer
        self._keys: dict[str, Any] = {}
        self._fetched_at = float("-inf")
        self._verified: OrderedDict[str, tuple[Principal, float]] = OrderedDict()

    async def verify(self, token: str) -> Principal:
        """Whose token it is; 401 when it is forged, foreign or expired."""
        known = self._verified.get(token)
        if known is not None and known[1] > time.time():
            return known[0]
        try:
            key = await self._key(jwt.get_unverified_header(token).get("kid", ""))
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "sub", "sid", "aud", "iss"]},
            )
        except jwt.ExpiredSignatureError:
            raise unauthorized("The access token has expired.") from None
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            raise unauthorized("The access token is not valid.") from None
        principal = Principal(claims["sub"], claims["sid"], claims.get("role", "user"), claims.get("device", ""))
        self._verified[token] = (principal, float(claims["exp"]) + LEEWAY_SECONDS)
        if len(self._verified) > CACHED_TOKENS:
            self._verified.popitem(last=False)
        return principal

    async def _key(self, key_id: str) -> Any:
        if key_id not in self._keys and time.monotonic() - self._fetched_at > KEYS_REFETCH_SECONDS:
            keys = (await self._fetch_keys())["keys"]
            self._keys = {jwk["kid"]: OKPAlgorithm.from_jwk(jwk) for jwk in keys}
            self._fetched_at = time.monotonic()
        return self._keys[key_id]


def expires_at(token: str) -> float:
    """Until when a verified token is good, in seconds since 1970."""
    return float(jwt.decode(token, options={"verify_signature": False})["exp"]) + LEEWAY_SECONDS


def bearer_token(authorization: str | None) -> str:
    """The token of an `Authorization: Bearer ...` header; 401 without one."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized("A bearer access token is needed.")
    return token


async def current_principal(request: Request) -> Principal:
    """FastAPI dependency: the caller of a public route."""
    verifier: TokenVerifier = request.app.state.verifier
    return await verifier.verify(bearer_token(request.headers.get("authorization")))
