"""Argon2id in its pool."""

import asyncio

import pytest

from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of
from docstore_platform.security.fair_queue import Requester
from docstore_platform.security.passwords import HashingSettings, Passwords
from docstore_platform.settings import InfraSettings

ANN = Requester("198.51.100.7", "ann")


@pytest.fixture
def settings() -> HashingSettings:
    infra = InfraSettings()
    return HashingSettings(infra=infra, argon2_passes=1, argon2_memory_kib=8, hash_queue=5)


async def test_a_hash_is_argon2id_and_matches_its_password_alone(settings: HashingSettings) -> None:
    """The right password matches in any Unicode form; another does not; no hash matches nothing."""
    passwords = Passwords(settings)
    stored = await passwords.hash("caf\u00e9 au lait", ANN)
    assert stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert await passwords.matches("cafe\u0301 au lait", stored, ANN)
    assert not await passwords.matches("cafe au lait", stored, ANN)
    assert not await passwords.matches("cafe au lait", None, ANN)


async def test_the_default_cost_is_what_is_recommended() -> None:
    """OWASP asks for at least 19 MiB and two passes."""
    fields = HashingSettings.model_fields
    assert fields["argon2_memory_kib"].default >= 19 * 1024
    assert fields["argon2_passes"].default >= 2


async def test_an_unknown_accounts_hash_costs_as_much_as_a_known_ones(settings: HashingSettings) -> None:
    """Someone unknown is checked against a hash of the same parameters and lengths."""
    passwords = Passwords(settings)
    stored = await passwords.hash("correct horse", ANN)
    assert [len(part) for part in passwords._nobodys.split("$")] == [len(part) for part in stored.split("$")]
    assert passwords._nobodys.rsplit("$", 2)[0] == stored.rsplit("$", 2)[0]


async def test_a_hash_of_other_parameters_is_outdated(settings: HashingSettings) -> None:
    """Raising the cost shows in the hashes made before."""
    old = await Passwords(settings).hash("correct horse", ANN)
    dearer = Passwords(settings.model_copy(update={"argon2_memory_kib": 16}))
    assert not Passwords(settings).is_outdated(old)
    assert dearer.is_outdated(old)
    assert await dearer.matches("correct horse", old, ANN)


async def test_a_flood_of_passwords_is_turned_away(settings: HashingSettings) -> None:
    """Beyond what runs and waits of one account, 429 at once; others are served, and afterwards there is room again."""
    passwords = Passwords(settings)
    flood = [passwords.hash("correct horse", ANN) for _ in range(20)]
    other = passwords.hash("battery staple", Requester("198.51.100.8", "bob"))
    results = await asyncio.gather(*flood, other, return_exceptions=True)
    refused = [result for result in results if isinstance(result, DomainError)]
    assert len(refused) == 20 - settings.hash_threads - settings.hash_queue_per_account
    assert {problem_of(problem).status for problem in refused} == {429}
    assert isinstance(results[-1], str)
    assert await passwords.hash("correct horse", ANN)


@pytest.mark.parametrize("stored", ["", "plain text", "$argon2id$v=19$m=8,t=1,p=1$!!$!!"])
async def test_a_hash_that_is_none_matches_nothing(settings: HashingSettings, stored: str) -> None:
    """A damaged row locks its owner out, and raises nothing."""
    assert not await Passwords(settings).matches("correct horse", stored, ANN)
