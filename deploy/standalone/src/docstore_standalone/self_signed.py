"""Self-signed certificates with their keys, as files that only their owner can read."""

import datetime
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from docstore_standalone.state import write_private


def create_certificate(
    certificate: Path,
    key: Path,
    subject: x509.Name,
    *,
    days: int,
    path_length: int,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
) -> None:
    """Create a key and a certificate for it, valid for `days`; each extension with whether it is critical."""
    private = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder(subject, subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    write_private(key, private.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain).decode())
    write_private(certificate, builder.sign(private, hashes.SHA256()).public_bytes(pem).decode())
