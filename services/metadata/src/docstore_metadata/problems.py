"""Domain errors as problem responses."""

from docstore_metadata.errors import Refusal
from docstore_metadata.tree.presentation import Json
from docstore_platform.problems import Problem


def problem_of(refusal: Refusal) -> Problem:
    return Problem(refusal.status, refusal.code, refusal.detail, **refusal.extra)


def item_problem(refusal: Refusal) -> Json:
    """A refusal as one item's answer in a batch."""
    return {"problem": problem_of(refusal).body()}
