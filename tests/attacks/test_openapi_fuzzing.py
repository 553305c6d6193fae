"""Fuzzing: every response matches the OpenAPI document. FUZZ_EXAMPLES=200 sends many more requests."""

from pathlib import Path

import aiohttp
import pytest
from openapi_fuzzing import fuzz
from people import PASSWORD, Json, Person, SignUp
from stacks import DetachedStack

pytestmark = [pytest.mark.attack, pytest.mark.timeout(3600)]

ENDS_SESSIONS = ("DELETE /v1/sessions/current", "DELETE /v1/sessions/{session_id}")
"""Would leave the rest of a run without its session; they have a run of their own."""
STREAMS = ("GET /v1/events", "GET /v1/admin/events")
"""Answers of these do not end, so that no run would."""


async def access_token(person: Person, email: str, password: str = PASSWORD) -> str:
    """Of a session that is the run's alone."""
    answer = await person.call("POST", "/v1/sessions", {"email": email, "password": password})
    return str(answer["access_token"])


async def things_of(person: Person) -> dict[str, list[str]]:
    """Something of each kind that the API has ids of, by the name under which it takes them."""
    folder = await person.call("POST", "/v1/folders", {"path": "/docs"})
    sent = await person.begin("/docs/a.txt", 5)
    await person.put_once(sent["put"], b"hello")
    file = await person.complete(sent)
    open_upload = await person.begin("/docs/b.txt", 5, "multipart")
    made: dict[str, Json] = {
        "link_id": await person.call("POST", f"/v1/files/{folder['id']}/links", {}),
        "subscription_id": await person.call(
            "POST", "/v1/subscriptions", {"file_id": folder["id"], "channel": "in_app"}
        ),
        "share_id": await person.call(
            "POST", f"/v1/files/{folder['id']}/shares", {"email": "grace@example.org", "role": "viewer"}
        ),
    }
    return {
        "file_id": [folder["id"], file["id"]],
        "parent_id": [folder["id"]],
        "upload_id": [sent["id"], open_upload["id"]],
        "token": [made["link_id"]["token"]],
        **{name: [thing["id"]] for name, thing in made.items()},
    }


async def test_the_api_matches_its_description_with_a_log_in(
    stack: DetachedStack, sign_up: SignUp, tmp_path: Path
) -> None:
    """All operations: data that fit the document are accepted, others refused, and every answer is described."""
    person = await sign_up("ada", plan="premium")
    known = await things_of(person)
    token = await access_token(person, person.email)
    found = await fuzz(stack.gateway, tmp_path, token=token, known=known, without=(*ENDS_SESSIONS, *STREAMS))
    assert found.is_clean, found.report


async def test_the_api_is_as_described_to_administrators(stack: DetachedStack, admin: Person, tmp_path: Path) -> None:
    """The same for the operations of operators, which refuse everyone else."""
    token = await access_token(admin, str(admin.account["email"]), stack.admin_password)
    found = await fuzz(stack.gateway, tmp_path, token=token, only_tags=["Operators"], without=STREAMS)
    assert found.is_clean, found.report


async def test_the_api_matches_its_description_without_a_log_in(
    stack: DetachedStack, ada: Person, tmp_path: Path
) -> None:
    """The same for what needs no login."""
    known = await things_of(ada)
    public = await operations_without_login(stack)
    assert len(public) > 8
    found = await fuzz(stack.gateway, tmp_path, known=known, only=public)
    assert found.is_clean, found.report


async def test_ending_sessions_is_as_described(stack: DetachedStack, ada: Person, tmp_path: Path) -> None:
    """The same for logging devices out, until the run's own session has ended."""
    token = await access_token(ada, ada.email)
    found = await fuzz(stack.gateway, tmp_path, token=token, only=ENDS_SESSIONS, may_lose_session=True)
    assert found.is_clean, found.report


async def operations_without_login(stack: DetachedStack) -> list[str]:
    """Those that need none according to the document."""
    async with aiohttp.ClientSession() as client, client.get(f"{stack.gateway}/openapi.json") as answer:
        document = await answer.json()
    return [
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if operation.get("security") == []
    ]
