"""A route takes the query parameters that it declares, and refuses all others."""

import re
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, Query

from docstore_platform.domain.custom_metadata import INVALID_METADATA
from docstore_platform.errors import Invalid
from docstore_platform.http.parameters import METADATA_FILTER, metadata_filter, refuse_unknown_parameters
from docstore_platform.http.problems import install_problem_handlers
from docstore_platform.service.client import HttpResponse, LocalTransport, register_local_app

FAMILY = {
    "name": "meta",
    "in": "query",
    "style": "form",
    "explode": True,
    "schema": {"type": "object", "patternProperties": {r"^meta\.[a-z]+$": {"type": "string"}}},
}
ALLOWED = ["", "?", "?in=name", "?limit=1&in=a%20b", "?l%69mit=1", "?in=", "?limit=1&", "?word=x", "?meta.author=x"]
REFUSED = {
    "?colour=red": "colour",
    "?limit=1&Limit=2": "Limit",
    "?within=name": "within",
    "?colour": "colour",
    "?meta=x": "meta",
    "?meta.A=x": "meta.A",
    "?limit%5B%5D=1": "?",
    "?=x": "?",
}
"""By query, the refused name as it is shown; names that are no names are not repeated."""


def paged(limit: int = 10) -> int:
    return limit


def app() -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)
    router = APIRouter()

    @router.get("/v1/things", openapi_extra={"parameters": [{"name": "word", "in": "query", "schema": {}}, FAMILY]})
    async def things(limit: Annotated[int, Depends(paged)], within: Annotated[str, Query(alias="in")] = "") -> int:
        return limit

    router.add_api_route("/internal/things", things)
    router.add_api_route("/l/page", things)
    app.router.routes.extend(router.routes)
    refuse_unknown_parameters(app.router.routes)
    return app


async def ask(path: str) -> HttpResponse:
    register_local_app("local:parameters", app())
    return await LocalTransport("local:parameters").send("GET", path, {}, b"")


@pytest.mark.parametrize("query", ALLOWED)
async def test_declared_parameters_are_taken(query: str) -> None:
    """By their alias, from dependencies, from the description of a route that reads them itself, however encoded."""
    assert (await ask("/v1/things" + query)).status == 200


@pytest.mark.parametrize("query", REFUSED)
async def test_other_parameters_are_refused_by_name(query: str) -> None:
    """400 `unknown_parameter`, on public and internal routes."""
    for prefix in ("/v1", "/internal"):
        answer = await ask(f"{prefix}/things{query}")
        assert (answer.status, answer.json()["code"]) == (400, "unknown_parameter")
        assert answer.json()["parameter"] == REFUSED[query]


async def test_pages_take_any_parameter() -> None:
    """What a link is opened with, others add parameters to."""
    assert (await ask("/l/page?utm_source=mail")).status == 200


def test_filters_by_metadata_are_pairs_that_a_file_can_have() -> None:
    """Each `meta.NAME=VALUE`, its value in one normal form; others are not its matter."""
    given = [("meta.author", " Ada\u0301 "), ("limit", "1"), ("meta.author", "Bob"), ("meta.-", "")]
    assert metadata_filter(given) == (("author", "Ad\xe1"), ("author", "Bob"), ("-", ""))
    for wrong in ([("meta.Author", "x")], [("meta.a", "x" * 257)], [("meta.a", "a\nb")], [("meta.a", "x")] * 21):
        with pytest.raises(Invalid) as refused:
            metadata_filter(wrong)
        assert refused.value.code == INVALID_METADATA


def test_the_documented_filter_is_the_one_that_is_read() -> None:
    """Names that pass the documentation's pattern pass the rule."""
    [pattern] = METADATA_FILTER["schema"]["patternProperties"]  # type: ignore[index]
    assert re.search(pattern, "meta.author")
    assert not re.search(pattern, "meta.Author")
