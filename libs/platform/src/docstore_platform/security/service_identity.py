"""Authentication of `/internal` callers: each service signs short-lived tokens with its own key (JWT, Ed25519).

A token names its caller (`iss`, `sub`) and the one service it is for (`aud`). Receivers have the public keys of all
services in their settings, several of each during a rotation, and each route declares the allowed callers.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute

from docstore_platform.clock import unix_time
from docstore_platform.http.problems import Problem
from docstore_platform.http.routes import INTERNAL_PREFIX
from docstore_platform.http.server.operators import is_from_operators
from docstore_platform.security.service_keys import load_private_key, load_public_key, private_key_for
from docstore_platform.security.tokens import ALGORITHM, unauthorized
from docstore_platform.services import SERVICE_NAMES, CallerName, ServiceName
from docstore_platform.settings import InfraSettings

log = structlog.get_logger(__name__)

TOKEN_TYPE = "docstore-service+jwt"
LIFETIME_SECONDS = 300
RENEW_AFTER_SECONDS = 60
LEEWAY_SECONDS = 30
"""Most that the clocks of two services may differ."""
CACHED_TOKENS = 256
SHARED_SECRET: Final = "shared-secret"
"""Caller of the previous version, which only proves that it knows DOCSTORE_INTERNAL_SECRET."""
CALLER_NOT_ALLOWED = "caller_not_allowed"

Clock = Callable[[], float]


class TokenSource:
    """Tokens of one caller for one audience, renewed once a minute."""

    def __init__(self, caller: str, audience: str, key: Ed25519PrivateKey, clock: Clock = unix_time) -> None:
        self._caller = caller
        self._audience = audience
        self._key = key
        self._clock = clock
        self._token = ""
        self._signed_at = float("-inf")

    def token(self) -> str:
        now = self._clock()
        if not self._signed_at <= now < self._signed_at + RENEW_AFTER_SECONDS:
            self._token, self._signed_at = self._sign(int(now)), now
        return self._token

    def _sign(self, now: int) -> str:
        claims = {
            "iss": self._caller,
            "sub": self._caller,
            "aud": self._audience,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"typ": TOKEN_TYPE})


def token_source(caller: CallerName, audience: ServiceName, infra: InfraSettings) -> TokenSource | None:
    """Return tokens by the key in the settings; None if these have only the previous version's shared secret."""
    setting = infra.service_key.get_secret_value()
    if not setting:
        if not infra.internal_secret.get_secret_value():
            raise ValueError(f"DOCSTORE_SERVICE_KEY is not set: {caller} can't prove who it is to {audience}")
        return None
    return TokenSource(caller, audience, load_private_key(private_key_for(caller, setting)))


class CallerVerifier:
    """Verifies callers of `audience`. A verified token is cached until it expires."""

    def __init__(
        self,
        audience: str,
        public_keys: Mapping[str, Sequence[Ed25519PublicKey]],
        *,
        shared_secret: str = "",
        clock: Clock = unix_time,
    ) -> None:
        self._audience = audience
        self._public_keys = public_keys
        self._shared = f"Bearer {shared_secret}".encode() if shared_secret else None
        self._warned = False
        self._clock = clock
        self._verified: dict[str, tuple[str, float]] = {}

    @classmethod
    def of(cls, audience: ServiceName, infra: InfraSettings) -> "CallerVerifier":
        keys = {name: [load_public_key(key) for key in keys] for name, keys in infra.service_public_keys.items()}
        secret = infra.internal_secret.get_secret_value()
        if not keys and not secret:
            raise ValueError(f"DOCSTORE_SERVICE_PUBLIC_KEYS is not set: {audience} cannot verify its callers")
        return cls(audience, keys, shared_secret=secret)

    def caller(self, authorization: str) -> str:
        """Return the caller's name; Unauthenticated if the token is forged, expired or for another service."""
        now = self._clock()
        known = self._verified.get(authorization)
        if known is not None and now < known[1]:
            return known[0]
        if self._shared is not None and hmac.compare_digest(authorization.encode(), self._shared):
            self._warn_of_shared_secret()
            return SHARED_SECRET
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized("Only DocStore's own services can call this route.")
        claims = self._claims(token, now)
        self._remember(authorization, claims["iss"], claims["exp"] + LEEWAY_SECONDS, now)
        return str(claims["iss"])

    def _claims(self, token: str, now: float) -> dict[str, Any]:
        try:
            issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
            if jwt.get_unverified_header(token).get("typ") != TOKEN_TYPE:
                raise jwt.InvalidTokenError("another type of token")
            claims = self._signed_by(self._public_keys.get(issuer, ()), token)
            if claims["sub"] != issuer or claims["exp"] - claims["iat"] > LIFETIME_SECONDS:
                raise jwt.InvalidTokenError("not a token of a service")
            if not claims["iat"] - LEEWAY_SECONDS <= now < claims["exp"] + LEEWAY_SECONDS:
                raise jwt.ExpiredSignatureError("expired or not yet valid")
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
            log.warning("service_token_refused", audience=self._audience, error=str(error))
            raise unauthorized("The service token is invalid.") from None
        return claims

    def _signed_by(self, keys: Sequence[Ed25519PublicKey], token: str) -> dict[str, Any]:
        """Times are checked by the caller, with its own clock."""
        for key in keys:
            try:
                return jwt.decode(
                    token,
                    key,
                    algorithms=[ALGORITHM],
                    audience=self._audience,
                    options={
                        "require": ["iss", "sub", "aud", "iat", "exp"],
                        "verify_exp": False,
                        "verify_iat": False,
                        "strict_aud": True,
                    },
                )
            except jwt.InvalidSignatureError:
                continue
        raise jwt.InvalidSignatureError("not signed by any of the issuer's keys")

    def _remember(self, authorization: str, caller: str, until: float, now: float) -> None:
        if len(self._verified) >= CACHED_TOKENS:
            self._verified = {text: known for text, known in self._verified.items() if now < known[1]}
        if len(self._verified) < CACHED_TOKENS:
            self._verified[authorization] = (caller, until)

    def _warn_of_shared_secret(self) -> None:
        if not self._warned:
            self._warned = True
            log.warning(
                "shared_secret_accepted",
                audience=self._audience,
                hint="a service of the previous version calls; unset DOCSTORE_INTERNAL_SECRET once all are upgraded",
            )


class AllowedCallers:
    """FastAPI dependency: allows the services that a route declares, and requests at the operators' port."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    async def __call__(self, request: Request) -> None:
        if is_from_operators(request.scope):
            return
        verifier: CallerVerifier = request.app.state.caller_verifier
        caller = verifier.caller(request.headers.get("authorization", ""))
        if caller not in self.names and caller != SHARED_SECRET:
            log.warning("service_call_refused", caller=caller, path=request.url.path)
            raise Problem(403, CALLER_NOT_ALLOWED, f"The service {caller} may not call this route.")


def callers(*names: CallerName) -> Any:
    """Declare the callers of an internal route: `@router.get(..., dependencies=[callers("gateway")])`."""
    return Depends(AllowedCallers(frozenset(names)))


def any_service() -> Any:
    """Declare a route that every service may call."""
    return callers(*SERVICE_NAMES)


@dataclass(frozen=True, slots=True)
class InternalRoute:
    """A route under `/internal` with its allowed callers."""

    method: str
    path: str
    callers: frozenset[str]


def internal_routes(router: APIRouter) -> list[InternalRoute]:
    """Return the routes of an internal router; ValueError unless each is internal and declares its callers."""
    found = []
    for route in router.routes:
        declared = [each.dependency for each in route.dependencies] if isinstance(route, APIRoute) else []
        allowed = [each for each in declared if isinstance(each, AllowedCallers)]
        if not isinstance(route, APIRoute) or not route.path.startswith(INTERNAL_PREFIX) or len(allowed) != 1:
            raise ValueError(
                f"{route} must begin with {INTERNAL_PREFIX} and declare its callers, once: dependencies=[callers(...)]"
            )
        found += [InternalRoute(method, route.path, allowed[0].names) for method in sorted(route.methods or ())]
    return found
