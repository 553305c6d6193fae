"""Text of other people as it is shown: what turns the direction of writing can show a name's end as another."""

from typing import Any

TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Bidirectional controls (Unicode 15, UAX 9), and the mark that changes nothing but a comparison."""
_REPLACED = dict.fromkeys(map(ord, TURNING), "\ufffd")


def keeps_direction(value: Any) -> Any:
    """A string with every bidirectional control made visible, markup kept as markup; anything else as it is."""
    return value.translate(_REPLACED) if isinstance(value, str) and not value.isascii() else value
