"""The use cases of accounts on in-memory fakes."""

import pytest
from accounts_world import World

from docstore_accounts.settings import AccountsSettings
from docstore_platform.settings import InfraSettings


@pytest.fixture
def settings() -> AccountsSettings:
    return AccountsSettings(
        infra=InfraSettings(reset_link_secrets="secret", region="eu-north-1"),
        argon2_passes=1,
        argon2_memory_kib=8,
        hash_queue=5,
        self_service_plans=True,
    )


@pytest.fixture
def world(settings: AccountsSettings) -> World:
    return World(settings)
