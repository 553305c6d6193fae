"""Names and certificates of a stack that other machines reach."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import trustme

from docstore_standalone.lan.authority import Authority, CannotVouch
from docstore_standalone.lan.certificates import Acme, Certificates, chosen_certificates
from docstore_standalone.lan.machine import Machine, NoAddress, in_url, this_machine
from docstore_standalone.settings import StandaloneSettings

HOME = Machine(("box", "box.local"), (ip_address("192.168.1.5"), ip_address("8.8.8.8")), ip_address("192.168.1.5"))


def chosen(folder: Path, **settings: Any) -> Certificates:
    return chosen_certificates(StandaloneSettings(data=folder, lan=True, **settings), folder / "lan")


def files(folder: Path, *names: str) -> str:
    made = trustme.CA().issue_cert(*names)
    made.cert_chain_pems[0].write_to_path(folder / "tls.crt")
    made.private_key_pem.write_to_path(folder / "tls.key")
    return f"{folder / 'tls.crt'},{folder / 'tls.key'}"


def test_the_authority_vouches_for_local_names_only(tmp_path: Path) -> None:
    """Its constraints are in the root, so that a stolen key impersonates no other site."""
    root = Authority(tmp_path, ["files.example.org"])
    for name in ("192.168.1.5", "10.0.0.1", "fd00::2", "box.local", "localhost", "files.example.org"):
        assert root.vouches_for(name), name
    for name in ("8.8.8.8", "2001:db8::1", "example.org", "evil-files.example.org", "box"):
        assert not root.vouches_for(name), name
    with pytest.raises(CannotVouch, match="--acme or --tls"):
        root.require("bank.example")


def test_the_authority_is_kept(tmp_path: Path) -> None:
    """Devices trust it once: the next start has the same root. Its key is private."""
    first = Authority(tmp_path).fingerprint
    assert Authority(tmp_path, ["other.example"]).fingerprint == first
    assert (tmp_path / "root.key").stat().st_mode & 0o077 == 0


def test_the_address_for_links_comes_first(tmp_path: Path) -> None:
    """Names that the authority does not vouch for are left out."""
    names = chosen(tmp_path).names(HOME)
    assert names == ("192.168.1.5", "box.local", "localhost", "127.0.0.1")
    assert chosen(tmp_path, lan_host="Box.local").names(HOME)[0] == "box.local"


def test_without_a_network_there_is_no_address(tmp_path: Path) -> None:
    """The message explains what to do."""
    with pytest.raises(NoAddress, match="--host"):
        chosen(tmp_path).names(Machine((), (), None))


def test_a_public_address_needs_a_real_certificate(tmp_path: Path) -> None:
    """The authority can't vouch for it."""
    with pytest.raises(CannotVouch):
        chosen(tmp_path).names(Machine((), (ip_address("8.8.8.8"),), ip_address("8.8.8.8")))


def test_names_of_a_file(tmp_path: Path) -> None:
    """They are read from the certificate; a wildcard covers the host that is chosen."""
    pair = files(tmp_path, "files.example.org", "*.example.net")
    assert chosen(tmp_path, lan_tls=pair).names(HOME) == ("files.example.org",)
    names = chosen(tmp_path, lan_tls=pair, lan_host="a.example.net").names(HOME)
    assert names == ("a.example.net", "files.example.org")
    with pytest.raises(ValueError, match=r"not for b\.a\.example\.net"):
        chosen(tmp_path, lan_tls=pair, lan_host="b.a.example.net").names(HOME)


def test_a_renewed_file_changes_the_configuration(tmp_path: Path) -> None:
    """The proxy would ignore one that it has."""
    certificates = chosen(tmp_path, lan_tls=files(tmp_path, "files.example.org"))
    before = certificates.config(("files.example.org",))
    files(tmp_path, "files.example.org")
    assert certificates.config(("files.example.org",)) != before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lan_tls": "only-one"}, "CERT,KEY"),
        ({"lan_tls": "/none.crt,/none.key"}, r"/none\.crt"),
        ({"lan_acme": "https://acme.example/dir"}, "--host"),
        ({"lan_acme": "https://acme.example/dir", "lan_host": "192.168.1.5"}, "domain name"),
        ({"lan_acme": "https://acme.example/dir", "lan_tls": "a,b", "lan_host": "a.b"}, "exclude"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, settings: dict[str, str], message: str) -> None:
    """With what to change."""
    with pytest.raises(ValueError, match=message):
        chosen(tmp_path, **settings)


def test_acme_is_for_the_host_alone(tmp_path: Path) -> None:
    """No other name of the machine is checked by its server."""
    certificates = chosen(tmp_path, lan_acme="https://acme.example/dir", lan_host="files.example.org")
    assert isinstance(certificates, Acme)
    assert certificates.names(HOME) == ("files.example.org",)


def test_this_machine_has_usable_addresses() -> None:
    """None of them is a loopback or link-local address; the primary one is among them."""
    machine = this_machine()
    assert not any(each.is_loopback or each.is_link_local for each in machine.addresses)
    assert machine.primary is None or machine.primary in machine.addresses
    assert in_url("fd00::2") == "[fd00::2]"
