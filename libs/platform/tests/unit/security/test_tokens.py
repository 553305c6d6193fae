"""What is not a token of ours is refused with 401, whatever it claims."""

import base64
import hmac
import time
from collections.abc import Callable
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from docstore_platform.errors import DomainError, Unauthenticated
from docstore_platform.http.problems import problem_of
from docstore_platform.security import tokens
from docstore_platform.security.tokens import Principal, TokenVerifier, bearer_token

OURS = Ed25519PrivateKey.generate()
STRANGERS = Ed25519PrivateKey.generate()


def jwk(key: Ed25519PrivateKey, kid: str) -> dict[str, Any]:
    return {**OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid}


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    ours = {"iss": "docstore", "aud": "docstore", "sub": "a", "sid": "s", "role": "user", "device": "Phone"}
    made: dict[str, Any] = {**ours, "iat": now, "exp": now + 600} | changes
    return {name: value for name, value in made.items() if value is not None}


def token(key: Any = OURS, algorithm: str = "EdDSA", kid: str = "k1", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm, headers={"kid": kid})


def by_hand(header: Any, body: Any, sign: Callable[[bytes], bytes] = lambda _: b"") -> str:
    """A token no library would make."""
    signed = b".".join(base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=") for part in (header, body))
    return (signed + b"." + base64.urlsafe_b64encode(sign(signed)).rstrip(b"=")).decode()


def hmac_with(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda signed: hmac.digest(secret, signed, "sha256")


class Keys:
    """The keys accounts publishes, and how often they were asked for."""

    def __init__(self) -> None:
        self.keys = [jwk(OURS, "k1")]
        self.requested = 0

    async def fetch(self) -> dict[str, Any]:
        self.requested += 1
        return {"keys": self.keys}


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def verifier(keys: Keys) -> TokenVerifier:
    return TokenVerifier(keys.fetch, "docstore")


async def test_a_good_token_names_its_caller(verifier: TokenVerifier) -> None:
    """Account, session, role and device come from the claims."""
    assert await verifier.verify(token(role="admin")) == Principal("a", "s", "admin", "Phone")


async def test_a_token_without_a_role_is_a_users(verifier: TokenVerifier) -> None:
    """Rights are given, never assumed."""
    assert not (await verifier.verify(token(role=None))).is_admin


FORGERIES = {
    "no algorithm": lambda: by_hand({"alg": "none", "kid": "k1"}, claims(role="admin")),
    "no algorithm, oddly spelled": lambda: by_hand({"alg": "nOnE", "kid": "k1"}, claims(role="admin")),
    "the public key as an HMAC secret": lambda: by_hand(
        {"alg": "HS256", "kid": "k1"}, claims(), hmac_with(OURS.public_key().public_bytes_raw())
    ),
    "its JWK as an HMAC secret": lambda: by_hand(
        {"alg": "HS256", "kid": "k1"}, claims(), hmac_with(orjson.dumps(jwk(OURS, "k1")))
    ),
    "EdDSA in the header, no signature": lambda: by_hand({"alg": "EdDSA", "kid": "k1"}, claims()),
    "a stranger's key under our kid": lambda: token(STRANGERS),
    "a stranger's key, brought along": lambda: jwt.encode(
        claims(), STRANGERS, "EdDSA", headers={"kid": "k1", "jwk": jwk(STRANGERS, "k1")}
    ),
    "an unknown kid": lambda: token(kid="k9"),
    "a kid that is a path": lambda: token(kid="../../../dev/null"),
    "a kid that is no text": lambda: by_hand({"alg": "EdDSA", "kid": {"$ne": 1}}, claims(), OURS.sign),
    "no kid": lambda: jwt.encode(claims(), OURS, "EdDSA"),
    "another audience": lambda: token(aud="elsewhere"),
    "no audience": lambda: token(aud=None),
    "another issuer": lambda: token(iss="elsewhere"),
    "no issuer": lambda: token(iss=None),
    "expired": lambda: token(iat=int(time.time()) - 700, exp=int(time.time()) - 100),
    "no expiry": lambda: token(exp=None),
    "an expiry that is no time": lambda: token(exp="tomorrow"),
    "not yet valid": lambda: token(nbf=int(time.time()) + 600),
    "made in the future": lambda: token(iat=int(time.time()) + 1000, exp=int(time.time()) + 1600),
    "no account": lambda: token(sub=None),
    "an account that is no text": lambda: by_hand({"alg": "EdDSA", "kid": "k1"}, claims(sub={"$gt": ""}), OURS.sign),
    "no session": lambda: token(sid=None),
    "claims that are a list": lambda: by_hand({"alg": "EdDSA", "kid": "k1"}, [], OURS.sign),
    "nonsense": lambda: "nonsense",
    "empty parts": lambda: "..",
    "not ASCII": lambda: "\u00e9.\u00e9.\u00e9",
    "half a character": lambda: "\ud800.a.b",
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_forged_or_foreign_token_is_refused(verifier: TokenVerifier, forgery: Callable[[], str]) -> None:
    """401 `unauthorized` with WWW-Authenticate, every time it is tried."""
    forged = forgery()
    for _ in range(2):
        with pytest.raises(DomainError) as refused:
            await verifier.verify(forged)
        assert (problem_of(refused.value).status, refused.value.code) == (401, "unauthorized")
        assert refused.value.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_changed_claim_breaks_the_signature(verifier: TokenVerifier) -> None:
    """The body of one token under the signature of another is refused."""
    head, _, signature = token().split(".")
    body = token(role="admin").split(".")[1]
    with pytest.raises(DomainError):
        await verifier.verify(f"{head}.{body}.{signature}")


async def test_a_remembered_token_expires_too(verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """Being verified once does not make it live longer."""
    good = token(exp=int(time.time()) + 30)
    await verifier.verify(good)
    later = time.time() + 60
    monkeypatch.setattr(tokens.time, "time", lambda: later)
    with pytest.raises(DomainError):
        await TokenVerifier(Keys().fetch, "docstore").verify(token(exp=int(later) - 31))
    assert verifier._verified[good][1] < later


async def test_a_new_key_is_fetched_when_it_is_met(verifier: TokenVerifier, keys: Keys) -> None:
    """After a rotation tokens of the new key are accepted, and those of the old while it is published."""
    await verifier.verify(token())
    keys.keys.append(jwk(STRANGERS, "k2"))
    verifier._fetched_at = float("-inf")
    await verifier.verify(token(STRANGERS, kid="k2"))
    await verifier.verify(token(sid="another"))
    assert keys.requested == 2


async def test_made_up_kids_do_not_make_it_ask_again_and_again(verifier: TokenVerifier, keys: Keys) -> None:
    """A flood of forged tokens costs accounts one request in ten seconds."""
    for number in range(50):
        with pytest.raises(DomainError):
            await verifier.verify(token(STRANGERS, kid=f"forged{number}"))
    assert keys.requested == 1


async def test_the_memory_of_verified_tokens_is_bounded(verifier: TokenVerifier) -> None:
    """Old entries make room for new ones."""
    original = tokens.CACHED_TOKENS
    tokens.CACHED_TOKENS = 5
    try:
        for number in range(20):
            await verifier.verify(token(sid=str(number)))
        assert len(verifier._verified) == 5
    finally:
        tokens.CACHED_TOKENS = original


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "token"])
def test_a_request_without_a_bearer_token_is_refused(header: str | None) -> None:
    """Other schemes and empty headers are 401."""
    with pytest.raises(DomainError) as refused:
        bearer_token(header)
    assert problem_of(refused.value).status == 401


def test_the_scheme_is_read_in_any_case() -> None:
    """RFC 9110: scheme names know no case."""
    assert bearer_token("bearer abc") == "abc"


async def test_a_token_that_lives_longer_than_accounts_makes_any_is_refused(keys: Keys) -> None:
    """Whoever has stolen a signing key cannot make a token for a year; a life that accounts has raised is taken."""
    year = int(time.time()) + 365 * 24 * 3600
    with pytest.raises(DomainError):
        await TokenVerifier(keys.fetch, "docstore").verify(token(exp=year))

    life = 600

    async def fetch() -> dict[str, Any]:
        return {"keys": keys.keys, "token_seconds": life}

    now = int(time.time())
    strict = TokenVerifier(fetch, "docstore")
    assert await strict.verify(token(iat=now, exp=now + 600))
    life = 1200
    with pytest.raises(DomainError):
        await strict.verify(token(iat=now, exp=now + 1200))
    strict._fetched_at -= tokens.KEYS_REFETCH_SECONDS + 1
    assert await strict.verify(token(iat=now, exp=now + 1200))


async def test_a_check_that_is_added_is_made_each_time(verifier: TokenVerifier) -> None:
    """A token that was good before is refused as soon as the check refuses it."""
    revoked = False

    async def check(principal: Principal) -> None:
        if revoked:
            raise Unauthenticated("Ended.")

    verifier.also(check)
    text = token(rev=7)
    assert (await verifier.verify(text)).account_revision == 7
    revoked = True
    with pytest.raises(DomainError):
        await verifier.verify(text)
