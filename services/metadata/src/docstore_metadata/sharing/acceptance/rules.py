"""What becomes of a share with an account. Standard library only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Acceptance = Literal["automatic", "ask"]
"""Whether shares by people who never shared with the account before are there at once, or wait until it accepts."""
Standing = Literal["accepted", "declined"]
"""What the recipient decided last about a share by that sender; giving one up declines."""
Admission = Literal["active", "invited", "hidden"]
"""`active`: it is there at once; `invited`: it waits to be accepted; `hidden`: the recipient never learns of it."""


@dataclass(frozen=True, slots=True)
class Relation:
    """What is known of a recipient and somebody who shares with them."""

    blocked: bool = False
    standing: Standing | None = None
    acquainted: bool = False
    """Either shares something with the other now."""
    acceptance: Acceptance = "automatic"


def admission(relation: Relation) -> Admission:
    """What becomes of a new share between them.

    A decision of the recipient holds for what comes after it. So an owner whose share was given up sees the next one
    wait, and can't tell that from being blocked.
    """
    if relation.blocked:
        return "hidden"
    if relation.standing == "declined":
        return "invited"
    known = relation.standing == "accepted" or relation.acquainted
    return "active" if known or relation.acceptance == "automatic" else "invited"


@dataclass(frozen=True, slots=True)
class Block:
    """Somebody whose shares an account does not want."""

    recipient_id: str
    subject: str
    """Account id, or normalized e-mail address, as the recipient named them."""
    account_id: str | None
    """Whose it is; None for an address that nobody had when it was blocked."""
    created_at: datetime
