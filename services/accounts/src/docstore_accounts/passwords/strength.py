"""Refuses passwords that attackers try first: common, breached, or derived from the owner's name.

The estimate is zxcvbn's (Wheeler, USENIX Security 2016), whose dictionaries contain the most common passwords of public
breaches. An operator may add a list.
"""

import asyncio
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from docstore_accounts.passwords.rules import check_password
from docstore_platform.errors import invalid

MIN_SCORE = 3
"""Score of 0 to 4: at least 10^8 guesses, too many for guessing by log-ins."""
MAX_ESTIMATED_CHARS = 72
"""An estimate takes time quadratic in the length, so a longer password is judged by its start."""
OWN_WORDS = ("docstore", "changeme")
ADVICE = "Use a longer phrase of uncommon words."


async def check_new_password(password: str, email: str, display_name: str, breached_file: Path | None = None) -> None:
    """Invalid `weak_password`, with the reason, if the password is too short, too long or too easy to guess.

    `breached_file`: more passwords to refuse, UTF-8, one a line, in any case.
    """
    check_password(password, email)
    # In a thread: the first estimate loads 7 MiB of dictionaries, and long passwords take some milliseconds.
    reason = await asyncio.to_thread(_weakness, password, email, display_name, breached_file)
    if reason is not None:
        raise invalid(reason, "weak_password")


def _weakness(password: str, email: str, display_name: str, breached_file: Path | None) -> str | None:
    import zxcvbn_rs_py

    password = unicodedata.normalize("NFC", password)
    if breached_file is not None and password.casefold() in _breached(breached_file):
        return f"This password is in lists of breached passwords. {ADVICE}"
    result = zxcvbn_rs_py.zxcvbn(password[:MAX_ESTIMATED_CHARS], list(_words(email, display_name)))
    if int(result.score) >= MIN_SCORE:
        return None
    warning = str(result.feedback.warning or "") if result.feedback else ""
    return " ".join(filter(None, ("This password is too easy to guess.", warning, ADVICE)))


def _words(email: str, display_name: str) -> Iterable[str]:
    """Words about the owner that an attacker would try."""
    yield from OWN_WORDS
    for text in (email.lower(), email.rpartition("@")[0].lower(), display_name.lower()):
        words = re.findall(r"[^\W_]+", text)
        yield from (text, "".join(words), *words)


@cache
def _breached(file: Path) -> frozenset[str]:
    return frozenset(file.read_text("utf-8").casefold().splitlines())
