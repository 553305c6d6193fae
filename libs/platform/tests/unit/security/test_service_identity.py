"""Tokens that authenticate services."""

import base64
import json

import jwt
import pytest

from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of
from docstore_platform.security.service_identity import (
    CACHED_TOKENS,
    LEEWAY_SECONDS,
    LIFETIME_SECONDS,
    RENEW_AFTER_SECONDS,
    TOKEN_TYPE,
    CallerVerifier,
    TokenSource,
)
from docstore_platform.security.service_keys import load_private_key, load_public_key, new_service_key, public_key_of

UPLOAD, QUOTA, FORMER = (new_service_key() for _ in range(3))
NOW = 1_800_000_000


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def verifier(clock: Clock) -> CallerVerifier:
    keys = {"upload": [UPLOAD, FORMER], "quota": [QUOTA]}
    public = {name: [load_public_key(public_key_of(key)) for key in own] for name, own in keys.items()}
    return CallerVerifier("metadata", public, clock=clock)


def token(clock: Clock, *, caller: str = "upload", audience: str = "metadata", key: str = UPLOAD) -> str:
    return "Bearer " + TokenSource(caller, audience, load_private_key(key), clock).token()


def claims(**changes: object) -> dict[str, object]:
    usual = {"iss": "upload", "sub": "upload", "aud": "metadata", "iat": NOW, "exp": NOW + 60}
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def signed(key: str = UPLOAD, typ: str = TOKEN_TYPE, **changes: object) -> str:
    payload = json.dumps(claims(**changes)).encode()  # signed whatever it says, as an attacker's library would
    return "Bearer " + jwt.PyJWS().encode(payload, load_private_key(key), algorithm="EdDSA", headers={"typ": typ})


def unsigned() -> str:
    parts = ({"alg": "none", "typ": TOKEN_TYPE}, claims())
    texts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    return f"Bearer {'.'.join(texts)}."


def by_public_key_as_secret() -> str:
    """The public key as the secret of an HMAC: what a verifier does that believes the token's `alg`."""
    secret = load_private_key(UPLOAD).public_key().public_bytes_raw()
    return "Bearer " + jwt.encode(claims(), secret, algorithm="HS256", headers={"typ": TOKEN_TYPE})


def test_a_token_names_its_caller(verifier: CallerVerifier, clock: Clock) -> None:
    """By either key of a service that is changing its own."""
    assert verifier.caller(token(clock)) == "upload"
    assert verifier.caller(token(clock, key=FORMER)) == "upload"
    assert verifier.caller(token(clock, caller="quota", key=QUOTA)) == "quota"


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("", id="none"),
        pytest.param("Bearer ", id="empty"),
        pytest.param("Bearer a.b.c", id="no token"),
        pytest.param(unsigned(), id="alg none"),
        pytest.param(by_public_key_as_secret(), id="alg HS256"),
        pytest.param(signed(QUOTA), id="another service's key"),
        pytest.param(signed(new_service_key()), id="nobody's key"),
        pytest.param(signed(iss="stranger", sub="stranger"), id="a service that is not known"),
        pytest.param(signed(iss=["upload"]), id="a list of issuers"),
        pytest.param(signed(sub="quota"), id="another subject"),
        pytest.param(signed(aud="quota"), id="another audience"),
        pytest.param(signed(aud=["metadata", "quota"]), id="several audiences"),
        pytest.param(signed(aud=None), id="no audience"),
        pytest.param(signed(exp=None), id="no end"),
        pytest.param(signed(exp=NOW - LEEWAY_SECONDS), id="expired"),
        pytest.param(signed(exp=NOW + LIFETIME_SECONDS + 1), id="good for too long"),
        pytest.param(signed(iat=NOW + LEEWAY_SECONDS + 1), id="made in the future"),
        pytest.param(signed(exp="soon"), id="a time that is none"),
        pytest.param(signed(typ="JWT"), id="another type of token"),
    ],
)
def test_any_other_token_is_401(verifier: CallerVerifier, authorization: str) -> None:
    """Forged, foreign, expired, or not as services make them."""
    with pytest.raises(DomainError) as refused:
        verifier.caller(authorization)
    assert problem_of(refused.value).status == 401


def test_a_verified_token_ends_in_time(verifier: CallerVerifier, clock: Clock) -> None:
    """It is remembered, and no longer than it is good for."""
    authorization = token(clock)
    assert verifier.caller(authorization) == "upload"
    clock.now += LIFETIME_SECONDS + LEEWAY_SECONDS - 1
    assert verifier.caller(authorization) == "upload"
    clock.now += 1
    with pytest.raises(DomainError):
        verifier.caller(authorization)


def test_the_token_cache_is_bounded(verifier: CallerVerifier, clock: Clock) -> None:
    """Tokens that have expired make room."""
    for number in range(2 * CACHED_TOKENS):
        clock.now = NOW + number * RENEW_AFTER_SECONDS
        assert verifier.caller(token(clock)) == "upload"
    assert len(verifier._verified) <= CACHED_TOKENS


def test_a_token_is_signed_once_a_minute(clock: Clock) -> None:
    """The same in between; a new one where the clock was put back, too."""
    source = TokenSource("upload", "metadata", load_private_key(UPLOAD), clock)
    first = source.token()
    clock.now += RENEW_AFTER_SECONDS - 1
    assert source.token() == first
    clock.now += 1
    second = source.token()
    assert second != first
    clock.now = NOW - 3600
    assert source.token() not in (first, second)
