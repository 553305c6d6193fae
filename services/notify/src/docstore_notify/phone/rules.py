"""Phones for critical news, and how their numbers are verified. Standard library only."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

PHONE_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
"""E.164."""
CODE_DIGITS = 6
CODE_LIFE = timedelta(minutes=10)
MAX_TRIES = 5
"""Codes that can be tried before a new one must be sent: too few to guess one."""


@dataclass(frozen=True, slots=True)
class Phone:
    """The phone of an account."""

    account_id: str
    number: str
    verified: bool
    """Whether the code was entered with this account that was sent to the number."""
    code_id: str
    """The code derives from it and a key outside the database."""
    code_expires_at: datetime
    tries: int = 0
    """Codes that were tried, whether right or wrong."""
