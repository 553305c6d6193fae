"""Rules of devices and refresh tokens, whatever is put in."""

from hypothesis import given
from hypothesis import strategies as st

from docstore_accounts.sessions.rules import MAX_DEVICE_CHARS, RefreshToken, clean_device
from docstore_platform.ids import new_id


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_device_always_has_a_name(first: str, second: str) -> None:
    """Whatever a client calls itself, there is something to show, and it fits into a token."""
    name = clean_device(first, second, None)
    assert name == name.strip()
    assert 1 <= len(name) <= MAX_DEVICE_CHARS
    name.encode()


def test_the_device_name_comes_before_the_browsers() -> None:
    """The name a person gave wins over the client's own."""
    assert clean_device("Phone", "curl/8") == "Phone"
    assert clean_device("\n", "curl/8") == "curl/8"
    assert clean_device(None, "") == "unnamed device"


def test_a_refresh_token_reads_back() -> None:
    """What is handed out parses to the same secrets, and its successor keeps session and family."""
    token = RefreshToken.new(new_id())
    assert RefreshToken.parse(token.text) == token
    successor = token.next()
    assert (successor.session_id, successor.family) == (token.session_id, token.family)
    assert successor.secret != token.secret
    assert len(token.secret) * 8 == 256


@given(st.text(max_size=120) | st.binary(max_size=43).map(lambda raw: "dsr_" + raw.hex()))
def test_any_other_text_is_no_refresh_token(text: str) -> None:
    """Text of another form or length is refused without an error."""
    assert RefreshToken.parse(text) is None


def test_a_changed_spelling_of_a_token_is_no_token() -> None:
    """Characters that base64 ignores don't make a second spelling of the same secret."""
    text = RefreshToken.new(new_id()).text
    assert RefreshToken.parse(text + "\n") is None
    assert RefreshToken.parse(text[:20] + "!" + text[20:]) is None
    assert RefreshToken.parse(text.removeprefix("dsr_")) is None
