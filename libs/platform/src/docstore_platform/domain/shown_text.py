"""Display of untrusted text: controls of writing direction could disguise a name's end."""

from typing import Any

TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Bidirectional controls (Unicode 15, UAX 9), and the zero-width no-break space."""
_REPLACED = dict.fromkeys(map(ord, TURNING), "\ufffd")


def keeps_direction(value: Any) -> Any:
    """Make bidirectional controls in a string visible, keeping markup; other values are unchanged."""
    return value.translate(_REPLACED) if isinstance(value, str) and not value.isascii() else value
