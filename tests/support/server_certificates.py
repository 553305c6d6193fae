"""An authority of a test's own, and the certificates that it gives to a server one after the other."""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class ServerCertificate:
    """A folder with `ca.crt` and `server.pem`, the certificate for `names` with its key. `renew` makes the latter."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.authority_file, self._server_file = folder / "ca.crt", folder / "server.pem"
        self._names = [x509.DNSName(name) for name in names]
        self._authority_key = ec.generate_private_key(ec.SECP256R1())
        self._authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test's authority")])
        self._expires = _now()
        folder.mkdir()
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        public = self._authority_key.public_key()
        self.authority_file.write_bytes(self._signed(self._authority, public, constraints, [], _now() + _days(1)))

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
        names: list[x509.ExtensionType] = [x509.SubjectAlternativeName(self._names)]
        certificate = self._signed(subject, key.public_key(), constraints, names, self._expires)
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
        self._server_file.write_bytes(certificate + private)

    def _signed(
        self,
        subject: x509.Name,
        public: ec.EllipticCurvePublicKey,
        constraints: x509.BasicConstraints,
        extensions: list[x509.ExtensionType],
        expires: datetime.datetime,
    ) -> bytes:
        issuer = self._authority_key.public_key()
        builder = (
            x509.CertificateBuilder(self._authority, subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(_now() - _days(1))
            .not_valid_after(expires)
            .add_extension(constraints, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self._authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _days(number: int) -> datetime.timedelta:
    return datetime.timedelta(days=number)
