"""An authority of a test's own, and the certificates that it gives to a server one after the other."""

import datetime
import ssl
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

DAY = datetime.timedelta(days=1)


class ServerCertificate:
    """A folder with an authority's `ca.crt` and `server.pem`, the certificate for names and addresses with its key."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.authority_file, self.server_file = folder / "ca.crt", folder / "server.pem"
        self._authority, self._names = trustme.CA(), names
        folder.mkdir(exist_ok=True)
        self._authority.cert_pem.write_to_path(self.authority_file)
        self.renew(DAY)

    @property
    def expired(self) -> bool:
        """Whether the newest one is."""
        return _now() > self._expires

    def renew(self, valid: datetime.timedelta) -> None:
        """Replace the certificate; its server reads it when it starts the next time."""
        self._expires = _now() + valid
        made = self._authority.issue_cert(*self._names, not_after=self._expires)
        key = load_pem_private_key(made.private_key_pem.bytes(), None)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # Java reads no other form
        self.server_file.write_bytes(pem + made.cert_chain_pems[0].bytes())

    def server_context(self) -> ssl.SSLContext:
        """TLS of a server with the newest one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server_file)
        return context

    def client_context(self) -> ssl.SSLContext:
        """TLS of a client that trusts the authority, and no other."""
        return ssl.create_default_context(cafile=self.authority_file)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
