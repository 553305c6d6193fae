"""Two releases in two namespaces, each a region with servers of its own."""

import json
from collections.abc import Iterator

import pytest
from cluster import Cluster
from installed_chart import Installed, Place, prepared_release
from people import PASSWORD, Person

from docstore_platform.testing import eventually

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(0)]

EAST = Place("docstore-east", "data-east", gateway_port=30082, store_port=30335, region="ap-southeast-2")


def _knows(here: Installed, other: Installed) -> None:
    """Install or upgrade a region that knows another one."""
    peers = json.dumps({other.place.region: other.gateway})
    here.upgrade("--set-json", f"services.accounts.env.ACCOUNTS_PEERS={json.dumps(peers)}")


@pytest.fixture(scope="module")
def east(installed: Installed, two_nodes: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """A region that is added to a running one."""
    with prepared_release(two_nodes, EAST, tmp_path_factory.mktemp("east")) as release:
        _knows(installed, release)
        _knows(release, installed)
        yield release


async def test_an_address_has_one_account_in_both_regions(installed: Installed, east: Installed) -> None:
    """Each region accepts new people. At the other one their address is taken, and they are sent home to log in."""
    for here, there in ((installed, east), (east, installed)):
        async with await Person.new(here.gateway) as ada, Person(there.gateway) as same:
            again = await same.refused("POST", "/v1/accounts", {"email": ada.email, "password": PASSWORD})
            assert again == (409, "email_taken")

            async def is_known(ada: Person = ada, same: Person = same) -> bool:
                answer = await same.ask("POST", "/v1/sessions", {"email": ada.email, "password": PASSWORD})
                return answer.status == 307

            await eventually(is_known)
            await same.log_in(ada.email, PASSWORD)
            assert same.gateway == here.gateway
            upload = await same.begin("/where.txt", 4)
            await same.put(upload["put"], b"here")
            file = await same.complete(upload)
            assert await ada.content(file["id"]) == b"here"
