"""Response of the administrators' overview."""

from docstore_platform.http.response_models import ResponseModel
from docstore_quota.rules import Plan


class PlanTotals(ResponseModel):
    """Totals of accounts; all versions count, also in the trash."""

    accounts: int
    """Number of accounts."""
    documents: int
    """Number of files, also in the trash."""
    bytes: int
    """Bytes of all versions."""


class Overview(PlanTotals):
    """Totals of the whole system."""

    average_document_bytes: int
    """Bytes divided by files, rounded down; 0 if there are none."""
    by_plan: dict[Plan, PlanTotals]
    """Totals by plan."""
