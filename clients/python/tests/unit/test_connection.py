"""What a connection trusts."""

import pytest

from docstore_client import ApiError
from docstore_client.connection import home_gateway
from docstore_client.retrying import _proxy, proxy_for


@pytest.mark.parametrize(
    ("gateway", "location"),
    [
        ("https://a.example", "http://b.example/v1/sessions"),
        ("http://a.example", "/v1/sessions"),
        ("http://a.example", "http://b.example/elsewhere"),
        ("http://a.example", "ftp://b.example/v1/sessions"),
        ("http://a.example", ""),
    ],
)
def test_a_password_goes_to_no_strange_place(gateway: str, location: str) -> None:
    """Not from https to http, and to nothing but the log-in of a gateway."""
    with pytest.raises(ApiError):
        home_gateway(gateway, location)


def test_proxies_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the scheme of the server, but for servers that NO_PROXY names."""
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    _proxy.cache_clear()
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    try:
        asked = ("http://outside.example/a", "https://outside.example/a", "http://inside.example/a")
        assert list(map(proxy_for, asked)) == ["http://proxy.example:3128", None, None]
    finally:
        _proxy.cache_clear()
