"""What routes have in common: the caller, parameters, and the response that shows one file."""

from typing import Annotated

from fastapi import Depends, Header, Query
from fastapi.responses import Response

from docstore_metadata.people.service import DisplayNames
from docstore_metadata.tree.list_query import MAX_LIMIT
from docstore_metadata.tree.presentation import named_json, people_of
from docstore_metadata.tree.rules import Place
from docstore_platform.tokens import Principal, current_principal
from docstore_platform.web import json_response

Caller = Annotated[Principal, Depends(current_principal)]
IfMatch = Annotated[str | None, Header()]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]


async def file_response(names: DisplayNames, principal: Principal, place: Place, status: int = 200) -> Response:
    """One file or folder that the caller may read, with what its people are called."""
    names_by_id = await names.of(people_of(place.node))
    return json_response(named_json(place, principal.account_id, names_by_id), status, {"etag": place.node.etag})
