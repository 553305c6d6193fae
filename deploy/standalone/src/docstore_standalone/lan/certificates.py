"""Where the proxy's certificate comes from: a file, ACME, or the local authority."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509

from docstore_standalone.lan.authority import Authority
from docstore_standalone.lan.machine import Machine, NoAddress, parsed
from docstore_standalone.settings import StandaloneSettings

Json = dict[str, Any]


class Certificates(Protocol):
    """One way to get certificates."""

    @property
    def is_public(self) -> bool:
        """Whether every device trusts them without further steps."""

    def names(self, machine: Machine) -> tuple[str, ...]:
        """Return the names and addresses that clients may use, the one for links first. ValueError if there is none."""

    def config(self, names: tuple[str, ...]) -> Json:
        """Return the `tls` app of the proxy's configuration for these names."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """A certificate with its chain, and its key; both are read again when they change."""

    certificate: Path
    key: Path
    host: str | None
    is_public: bool = True

    def names(self, machine: Machine) -> tuple[str, ...]:
        leaf = x509.load_pem_x509_certificates(self.certificate.read_bytes())[0]
        alternative = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        listed = [*alternative.get_values_for_type(x509.DNSName), *alternative.get_values_for_type(x509.IPAddress)]
        names = [str(each).lower() for each in listed]
        if self.host and not any(_covers(each, self.host) for each in names):
            raise ValueError(f"the certificate {self.certificate} is for {', '.join(names)}, not for {self.host}")
        plain = [each for each in names if not each.startswith("*.")]
        found = tuple(dict.fromkeys([*([self.host] if self.host else []), *plain]))
        if not found:
            raise ValueError(f"the certificate {self.certificate} is for {', '.join(names)}: choose one with --host")
        return found

    def config(self, names: tuple[str, ...]) -> Json:
        # The tag changes with the files: the proxy ignores a configuration that is the one it has.
        tag = hashlib.sha256(self.certificate.read_bytes() + self.key.read_bytes()).hexdigest()
        pair = {"certificate": str(self.certificate), "key": str(self.key), "tags": [tag]}
        return {"certificates": {"load_files": [pair]}}


@dataclass(frozen=True, slots=True)
class Acme:
    """Certificates of an ACME server (RFC 8555), which checks the name over http."""

    directory: str
    email: str
    trusted: Path | None
    host: str
    is_public: bool = True

    def names(self, machine: Machine) -> tuple[str, ...]:
        return (self.host,)

    def config(self, names: tuple[str, ...]) -> Json:
        issuer: Json = {"module": "acme", "ca": self.directory, "challenges": {"tls-alpn": {"disabled": True}}}
        issuer |= {"email": self.email} if self.email else {}
        issuer |= {"trusted_roots_pem_files": [str(self.trusted)]} if self.trusted else {}
        return _automated(names, issuer)


@dataclass(frozen=True, slots=True)
class LocalCertificates:
    """Certificates of the local authority, for all names and addresses of this machine."""

    authority: Authority
    host: str | None
    is_public: bool = False

    def names(self, machine: Machine) -> tuple[str, ...]:
        if self.host:
            self.authority.require(self.host)
        first = self.host or (str(machine.primary) if machine.primary else None)
        if first is None:
            raise NoAddress("this machine has no network address: connect it to a network, or use --host")
        others = filter(self.authority.vouches_for, machine.everything)
        names = tuple(dict.fromkeys((first, *others)))
        self.authority.require(first)
        return names

    def config(self, names: tuple[str, ...]) -> Json:
        return _automated(names, {"module": "internal"})


def _covers(name: str, host: str) -> bool:
    """Whether a name of a certificate, maybe `*.example.org`, is that of the host."""
    return name == host or (name.startswith("*.") and host.partition(".")[2] == name[2:])


def _automated(names: tuple[str, ...], issuer: Json) -> Json:
    policy = {"subjects": list(names), "issuers": [issuer]}
    return {"certificates": {"automate": list(names)}, "automation": {"policies": [policy]}}


def chosen_certificates(settings: StandaloneSettings, folder: Path) -> Certificates:
    """Return the way that the settings choose. ValueError with what to change if they contradict each other."""
    host = settings.lan_host.lower() if settings.lan_host else None
    if settings.lan_tls and settings.lan_acme:
        raise ValueError("--tls and --acme exclude each other")
    if settings.lan_tls:
        certificate, _, key = settings.lan_tls.partition(",")
        for path in (certificate, key):
            if not path or not Path(path).expanduser().is_file():
                raise ValueError(f"--tls takes two files, CERT,KEY: {path or settings.lan_tls!r} is no file")
        return CertificateFiles(Path(certificate).expanduser().absolute(), Path(key).expanduser().absolute(), host)
    if settings.lan_acme:
        if host is None or parsed(host) is not None or "." not in host:
            raise ValueError("--acme needs --host with a domain name that leads to this machine")
        return Acme(settings.lan_acme, settings.lan_acme_email, settings.lan_acme_ca_file, host)
    return LocalCertificates(Authority(folder, [host] if host else []), host)
