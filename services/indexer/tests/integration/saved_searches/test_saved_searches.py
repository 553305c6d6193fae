"""Saved searches of an account."""

import asyncio
from typing import Any

import pytest
from indexer_world import World

pytestmark = pytest.mark.connected
ROUTE = "/v1/me/saved-searches"


async def call(world: World, account: str, method: str, path: str = "", body: Any = None) -> tuple[int, Any]:
    answer = await world.call(method, ROUTE + path, bearer=world.token(account), body=body)
    return answer.status, answer.json() if answer.body else None


async def test_a_search_is_saved_listed_changed_and_deleted(running: World) -> None:
    """It returns as it was saved; a change replaces what it names; the list is by name, in pages."""
    ann = await running.person()
    filters = {
        "in": "content",
        "tag": ["tax"],
        "kind": "file",
        "metadata": {"author": "Ada"},
        "modified_within_days": 7,
    }
    status, saved = await call(
        running, ann, "POST", body={"name": " Taxes ", "q": '"annual report"', "filters": filters}
    )
    assert status == 201
    assert (saved["name"], saved["q"], saved["filters"]) == ("Taxes", '"annual report"', filters)
    assert await call(running, ann, "GET", f"/{saved['id']}") == (200, saved)
    for name in ("Zoo", "Art"):
        await call(running, ann, "POST", body={"name": name})
    _, first = await call(running, ann, "GET", "?limit=2")
    assert [one["name"] for one in first["items"]] == ["Art", "Taxes"]
    _, last = await call(running, ann, "GET", f"?limit=2&cursor={first['next_cursor']}")
    assert ([one["name"] for one in last["items"]], last["next_cursor"]) == (["Zoo"], None)
    body = {"name": "Tax", "filters": {"created_after": "2026-05-01"}}
    _, changed = await call(running, ann, "PATCH", f"/{saved['id']}", body)
    assert (changed["name"], changed["q"]) == ("Tax", '"annual report"')
    assert changed["filters"] == {"created_after": "2026-05-01T00:00:00.000Z"}
    assert (await call(running, ann, "DELETE", f"/{saved['id']}"))[0] == 204
    assert (await call(running, ann, "DELETE", f"/{saved['id']}"))[0] == 404


async def test_names_are_unique_within_an_account(running: World) -> None:
    """409 `name_taken` when saved and when renamed; another account may have the same name."""
    ann, bob = await running.person(), await running.person()
    _, one = await call(running, ann, "POST", body={"name": "one"})
    assert (await call(running, bob, "POST", body={"name": "one"}))[0] == 201
    _, two = await call(running, ann, "POST", body={"name": "two"})
    for method, path in (("POST", ""), ("PATCH", f"/{two['id']}")):
        status, problem = await call(running, ann, method, path, {"name": "one"})
        assert (status, problem["code"]) == (409, "name_taken")
    assert (await call(running, ann, "PATCH", f"/{one['id']}", {"name": "one", "q": "x"}))[0] == 200


async def test_another_account_sees_none_of_them(running: World) -> None:
    """A foreign id is 404 for every method, and in no list; without a token it is 401."""
    ann, eve = await running.person(), await running.person()
    _, saved = await call(running, ann, "POST", body={"name": "secret plans"})
    for method, body in (("GET", None), ("PATCH", {"q": "x"}), ("DELETE", None)):
        assert (await call(running, eve, method, f"/{saved['id']}", body))[0] == 404
    assert (await call(running, eve, "GET"))[1]["items"] == []
    assert (await call(running, ann, "GET", f"/{saved['id']}"))[1] == saved
    assert (await running.call("GET", ROUTE, bearer="x")).status == 401


async def test_their_number_is_bounded(running: World) -> None:
    """Beyond a hundred 409 `too_many_saved_searches`; after one is deleted there is room again."""
    ann = await running.person()
    made = await asyncio.gather(*(call(running, ann, "POST", body={"name": f"n{number}"}) for number in range(100)))
    assert {status for status, _ in made} == {201}
    status, problem = await call(running, ann, "POST", body={"name": "more"})
    assert (status, problem["code"]) == (409, "too_many_saved_searches")
    await call(running, ann, "DELETE", f"/{made[0][1]['id']}")
    assert (await call(running, ann, "POST", body={"name": "more"}))[0] == 201


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": " "},
        {"name": "x" * 101},
        {"name": "x", "q": "x" * 1001},
        {"name": "x", "filters": {"colour": "red"}},
        {"name": "x", "filters": {"modified_within_days": 0}},
        {"name": "x", "filters": {"kind": "link"}},
        {"name": "x", "filters": {"metadata": {"Not A Name": "x"}}},
    ],
)
async def test_a_search_that_could_not_be_run_is_refused(running: World, body: dict[str, Any]) -> None:
    """422, unknown filters included."""
    assert (await call(running, await running.person(), "POST", body=body))[0] == 422
