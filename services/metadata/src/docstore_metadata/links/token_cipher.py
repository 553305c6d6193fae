"""Encrypts the tokens of public links, so that an owner can copy a link's address again.

A link is looked up by the hash of its token. The token itself is stored only as AES-256-GCM ciphertext: the database
reveals no URL without the service's key.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_LABEL = b"docstore link tokens"


class TokenCipher:
    """Encrypts and decrypts tokens with keys derived from `secrets`: the first encrypts, each decrypts."""

    def __init__(self, *secrets: str) -> None:
        self._keys = [AESGCM(HKDF(SHA256(), KEY_BYTES, None, KEY_LABEL).derive(each.encode())) for each in secrets]

    def encrypt(self, link_id: str, token: str) -> bytes:
        """A nonce and the ciphertext, bound to the link's id."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._keys[0].encrypt(nonce, token.encode(), link_id.encode())

    def decrypt(self, link_id: str, encrypted: bytes | None) -> str | None:
        """The token; None if it was never stored, or its key is no longer configured."""
        if encrypted is None:
            return None
        nonce, ciphertext = encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:]
        for key in self._keys:
            try:
                return key.decrypt(nonce, ciphertext, link_id.encode()).decode()
            except InvalidTag:
                continue
        return None
