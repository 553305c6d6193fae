"""Domain errors as problem responses."""

from docstore_contracts.caller import ItemRefused
from docstore_metadata.errors import Refusal
from docstore_platform.problems import Problem


def problem_of(refusal: Refusal) -> Problem:
    return Problem(refusal.status, refusal.code, refusal.detail, **refusal.extra)


def item_problem(refusal: Refusal) -> ItemRefused:
    """A refusal as one item's answer in a batch."""
    return {"problem": problem_of(refusal).body()}
