"""Bounds of verifying an e-mail address. Standard library only."""

from collections.abc import Sequence
from datetime import datetime, timedelta

LIFE = timedelta(hours=24)
"""How long a mailed link and its code are valid."""
MAX_FAILURES = 10
"""Wrong codes that a verification survives: with eight digits, guessing is hopeless."""
MAILS_PER_HOUR = 3
MAILS_PER_DAY = 8
"""To one account: nobody fills a mailbox by signing up with its address."""
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def wait_for_next_mail(sent_at: Sequence[datetime], now: datetime) -> timedelta:
    """How long until another mail may be sent, after those at `sent_at`; zero if one may be sent now."""
    waits = [timedelta(0)]
    for limit, period in ((MAILS_PER_HOUR, HOUR), (MAILS_PER_DAY, DAY)):
        recent = sorted(moment for moment in sent_at if moment > now - period)
        if len(recent) >= limit:
            waits.append(recent[-limit] + period - now)
    return max(waits)


def clean_code(code: str) -> str:
    """The digits of a code, however they are grouped where it is typed."""
    return "".join(code.split()).replace("-", "")
