"""Whether a share with an account is active, waits or stays hidden. Standard library only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Acceptance = Literal["automatic", "ask"]
"""Whether shares of people who never shared with the account before are active at once, or wait to be accepted."""
Standing = Literal["accepted", "declined"]
"""The recipient's last decision about a share of that sender; leaving a share declines it."""
Admission = Literal["active", "invited", "hidden"]
"""`active`: at once; `invited`: it waits to be accepted; `hidden`: the recipient never sees it."""


@dataclass(frozen=True, slots=True)
class Relation:
    """Relation between a recipient and a sender of shares."""

    blocked: bool = False
    standing: Standing | None = None
    acquainted: bool = False
    """Either currently shares something with the other."""
    acceptance: Acceptance = "automatic"


def admission(relation: Relation) -> Admission:
    """The admission of a new share between them.

    A recipient's decision applies to later shares. So an owner whose share was left sees the next one as pending, which
    looks the same as being blocked.
    """
    if relation.blocked:
        return "hidden"
    if relation.standing == "declined":
        return "invited"
    known = relation.standing == "accepted" or relation.acquainted
    return "active" if known or relation.acceptance == "automatic" else "invited"


@dataclass(frozen=True, slots=True)
class Block:
    """A person whose shares an account does not want."""

    recipient_id: str
    subject: str
    """Account id or normalized e-mail address, as given by the recipient."""
    account_id: str | None
    """The blocked account; None for an address without account at the time."""
    created_at: datetime
