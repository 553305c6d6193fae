"""Languages of an account's pictures."""

import indexer_documents as documents
import pytest
from indexer_world import World

pytestmark = pytest.mark.connected
ROUTE = "/v1/me/languages"


async def test_a_scan_is_found_in_the_language_that_its_owner_chooses(running: World) -> None:
    """A German scan is read in English first; once German is chosen it is read again and found by "Größe".

    The choice is each account's own.
    """
    ann, bob = await running.person("premium"), await running.person("premium")
    for owner in (ann, bob):
        await running.add(owner, "plan.png", documents.png("Die Größe der Häuser"))
        await running.finds(owner, "Die", "plan.png", scope="content")
    assert await running.names(ann, "Größe", scope="content") == []
    answer = await running.call("PUT", ROUTE, bearer=running.token(ann), body={"languages": ["deu", "eng"]})
    assert (answer.status, answer.json()["languages"], answer.json()["is_default"]) == (200, ["deu", "eng"], False)
    await running.finds(ann, "Größe", "plan.png", scope="content")
    shown = (await running.call("GET", ROUTE, bearer=running.token(bob))).json()
    assert (shown["languages"], shown["is_default"]) == (["eng"], True)
    assert await running.names(bob, "Größe", scope="content") == []
    await running.call("PUT", ROUTE, bearer=running.token(ann), body={"languages": []})
    await running.finds(ann, "Größe", scope="content")


async def test_a_language_without_data_is_refused(running: World) -> None:
    """422 names the language and lists those that can be chosen; a malformed one is 422, no token 401."""
    ann = await running.person()
    answer = await running.call("PUT", ROUTE, bearer=running.token(ann), body={"languages": ["xyz"]})
    assert (answer.status, answer.json()["code"]) == (422, "language_unavailable")
    assert {"deu", "eng"} <= set(answer.json()["available"])
    assert "xyz" in answer.json()["detail"]
    for wrong in ([".."], ["deu"] * 6, "deu"):
        answer = await running.call("PUT", ROUTE, bearer=running.token(ann), body={"languages": wrong})
        assert (answer.status, answer.json()["code"]) == (422, "invalid_request")
    assert (await running.call("GET", ROUTE, bearer="x")).status == 401
