"""What routes are given: the caller, the use cases of this app, and the answer that most of them have."""

from typing import Annotated

from fastapi import Depends, Header, Query, Request
from fastapi.responses import Response

from docstore_metadata.tree.listing import MAX_LIMIT
from docstore_metadata.tree.presentation import named_json, people_of
from docstore_metadata.tree.rules import Place
from docstore_metadata.use_cases import UseCases
from docstore_platform.tokens import Principal, current_principal
from docstore_platform.web import json_response


def use_cases(request: Request) -> UseCases:
    cases: UseCases = request.app.state.use_cases
    return cases


Caller = Annotated[Principal, Depends(current_principal)]
Cases = Annotated[UseCases, Depends(use_cases)]


async def file_response(cases: UseCases, principal: Principal, place: Place, status: int = 200) -> Response:
    """One file or folder that the caller may read, with what its people are called."""
    names = await cases.names.of(people_of(place.node))
    return json_response(named_json(place, principal.account_id, names), status, {"etag": place.node.etag})


IfMatch = Annotated[str | None, Header()]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
