"""What the public routes answer, as the API's description shows it."""

from docstore_platform.answers import Answer
from docstore_quota.rules import Plan


class PlanTotals(Answer):
    """What accounts keep; every version counts, the trash included."""

    accounts: int
    """How many there are."""
    documents: int
    """Files, those in the trash included."""
    bytes: int
    """Of all versions."""


class Overview(PlanTotals):
    """The whole system."""

    average_document_bytes: int
    """Bytes by files, rounded down; 0 if there are none."""
    by_plan: dict[Plan, PlanTotals]
    """The same of the accounts on each plan."""
