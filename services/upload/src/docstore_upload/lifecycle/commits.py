"""Commits in metadata."""

from collections.abc import Sequence

import structlog

from docstore_contracts.caller import ItemRefused
from docstore_contracts.metadata import CommitItem, CommitResult
from docstore_platform.problems import Problem
from docstore_upload.lifecycle.clients import ServiceClients
from docstore_upload.lifecycle.rules import TARGET_GONE, Refusal

log = structlog.get_logger(__name__)


def refused(refusal: Refusal) -> Problem:
    return Problem(refusal.status, refusal.code, refusal.detail)


async def commit_each(services: ServiceClients, items: Sequence[CommitItem]) -> list[CommitResult | Problem]:
    """Metadata's answer to each, in order; a Problem for those it could not answer, which are asked for again later.

    One that it can't take must not hold up the others.
    """
    if not items:
        return []
    try:
        return list(await services.metadata.commit_uploads(items))
    except Problem as problem:
        if problem.status != 503 and len(items) > 1:
            middle = len(items) // 2
            return [*await commit_each(services, items[:middle]), *await commit_each(services, items[middle:])]
        log.warning("commit_deferred", count=len(items), upload_id=items[0]["upload_id"], error=problem.detail)
        return [problem] * len(items)


def commit_refusal(result: ItemRefused) -> Problem:
    """Why metadata did not take it; final, if the status is below 500."""
    problem = Problem.from_body(result["problem"])
    # The upload is there: 404 would say that it is not.
    return refused(TARGET_GONE) if problem.status == 404 else problem


def undecided(results: Sequence[CommitResult | Problem]) -> Problem | None:
    """Why to ask again, if metadata has not decided on all of these."""
    for result in results:
        if isinstance(result, Problem):
            return result
        if "problem" in result and result["problem"]["status"] >= 500:
            return commit_refusal(result)
    return None
