"""Commits in metadata."""

from collections.abc import Sequence

import structlog

from docstore_platform.problems import Problem
from docstore_upload.lifecycle.clients import Json, ServiceClients, item_problem
from docstore_upload.lifecycle.rules import TARGET_GONE, Refusal

log = structlog.get_logger(__name__)


def refused(refusal: Refusal) -> Problem:
    return Problem(refusal.status, refusal.code, refusal.detail)


async def commit_each(services: ServiceClients, items: Sequence[Json]) -> list[Json | Problem]:
    """Metadata's answer to each, in order; a Problem for those it could not answer, which are asked for again later.

    One that it can't take must not hold up the others.
    """
    if not items:
        return []
    try:
        return list(await services.commit(items))
    except Problem as problem:
        if problem.status != 503 and len(items) > 1:
            middle = len(items) // 2
            return [*await commit_each(services, items[:middle]), *await commit_each(services, items[middle:])]
        log.warning("commit_deferred", count=len(items), upload_id=items[0]["upload_id"], error=problem.detail)
        return [problem] * len(items)


def commit_refusal(result: Json) -> Problem | None:
    """Why metadata did not take it, if so; final, if the status is below 500."""
    refusing = item_problem(result)
    # The upload is there: 404 would say that it is not.
    return refused(TARGET_GONE) if refusing is not None and refusing.status == 404 else refusing


def undecided(results: Sequence[Json | Problem]) -> Problem | None:
    """Why to ask again, if metadata has not decided on all of these."""
    for result in results:
        problem = result if isinstance(result, Problem) else commit_refusal(result)
        if problem is not None and (problem is result or problem.status >= 500):
            return problem
    return None
