"""Keys that sign access tokens: any instance creates, rotates and publishes them."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from docstore_accounts.account.rules import Account
from docstore_accounts.api_tokens.rules import ApiToken
from docstore_accounts.sessions.device_names import shown_name
from docstore_accounts.sessions.rules import Session
from docstore_accounts.signing_keys.repository import KeyRepository, SigningKey
from docstore_contracts.accounts import JwkSet
from docstore_platform.clock import Clock
from docstore_platform.ids import new_id
from docstore_platform.security.tokens import ALGORITHM, AUDIENCE

REREAD_SECONDS = 60.0
"""How often an instance checks for newer keys of other instances."""
API_ACCESS_LIFE = timedelta(minutes=5)
"""Longest lifetime of an access token that an API token was exchanged for."""
OVERLAP = timedelta(days=1)
"""How long a key is published after its last token expires: more than clock differences and delays."""


class KeyRing:
    """Signs access tokens with the newest key and creates the next one when it is too old."""

    def __init__(
        self,
        store: KeyRepository,
        *,
        issuer: str,
        token_seconds: int,
        rotation_seconds: int,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._issuer = issuer
        self._token_life = timedelta(seconds=token_seconds)
        self._rotation = timedelta(seconds=rotation_seconds)
        self._clock = clock
        self._monotonic = monotonic
        self._current: tuple[SigningKey, Ed25519PrivateKey, float] | None = None

    async def prepare(self) -> None:
        """Make sure that there is a key; of concurrently starting instances, one creates it."""
        await self._signer()

    async def access_token(self, account: Account, session: Session) -> str:
        """Return an access token of a session."""
        device = shown_name(session.device)
        return await self._sign(account, {"sid": session.id, "role": account.role, "device": device}, self._token_life)

    async def api_access_token(self, account: Account, token: ApiToken) -> tuple[str, int]:
        """Return an access token with the rights of an API token, and its lifetime in seconds."""
        life = min(self._token_life, API_ACCESS_LIFE)
        if token.expires_at is not None:
            life = min(life, token.expires_at - self._clock())
        role = account.role if "admin:read" in token.scopes else "user"
        claims = {"sid": token.id, "role": role, "device": token.name, "scope": " ".join(token.scopes)}
        if token.folder_id:
            claims["folder"] = token.folder_id
        return await self._sign(account, claims, life), int(life.total_seconds())

    async def _sign(self, account: Account, claims: dict[str, Any], life: timedelta) -> str:
        key, private = await self._signer()
        now = self._clock()
        claims |= {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": account.id,
            "rev": account.revision,
            "iat": int(now.timestamp()),
            "exp": int((now + life).timestamp()),
        }
        return jwt.encode(claims, private, ALGORITHM, headers={"kid": key.kid})

    async def public_keys(self) -> JwkSet:
        """Return every key whose tokens may still be in use as a JWK set (RFC 7517), and the lifetime of a token."""
        await self._signer()
        keys = [_jwk(key) for key in await self._store.published(self._clock())]
        return {"keys": keys, "token_seconds": int(self._token_life.total_seconds())}

    async def _signer(self) -> tuple[SigningKey, Ed25519PrivateKey]:
        if self._current is not None:
            key, private, read_at = self._current
            if key.signs_until > self._clock() and self._monotonic() - read_at < REREAD_SECONDS:
                return key, private
        key = await self._newest()
        private = Ed25519PrivateKey.from_private_bytes(key.seed)
        self._current = key, private, self._monotonic()
        return key, private

    async def _newest(self) -> SigningKey:
        while True:
            now = self._clock()
            newest = await self._store.newest()
            if newest is not None and newest.signs_until > now:
                return newest
            signs_until = now + self._rotation
            made = SigningKey(
                number=newest.number + 1 if newest else 1,
                kid=new_id(),
                seed=Ed25519PrivateKey.generate().private_bytes_raw(),
                signs_until=signs_until,
                published_until=signs_until + self._token_life + OVERLAP,
            )
            if await self._store.add(made):
                return made


def _jwk(key: SigningKey) -> dict[str, Any]:
    public = Ed25519PrivateKey.from_private_bytes(key.seed).public_key()
    return {**OKPAlgorithm.to_jwk(public, as_dict=True), "kid": key.kid, "use": "sig", "alg": ALGORITHM}
