"""Encryption of link tokens at rest."""

from docstore_metadata.links.token_cipher import TokenCipher


def test_a_token_is_read_back_with_the_key_that_encrypted_it() -> None:
    """The ciphertext holds no token, and differs each time."""
    cipher = TokenCipher("secret")
    encrypted = cipher.encrypt("link", "the-token")
    assert cipher.decrypt("link", encrypted) == "the-token"
    assert b"the-token" not in encrypted
    assert cipher.encrypt("link", "the-token") != encrypted


def test_an_older_key_still_decrypts() -> None:
    """After a new secret is put first, what the old one encrypted can be read; without the old one it cannot."""
    encrypted = TokenCipher("old").encrypt("link", "the-token")
    assert TokenCipher("new", "old").decrypt("link", encrypted) == "the-token"
    assert TokenCipher("new").decrypt("link", encrypted) is None


def test_a_token_is_bound_to_its_link_and_may_be_absent() -> None:
    """Ciphertext moved to another link, or cut short, gives nothing; nor does a link without one."""
    cipher = TokenCipher("secret")
    encrypted = cipher.encrypt("link", "the-token")
    assert cipher.decrypt("another", encrypted) is None
    assert cipher.decrypt("link", encrypted[:-1]) is None
    assert cipher.decrypt("link", None) is None
