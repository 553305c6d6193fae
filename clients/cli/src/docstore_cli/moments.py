"""Parses times and time spans."""

import re
from datetime import datetime, timedelta

import typer

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str, now: datetime, option: str, *, back: bool = False) -> datetime:
    """Parse a time with its zone, or a span like 90s, 30m, 12h or 7d after `now`; `back`: before `now`.

    BadParameter of the `option` if invalid.
    """
    try:
        if span := re.fullmatch(r"(\d+)([smhd])", text):
            length = timedelta(**{_UNITS[span[2]]: int(span[1])})
            return now - length if back else now + length
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError("no time zone")
    except (ValueError, OverflowError):
        message = f"{text!r} is neither a time like 2026-05-01T12:00:00Z nor a span like 7d."
        raise typer.BadParameter(message, param_hint=option) from None
    return found
