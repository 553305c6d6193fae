"""Encryption of stored data."""

from docstore_platform.security.cipher import Cipher


def test_data_is_decrypted_with_its_key() -> None:
    """The ciphertext does not contain the data, and differs each time."""
    cipher = Cipher("tokens", "secret")
    encrypted = cipher.encrypt(b"the token", "link")
    assert cipher.decrypt(encrypted, "link") == b"the token"
    assert b"the token" not in encrypted
    assert cipher.encrypt(b"the token", "link") != encrypted


def test_an_older_key_still_decrypts() -> None:
    """Until it is removed from the settings."""
    encrypted = Cipher("tokens", "old").encrypt(b"the token", "link")
    both = Cipher("tokens", "new", "old")
    assert both.decrypt(encrypted, "link") == b"the token"
    assert not both.is_current(encrypted, "link")
    assert both.is_current(both.encrypt(b"the token", "link"), "link")
    assert Cipher("tokens", "new").decrypt(encrypted, "link") is None


def test_data_is_bound_to_its_owner_and_purpose() -> None:
    """Ciphertext of another document, of another purpose or truncated gives None."""
    cipher = Cipher("tokens", "secret")
    encrypted = cipher.encrypt(b"the token", "link")
    assert cipher.decrypt(encrypted, "another") is None
    assert cipher.decrypt(encrypted[:-1], "link") is None
    assert Cipher("texts", "secret").decrypt(encrypted, "link") is None
