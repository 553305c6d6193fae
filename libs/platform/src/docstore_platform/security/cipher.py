"""Encryption of data in the database and in files by AES-256-GCM, with keys derived from a service's secrets."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12


class Cipher:
    """Keys for one purpose, derived from `secrets`: the first encrypts, each decrypts."""

    def __init__(self, purpose: str, *secrets: str) -> None:
        label = purpose.encode()
        self._keys = [AESGCM(HKDF(SHA256(), KEY_BYTES, None, label).derive(each.encode())) for each in secrets]

    def encrypt(self, data: bytes, owner: str) -> bytes:
        """Return a nonce and the ciphertext, which can be decrypted only for the same `owner`, e.g. a document's id."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._keys[0].encrypt(nonce, data, owner.encode())

    def decrypt(self, encrypted: bytes, owner: str) -> bytes | None:
        """Return the data; None if its key is no longer configured."""
        nonce, ciphertext = encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:]
        for key in self._keys:
            try:
                return key.decrypt(nonce, ciphertext, owner.encode())
            except InvalidTag:
                continue
        return None

    def is_current(self, encrypted: bytes, owner: str) -> bool:
        """Whether the first of the keys encrypted it."""
        try:
            self._keys[0].decrypt(encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:], owner.encode())
        except InvalidTag:
            return False
        return True
