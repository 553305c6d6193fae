"""An authority of a test's own, and the certificates that it gives to a server one after the other."""

import datetime
import ssl
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class ServerCertificate:
    """A folder with an authority's `ca.crt` and `server.pem`, the certificate for names and addresses with its key."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.authority_file, self.server_file = folder / "ca.crt", folder / "server.pem"
        self._names = x509.SubjectAlternativeName(list(map(_general_name, names)))
        self._authority_key = ec.generate_private_key(ec.SECP256R1())
        self._authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test's authority")])
        folder.mkdir(exist_ok=True)
        public = self._authority_key.public_key()
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        signs = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        self.authority_file.write_bytes(self._signed(self._authority, public, constraints, _now() + DAY, signs))
        self.renew(DAY)

    @property
    def expired(self) -> bool:
        """Whether the newest one is."""
        return _now() > self._expires

    def renew(self, valid: datetime.timedelta) -> None:
        """Replace the certificate; its server reads it when it starts the next time."""
        key = ec.generate_private_key(ec.SECP256R1())
        self._expires = _now() + valid
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test's server")])
        constraints = x509.BasicConstraints(ca=False, path_length=None)
        certificate = self._signed(subject, key.public_key(), constraints, self._expires, self._names)
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        self.server_file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + certificate)

    def server_context(self) -> ssl.SSLContext:
        """TLS of a server with the newest one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server_file)
        return context

    def client_context(self) -> ssl.SSLContext:
        """TLS of a client that trusts the authority, and no other."""
        return ssl.create_default_context(cafile=self.authority_file)

    def _signed(
        self,
        subject: x509.Name,
        public: ec.EllipticCurvePublicKey,
        constraints: x509.BasicConstraints,
        expires: datetime.datetime,
        *extensions: x509.ExtensionType,
    ) -> bytes:
        issuer = self._authority_key.public_key()
        builder = (
            x509.CertificateBuilder(self._authority, subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(_now() - DAY)
            .not_valid_after(expires)
            .add_extension(constraints, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self._authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
