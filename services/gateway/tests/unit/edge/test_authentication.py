"""Authorization headers and the callers they prove; accounts is a fake."""

import asyncio
import time
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

import pytest
from gateway_calls import Issuer

from docstore_contracts.accounts import AccountsClient
from docstore_gateway.edge.authentication import Authenticator
from docstore_platform.errors import DomainError, Forbidden, NotFound, TooMany, unavailable
from docstore_platform.http.problems import problem_of
from docstore_platform.security.revocations import Revocation, RevokedTokens
from docstore_platform.security.tokens import Principal, TokenVerifier, unauthorized

TOKEN = "dst_" + "a" * 43
CLIENT = "198.51.100.7"


@dataclass
class World:
    """One API token of `ann@example.org`, accounts, and the list of revoked tokens."""

    issuer: Issuer = field(default_factory=Issuer)
    revoked: RevokedTokens = field(default_factory=RevokedTokens)
    exchanges: list[tuple[str, str | None]] = field(default_factory=list)
    spent: list[str] = field(default_factory=list)
    expires_in: int = 300
    revision: int = 1
    error: DomainError | None = None

    def __post_init__(self) -> None:
        verifier = TokenVerifier(self._keys, "docstore")
        verifier.also(self._check)
        self.authenticator = Authenticator(verifier, AccountsClient(self), self._spend)

    async def _keys(self) -> Any:
        return self.issuer.keys

    async def _check(self, principal: Principal) -> None:
        if self.revoked.covers(principal):
            raise unauthorized("revoked")

    async def _spend(self, client: str) -> None:
        self.spent.append(client)
        if len(self.spent) > 10:
            raise TooMany("Too many requests.")

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        self.exchanges.append((body["token"], body["email"]))
        if self.error is not None:
            raise self.error
        if body["token"] != TOKEN or body["email"] not in (None, "ann@example.org"):
            raise NotFound("The API token is unknown, expired or revoked.", code="invalid_token")
        claims = {"sid": "t1", "scope": "files:read shares", "rev": self.revision}
        token = self.issuer.token("ann", seconds=self.expires_in, **claims)
        return {"access_token": token, "expires_in": self.expires_in}

    async def identify(self, header: str | None) -> Any:
        return await self.authenticator.identify(header, CLIENT)

    async def refusal(self, header: str | None) -> tuple[int, str]:
        with pytest.raises(DomainError) as refused:
            await self.identify(header)
        problem = problem_of(refused.value)
        return problem.status, problem.code


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def world() -> World:
    return World()


async def test_an_access_token_is_its_own_proof(world: World) -> None:
    """Accounts is not asked; a log-in has no scopes."""
    header = world.issuer.bearer("ann")["authorization"]
    identity = await world.identify(header)
    assert (identity.principal.account_id, identity.principal.scopes) == ("ann", None)
    assert f"Bearer {identity.access_token}" == header
    assert world.exchanges == []


async def test_an_api_token_is_exchanged_once_for_many_calls(world: World) -> None:
    """Services get an access token with its scopes; the next call needs accounts no more."""
    for _ in range(3):
        identity = await world.identify(f"Bearer {TOKEN}")
        assert identity.principal.scopes == {"files:read", "shares"}
        assert identity.principal.session_id == "t1"
        assert not identity.by_basic
    assert world.exchanges == [(TOKEN, None)]
    assert world.spent == [CLIENT]


async def test_an_access_token_is_reused_for_half_of_its_life(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a long poll that it begins can end within the other half."""
    await world.identify(f"Bearer {TOKEN}")
    for seconds, exchanges in ((149, 1), (151, 2)):
        monkeypatch.setattr("docstore_gateway.edge.authentication.unix_time", lambda later=seconds: time.time() + later)
        await world.identify(f"Bearer {TOKEN}")
        assert len(world.exchanges) == exchanges


async def test_as_a_basic_password_it_needs_its_owners_e_mail(world: World) -> None:
    """Both together are looked up; one that was found for one e-mail is not for another."""
    assert (await world.identify(basic("ann@example.org", TOKEN))).by_basic
    assert await world.refusal(basic("eve@example.org", TOKEN)) == (401, "invalid_token")
    assert await world.refusal(basic("", TOKEN)) == (401, "invalid_token")
    assert (await world.identify(basic("ann@example.org", TOKEN))).by_basic
    assert len(world.exchanges) == 3


@pytest.mark.parametrize(
    "header",
    [
        basic("ann@example.org", "correct horse"),
        basic("ann@example.org", TOKEN + "b"),
        basic("a" * 255, TOKEN),
        "Basic ann@example.org",
        "Basic /w==",
        "Basic",
        f"Bearer {TOKEN}b",
        "Bearer dst_",
        "Bearer",
        f"Digest {TOKEN}",
        TOKEN,
        "",
        None,
    ],
)
async def test_malformed_tokens_are_refused_by_the_gateway(world: World, header: str | None) -> None:
    """A password, too: only tokens work in programs, so that none can be guessed at this door."""
    assert (await world.refusal(header))[0] == 401
    assert world.exchanges == []


async def test_a_revoked_token_works_no_more(world: World) -> None:
    """The list of revocations names it; accounts confirms it, and the known access token is forgotten."""
    await world.identify(f"Bearer {TOKEN}")
    world.revoked.add([Revocation("r", "ann", time.time() + 600, session_ids=("t1",))], time.time())
    world.error = NotFound("gone", code="invalid_token")
    assert await world.refusal(f"Bearer {TOKEN}") == (401, "invalid_token")
    assert len(world.exchanges) == 2


async def test_after_a_change_of_role_it_gets_a_new_access_token(world: World) -> None:
    """The caller notices nothing."""
    await world.identify(f"Bearer {TOKEN}")
    world.revoked.add([Revocation("r", "ann", time.time() + 600, revision=2)], time.time())
    world.revision = 2
    assert (await world.identify(f"Bearer {TOKEN}")).principal.account_revision == 2


async def test_errors_of_accounts_are_the_callers(world: World) -> None:
    """A suspended account gets its own error; while accounts is unavailable the call may be repeated."""
    world.error = Forbidden("suspended", code="account_suspended")
    assert await world.refusal(f"Bearer {TOKEN}") == (403, "account_suspended")
    world.error = unavailable("accounts")
    assert await world.refusal(f"Bearer {TOKEN}") == (503, "unavailable")


async def test_guesses_are_limited_by_address(world: World) -> None:
    """Every token that accounts has to look up counts, wrong or right."""
    guesses = (world.refusal(f"Bearer dst_{number:043}") for number in range(12))
    assert sorted(await asyncio.gather(*guesses)) == [(401, "invalid_token")] * 10 + [(429, "rate_limited")] * 2
