"""Commits as metadata answers them: what holds for whatever is committed there."""

from collections.abc import Sequence

import structlog

from docstore_platform.problems import Problem
from docstore_upload.domain import TARGET_GONE, Refusal
from docstore_upload.peers import Json, Peers, item_problem

log = structlog.get_logger(__name__)


def refused(refusal: Refusal) -> Problem:
    return Problem(refusal.status, refusal.code, refusal.detail)


async def commit_each(peers: Peers, items: Sequence[Json]) -> list[Json | Problem]:
    """Metadata's answer to each, in order; a Problem for those it could not answer, which are asked for again later.

    One that it can't take must not hold up the others.
    """
    try:
        return list(await peers.commit(items))
    except Problem as problem:
        if problem.status != 503 and len(items) > 1:
            middle = len(items) // 2
            return [*await commit_each(peers, items[:middle]), *await commit_each(peers, items[middle:])]
        log.warning("commit is tried again", count=len(items), upload_id=items[0]["upload_id"], error=problem.detail)
        return [problem] * len(items)


def commit_refusal(result: Json) -> Problem | None:
    """Why metadata did not take it, if so; final, if the status is below 500."""
    refusing = item_problem(result)
    # The upload is there: 404 would say that it is not.
    return refused(TARGET_GONE) if refusing is not None and refusing.status == 404 else refusing
