"""Several regions on one machine: what is refused, and what keeps them apart."""

import json
from pathlib import Path

import pytest

from docstore_standalone.credentials import Credentials
from docstore_standalone.ports import SERVER_PORTS, PortBook
from docstore_standalone.regions import check_regions, regional_variables
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.state import OtherLayout, StackState, region_folders, write_state

TWO = ["us-west-2", "ap-southeast-2"]


@pytest.mark.parametrize("names", [[], ["a", "a"], ["A"], ["a/b"], [".."], ["a", ""], ["-a"], ["a" * 40]])
def test_names_that_are_no_regions_are_refused(tmp_path: Path, names: list[str]) -> None:
    """They become folders and buckets."""
    with pytest.raises(ValueError, match="regions must be different names"):
        check_regions(StandaloneSettings(data=tmp_path), names)


def test_regions_share_no_server(tmp_path: Path) -> None:
    """An external database would be the database of both."""
    settings = StandaloneSettings(data=tmp_path, mongo_url="mongodb://elsewhere")
    with pytest.raises(ValueError, match="mongo_url"):
        check_regions(settings, TWO)


def test_a_folder_of_one_stack_does_not_become_one_of_regions(tmp_path: Path) -> None:
    """Its documents would seem to be gone. A folder of regions, or an empty one, is taken."""
    settings = StandaloneSettings(data=tmp_path)
    check_regions(settings, TWO)
    write_state(tmp_path, StackState(addresses={"gateway": "http://a"}, regions=TWO))
    check_regions(settings, TWO)
    write_state(tmp_path, StackState(addresses={"gateway": "http://a"}))
    with pytest.raises(OtherLayout):
        check_regions(settings, TWO)


def test_gateways_have_ports_of_their_own_before_any_of_them_listens() -> None:
    """Each next one looks beyond those that were given away, and keeps its own at the next start."""
    book = PortBook()
    ports = [book.secure_gateway(None, name=name) for name in TWO]
    assert len(set(ports)) == 2
    again = PortBook(book.as_dict())
    assert [again.secure_gateway(None, name=name) for name in reversed(TWO)] == ports[::-1]


def test_regions_choose_ports_from_parts_of_their_own() -> None:
    """Two that start at once can't choose the same."""
    chosen = []
    for number in range(2):
        book = PortBook(choice=SERVER_PORTS[number::2])
        book.secure(f"server {n}" for n in range(20))
        chosen.append(set(book.as_dict().values()))
    assert chosen[0].isdisjoint(chosen[1])


def test_each_region_knows_the_others() -> None:
    """Peers are all but itself; issuer and administrator are its own; secrets are the same in all."""
    gateways = {name: f"http://127.0.0.1:{port}" for port, name in enumerate(TWO, 8080)}
    credentials = Credentials()
    west, east = (regional_variables(name, gateways, credentials) for name in TWO)
    assert json.loads(west["ACCOUNTS_PEERS"]) == {"ap-southeast-2": "http://127.0.0.1:8081"}
    assert json.loads(east["ACCOUNTS_PEERS"]) == {"us-west-2": "http://127.0.0.1:8080"}
    for name in ("DOCSTORE_REGION", "DOCSTORE_ISSUER", "ACCOUNTS_FIRST_ADMIN_EMAIL"):
        assert west[name] != east[name]
    for name in ("ACCOUNTS_PEER_SECRET", "ACCOUNTS_EMAIL_PEPPER"):
        assert west[name] == east[name]


def test_a_single_stack_is_one_unnamed_region_of_its_own_folder(tmp_path: Path) -> None:
    """So whoever lists regions need not ask which kind it is."""
    assert region_folders(tmp_path, StackState()) == {"": tmp_path}
    assert region_folders(tmp_path, StackState(regions=TWO)) == {name: tmp_path / name for name in TWO}
