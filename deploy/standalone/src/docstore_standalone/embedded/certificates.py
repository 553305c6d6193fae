"""TLS certificate by which the processes of one server authenticate to each other."""

from pathlib import Path

VALID_DAYS = 36_500
"""It never leaves the data folder: a reader of its key can read everything else there."""


def ensure_certificate(certificate: Path, key: Path, name: str) -> None:
    """Create a self-signed certificate with its private key, unless both exist."""
    if certificate.exists() and key.exists():
        return
    # Imported here: needed once for each data folder, and slow.
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    from docstore_standalone.self_signed import create_certificate

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    create_certificate(certificate, key, subject, days=VALID_DAYS, path_length=0, extensions=[(usage, False)])
