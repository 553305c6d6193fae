"""Names of devices: as the client names itself, or "Chrome on Windows" from the browser's User-Agent.

A few patterns instead of a library: libraries for this contain a thousand patterns, and only the names of browser and
system are shown here.
"""

import re

from docstore_accounts.sessions.rules import clean_device

BROWSERS = (
    ("Edge", re.compile(r"Edg(?:e|A|iOS)?/")),
    ("Opera", re.compile(r"OPR/|Opera")),
    ("Samsung Internet", re.compile(r"SamsungBrowser/")),
    ("Vivaldi", re.compile(r"Vivaldi/")),
    ("Firefox", re.compile(r"Firefox/|FxiOS/")),
    ("Chrome", re.compile(r"Chrome/|CriOS/|Chromium/")),
    ("Safari", re.compile(r"Version/[\d.]+.*Safari/")),
)
"""Order matters: most browsers also name those that they are compatible with."""
SYSTEMS = (
    ("iPhone", re.compile(r"iPhone")),
    ("iPad", re.compile(r"iPad")),
    ("Android", re.compile(r"Android")),
    ("ChromeOS", re.compile(r"CrOS")),
    ("Windows", re.compile(r"Windows")),
    ("macOS", re.compile(r"Mac OS X|Macintosh")),
    ("Linux", re.compile(r"Linux|X11")),
)


def device_name(given: str | None, user_agent: str | None) -> str:
    """Return the client's name, else browser and system of its User-Agent, else that text, cut."""
    return clean_device(given, browser_name(user_agent or ""), user_agent)


def browser_name(user_agent: str) -> str:
    """Return a name such as "Chrome on Windows"; empty if it is no browser."""
    if not user_agent.startswith(("Mozilla/", "Opera/")):
        return ""
    browser = _first(BROWSERS, user_agent)
    system = _first(SYSTEMS, user_agent)
    return " on ".join(filter(None, (browser or "Browser", system))) if browser or system else ""


def shown_name(stored: str) -> str:
    """Return the name to show: earlier versions stored the raw User-Agent."""
    return browser_name(stored) or stored


def _first(patterns: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str:
    return next((name for name, pattern in patterns if pattern.search(text)), "")
