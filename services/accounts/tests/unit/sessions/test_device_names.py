"""What a device is called that gives no name itself."""

import pytest

from docstore_accounts.sessions.device_names import device_name, shown_name

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
BROWSERS = {
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/130.0.0.0 Safari/537.36": "Chrome on Windows",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/130.0 Safari/537.36 Edg/130.0": "Edge on Windows",
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/130.0 Safari/537.36": "Chrome on ChromeOS",
    f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/130.0 Mobile Safari/537.36": "Chrome on Android",
    f"Mozilla/5.0 (Linux; Android 13) {WEBKIT} SamsungBrowser/23.0 Chrome/115.0 Safari/537.36": (
        "Samsung Internet on Android"
    ),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
    "Safari/605.1.15": "Safari on macOS",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
    "Mobile/15E148 Safari/604.1": "Safari on iPhone",
    "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/130.0 "
    "Mobile/15E148 Safari/604.1": "Chrome on iPad",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0": "Firefox on Linux",
    "Mozilla/5.0 (PlayStation 5)": "Mozilla/5.0 (PlayStation 5)",
}


@pytest.mark.parametrize("user_agent", BROWSERS)
def test_a_browser_is_named_with_its_system(user_agent: str) -> None:
    """Though most browsers also name those that they are compatible with."""
    assert device_name(None, user_agent) == BROWSERS[user_agent]
    assert shown_name(user_agent) == BROWSERS[user_agent]


def test_a_name_that_is_given_comes_first() -> None:
    """Programs that are no browsers are shown as they call themselves."""
    assert device_name("Phone", next(iter(BROWSERS))) == "Phone"
    assert device_name(None, "curl/8.5.0") == "curl/8.5.0"
    assert device_name("", None) == "unnamed device"
    assert shown_name("Ann's laptop") == "Ann's laptop"
