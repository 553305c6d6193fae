"""A certificate authority of this data folder, for machines without a public name.

Its root can vouch only for private addresses and local names (RFC 5280, name constraints): a thief of its key can't
impersonate other sites to the devices that trust it.
"""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from docstore_standalone.lan.machine import parsed
from docstore_standalone.self_signed import create_certificate

VALID_DAYS = 3650
PRIVATE_NETWORKS: tuple[IPv4Network | IPv6Network, ...] = tuple(
    map(
        ip_network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "fc00::/7",
            "fe80::/10",
        ),
    )
)
LOCAL_SUFFIXES = ("localhost", "local", "lan", "home", "internal", "home.arpa")
"""Suffixes that no public domain has."""


class CannotVouch(ValueError):
    """The root's constraints exclude a name; the message explains what to do."""


class Authority:
    """The root in `folder`; created with `allowed`, names for which it may vouch besides the local ones."""

    def __init__(self, folder: Path, allowed: Sequence[str] = ()) -> None:
        self.certificate_file, self.key_file = folder / "root.crt", folder / "root.key"
        if not (self.certificate_file.exists() and self.key_file.exists()):
            _create(self.certificate_file, self.key_file, allowed)
        self._certificate = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the root, as devices show it."""
        return self._certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    def vouches_for(self, name: str) -> bool:
        """Whether devices would accept a certificate for this name or address."""
        constraints = self._certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        permitted = [each.value for each in constraints.permitted_subtrees or ()]
        address = parsed(name)
        if address is not None:
            return any(address in each for each in permitted if isinstance(each, IPv4Network | IPv6Network))
        return any(name == each or name.endswith(f".{each}") for each in permitted if isinstance(each, str))

    def require(self, name: str) -> None:
        """CannotVouch if it does not vouch for `name`."""
        if not self.vouches_for(name):
            raise CannotVouch(
                f"the local certificate authority can't vouch for {name}: get a certificate with --acme or --tls. Or "
                f"delete {self.certificate_file.parent} to create another authority, which all devices must trust again"
            )


def _create(certificate: Path, key: Path, allowed: Sequence[str]) -> None:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "DocStore"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"DocStore on {socket.gethostname()}"[:64]),
        ]
    )
    names = dict.fromkeys((*LOCAL_SUFFIXES, *(name for name in allowed if parsed(name) is None)))
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    permitted += [x509.IPAddress(network) for network in PRIVATE_NETWORKS]
    constraints = x509.NameConstraints(permitted, None)
    extensions = [(constraints, True), (_signs_certificates(), True)]
    create_certificate(certificate, key, subject, days=VALID_DAYS, path_length=1, extensions=extensions)


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        key_cert_sign=True,
        crl_sign=True,
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
