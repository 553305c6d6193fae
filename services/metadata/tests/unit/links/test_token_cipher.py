"""Encryption of link tokens at rest."""

from docstore_metadata.links.token_cipher import TokenCipher


def test_a_token_is_decrypted_with_its_key() -> None:
    """The ciphertext does not contain the token, and differs each time."""
    cipher = TokenCipher("secret")
    encrypted = cipher.encrypt("link", "the-token")
    assert cipher.decrypt("link", encrypted) == "the-token"
    assert b"the-token" not in encrypted
    assert cipher.encrypt("link", "the-token") != encrypted


def test_an_older_key_still_decrypts() -> None:
    """Until it is removed from the settings."""
    encrypted = TokenCipher("old").encrypt("link", "the-token")
    assert TokenCipher("new", "old").decrypt("link", encrypted) == "the-token"
    assert TokenCipher("new").decrypt("link", encrypted) is None


def test_a_token_is_bound_to_its_link() -> None:
    """Ciphertext of another link, truncated or absent ciphertext gives None."""
    cipher = TokenCipher("secret")
    encrypted = cipher.encrypt("link", "the-token")
    assert cipher.decrypt("another", encrypted) is None
    assert cipher.decrypt("link", encrypted[:-1]) is None
    assert cipher.decrypt("link", None) is None
