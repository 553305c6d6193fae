"""Fake of accounts for service tests: serves the key of access tokens that the tests sign."""

from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from jwt.algorithms import OKPAlgorithm

_KEY = Ed25519PrivateKey.generate()
_KEY_ID = "test"


def fake_accounts() -> FastAPI:
    """Publishes the key that `signed` signs with; routes of a test's own may be added."""
    app = FastAPI()

    @app.get("/internal/keys")
    async def keys() -> dict[str, Any]:
        return {"keys": [OKPAlgorithm.to_jwk(_KEY.public_key(), as_dict=True) | {"kid": _KEY_ID}]}

    return app


def signed(claims: dict[str, Any]) -> str:
    """An access token with these claims."""
    return jwt.encode(claims, _KEY, algorithm="EdDSA", headers={"kid": _KEY_ID})
