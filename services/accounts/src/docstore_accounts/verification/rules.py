"""Limits of e-mail verification: pauses between mails, and the form of a code. Standard library only."""

from collections.abc import Sequence
from datetime import datetime, timedelta

LIFE = timedelta(hours=24)
"""How long a mailed link and its code are valid."""
MAX_FAILURES = 10
"""Wrong codes after which a verification ends: too few to guess eight digits."""
MAILS_PER_HOUR = 3
MAILS_PER_DAY = 8
"""Mails to one account, so that a sign-up with another person's address can't fill their mailbox."""
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def wait_for_next_mail(sent_at: Sequence[datetime], now: datetime) -> timedelta:
    """Return how long to wait until the next mail, after those at `sent_at`; zero if it may be sent now."""
    waits = [timedelta(0)]
    for limit, period in ((MAILS_PER_HOUR, HOUR), (MAILS_PER_DAY, DAY)):
        recent = sorted(moment for moment in sent_at if moment > now - period)
        if len(recent) >= limit:
            waits.append(recent[-limit] + period - now)
    return max(waits)


def clean_code(code: str) -> str:
    """Return the digits of a typed code, however they are grouped."""
    return "".join(code.split()).replace("-", "")
