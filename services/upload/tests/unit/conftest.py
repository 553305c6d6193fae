"""The service's use cases with fakes: sessions and objects in dicts, and an adjustable clock."""

import pytest
from fake_services import FakeServices
from pack_world import MakePacks, PackWorld
from upload_world import MakeWorld, World


@pytest.fixture
def make_world(services: FakeServices) -> MakeWorld:
    """`make_world(setting=...)`: the use cases with these settings."""
    return lambda **settings: World(services, **settings)


@pytest.fixture
def make_packs(make_world: MakeWorld) -> MakePacks:
    """`make_packs(setting=...)`: the use cases of packs with these settings."""
    return lambda **settings: PackWorld(make_world(**settings))
