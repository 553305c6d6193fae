"""Every route with an id returns 404 for another account's id and changes nothing."""

import base64
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from people import Person, problem_of
from push_service import FakeBrowser

pytestmark = pytest.mark.connected

Json = dict[str, Any]

BODIES: Mapping[str, Any] = {
    "PATCH /v1/files/{file_id}": {"name": "stolen.txt"},
    "POST /v1/files/{file_id}/copy": {"path": "/stolen.txt"},
    "POST /v1/files/{file_id}/shares": {"email": "eve@example.org", "role": "viewer"},
    "PATCH /v1/files/{file_id}/shares/{share_id}": {"role": "editor"},
    "POST /v1/files/{file_id}/links": {},
    "PATCH /v1/files/{file_id}/links/{link_id}": {"password": None},
    "POST /v1/links/{token}/open": {},
    "POST /v1/links/{token}/uploads": {"name": "x", "size": 1},
    "POST /v1/links/{token}/folders": {"name": "x"},
    "PATCH /v1/links/{token}/files/{file_id}": {"name": "stolen.txt"},
    "POST /v1/uploads/{upload_id}/complete": {},
    "POST /v1/uploads/{upload_id}/parts": {"numbers": [1]},
    "PATCH /v1/subscriptions/{subscription_id}": {"events": ["moved"]},
    "PATCH /v1/me/saved-searches/{saved_search_id}": {"q": "stolen"},
    "PATCH /v1/admin/accounts/{account_id}": {"plan": "premium"},
}
"""What a route with an id is sent: a new one with a body needs a line here."""
BROWSER = FakeBrowser("https://push.example.org/1", "").registration()
QUERIES = {"GET /v1/files/{file_id}/changes": "?since=0"}
OPEN = {
    "POST /v1/accounts",
    "GET /v1/accounts/sign-up",
    "POST /v1/accounts/verify",
    "POST /v1/password-resets",
    "POST /v1/password-resets/confirm",
    "GET /v1/regions",
    "POST /v1/sessions",
    "POST /v1/sessions/refresh",
    "GET /v1/uploads/{upload_id}/redirect",
    "POST /v1/links/{token}/open",
    "GET /v1/links/{token}/content",
    "GET /v1/links/{token}/files",
    "GET /v1/links/{token}/preview",
    "GET /v1/links/{token}/zip",
    "POST /v1/links/{token}/uploads",
    "POST /v1/links/{token}/uploads/{upload_id}/complete",
    "POST /v1/links/{token}/folders",
    "PATCH /v1/links/{token}/files/{file_id}",
    "DELETE /v1/links/{token}/files/{file_id}",
    "GET /v1/unsubscribe",
    "POST /v1/unsubscribe",
}
"""Routes that need no login; the path of the redirect, and the tokens of links and mails, are the right."""


async def operations(person: Person) -> list[tuple[str, str, Json]]:
    """Method, path and description of every public route."""
    document = await person.call("GET", "/openapi.json")
    return [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


class Victim:
    """A person with one of everything, and the ids of it."""

    def __init__(self, person: Person) -> None:
        self.person = person

    async def settle(self) -> None:
        person = self.person
        file = await person.upload("/private/secret.txt", b"secret")
        await person.upload("/private/secret.txt", b"more secret")
        trashed = await person.upload("/trashed.txt", b"trash")
        await person.call("DELETE", f"/v1/files/{trashed['id']}")
        put = await person.begin("/open.bin", 3)
        multipart = await person.begin("/parts.bin", 3, "multipart")
        done = (await person.every("/v1/uploads", state="completed"))[0]
        small = [{"path": "/small.txt", "size": 2, "sha256": "0" * 64}]
        pack = await person.call("POST", "/v1/packs", {"files": small})
        link = await person.call("POST", f"/v1/files/{file['id']}/links", {"password": "open sesame"})
        subscription = await person.call("POST", "/v1/subscriptions", {"file_id": file["id"], "channel": "email"})
        search = await person.call("POST", "/v1/me/saved-searches", {"name": "mine", "q": "secret"})
        browser = await person.call("POST", "/v1/push-subscriptions", BROWSER)
        to_somebody = {"email": "somebody@example.org", "role": "viewer"}
        share = await person.call("POST", f"/v1/files/{file['id']}/shares", to_somebody)
        (session,) = await person.every("/v1/sessions")
        program = await person.call("POST", "/v1/me/tokens", {"name": "Backup", "scopes": ["files:read"]})
        folder = file["parent_id"]
        uploads = [put["id"], multipart["id"], done["id"]]
        self.file, self.folder, self.uploads, self.pack = file["id"], folder, uploads, pack["id"]
        self.ids: dict[str, list[str]] = {
            "file_id": [file["id"], folder, trashed["id"], person.id],
            "upload_id": uploads,
            "upload": uploads,
            "pack_id": [pack["id"]],
            "share_id": [share["id"]],
            "link_id": [link["id"]],
            "token": ["0" * 32],
            "session_id": [session["id"]],
            "token_id": [program["id"]],
            "subscription_id": [subscription["id"]],
            "push_subscription_id": [browser["id"]],
            "saved_search_id": [search["id"]],
            "account_id": [person.id],
            "person": [person.id],
            "letter_id": ["upload:" + file["id"]],
            "number": ["1"],
            "name": ["documents"],
        }
        await person.counted(6 + 11 + 5, reserved=6 + 2)

    async def belongings(self) -> bytes:
        """Everything that the person can see of what is theirs."""
        person = self.person
        seen: list[Any] = [await person.call("GET", "/v1/me")]
        for folder in ("/", "/private"):
            seen += await person.every("/v1/files", path=folder)
        seen += await person.every(f"/v1/files/{self.file}/versions")
        seen += await person.every(f"/v1/files/{self.file}/shares")
        seen += await person.every(f"/v1/files/{self.file}/links")
        for path in (
            "/v1/trash",
            "/v1/subscriptions",
            "/v1/push-subscriptions",
            "/v1/me/saved-searches",
            "/v1/me/tokens",
        ):
            seen += await person.every(path)
        seen += [{**one, "last_used_at": None} for one in await person.every("/v1/sessions")]
        seen += [{**one, "indexed": None} for one in await person.every("/v1/uploads")]
        seen.append({**await person.call("GET", f"/v1/packs/{self.pack}"), "put": None})
        return orjson.dumps([_lasting(one) for one in seen], option=orjson.OPT_SORT_KEYS)

    def calls(self, method: str, path: str) -> Iterator[tuple[str, Any]]:
        """The route with each of the victim's ids, and the body it takes."""
        names = re.findall(r"\{(\w+)\}", path)
        assert set(names) <= self.ids.keys(), f"no id is known for {names} of {path}"
        for one in self.ids[names[0]]:
            filled = path.replace(f"{{{names[0]}}}", one)
            for name in names[1:]:
                filled = filled.replace(f"{{{name}}}", self.ids[name][0])
            route = f"{method} {path}"
            yield filled + QUERIES.get(route, ""), BODIES.get(route)


def _lasting(item: Any) -> Any:
    """Without what changes by itself: the indexer may still be at work."""
    return {name: value for name, value in item.items() if name not in ("indexed", "file")}


@pytest.fixture
async def victim(grace: Person) -> Victim:
    victim = Victim(grace)
    await victim.settle()
    return victim


async def test_another_accounts_id_is_unknown_on_every_route(ada: Person, victim: Victim) -> None:
    """404 for all of them, as for an id that never was, 403 for what is for operators; the owner notices nothing."""
    before = await victim.belongings()
    routes = [(method, path, one) for method, path, one in await operations(ada) if "{" in path]
    assert len(routes) > 15
    for method, path, operation in routes:
        if "requestBody" in operation:
            assert f"{method} {path}" in BODIES, f"{method} {path} needs a body in this test"
        expected = 403 if path.startswith("/v1/admin/") else 404
        for filled, body in victim.calls(method, path):
            answer = await ada.ask(method, filled, body)
            assert answer.status == expected, (method, filled, answer)
    assert await victim.belongings() == before
    assert await ada.names() == []


async def test_unknown_and_foreign_ids_look_the_same(ada: Person, victim: Victim) -> None:
    """An answer does not reveal whether someone has the requested blocks."""
    for method, path, operation in await operations(ada):
        if "{" not in path or path.startswith("/v1/admin/"):
            continue
        for filled, body in victim.calls(method, path):
            foreign = await ada.ask(method, filled, body)
            unknown = await ada.ask(method, _unknown(filled, victim), body)
            assert (foreign.status, foreign.body) == (unknown.status, unknown.body), operation["operationId"]


def _unknown(path: str, victim: Victim) -> str:
    """The path with ids that are no one's."""
    for ids in victim.ids.values():
        for one in ids:
            if len(one) > 8:
                path = path.replace(one, one[:-6] + ("000000" if one[-6:] != "000000" else "111111"))
    return path


async def test_another_accounts_ids_in_bodies_and_queries_are_unknown(ada: Person, victim: Victim) -> None:
    """Neither to upload to, to move into, to copy into, to follow, to list, nor to complete many at once."""
    before = await victim.belongings()
    own = await ada.upload("/mine.txt", b"x")
    for file in (victim.file, victim.folder):
        body = {"file_id": file, "size": 1, "method": "put"}
        assert (await ada.ask("POST", "/v1/uploads", body)).status == 404
        (item,) = (await ada.call("POST", "/v1/uploads/batch", {"uploads": [body]}))["items"]
        assert item["problem"]["status"] == 404
        assert (await ada.ask("POST", "/v1/subscriptions", {"file_id": file, "channel": "email"})).status == 404
        assert (await ada.ask("GET", f"/v1/files?parent_id={file}")).status == 404
    starting_there = {"path": "/x", "parent_id": victim.folder}
    assert (await ada.ask("POST", "/v1/uploads", {**starting_there, "size": 1, "method": "put"})).status == 404
    assert (await ada.ask("POST", "/v1/folders", starting_there)).status == 404
    assert (await ada.ask("POST", f"/v1/files/{own['id']}/copy", starting_there)).status == 404
    assert (await ada.ask("GET", f"/v1/files?parent_id={victim.folder}&path=/")).status == 404
    assert (await ada.ask("GET", f"/v1/files/by-path?parent_id={victim.folder}&path=/secret.txt")).status == 404
    move = {"parent_id": victim.folder}
    assert (await ada.ask("PATCH", f"/v1/files/{own['id']}", move)).status == 404
    wanted = [{"id": file} for file in (victim.file, victim.folder)]
    results = (await ada.call("POST", "/v1/contents", {"items": wanted}))["results"]
    assert [result["problem"]["status"] for result in results] == [404, 404]
    completing = {"uploads": [{"id": upload} for upload in victim.uploads]}
    items = (await ada.call("POST", "/v1/uploads/complete-batch", completing))["items"]
    assert [item["problem"]["status"] for item in items] == [404] * len(victim.uploads)
    assert await ada.search("secret") == []
    assert [file["id"] for file in await ada.every("/v1/files", path="/")] == [own["id"]]
    assert await victim.belongings() == before


async def test_every_route_needs_a_login_but_the_open_ones(nobody: Person, victim: Victim) -> None:
    """401 as problem+json without a token, whatever the call; the document lists which need one."""
    for method, path, operation in await operations(nobody):
        route = f"{method} {path}"
        assert (operation.get("security") == []) == (route in OPEN), route
        if route in OPEN:
            continue
        calls = victim.calls(method, path) if "{" in path else [(path, {})]
        for filled, body in calls:
            answer = await nobody.ask(method, filled, body)
            assert problem_of(answer) == (401, "unauthorized"), route
            assert answer.headers["www-authenticate"].startswith("Bearer")


def _segment(value: Json) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


def _forgeries(token: str) -> dict[str, str]:
    """Tokens made from a real one without its key."""
    header, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    head, body, signature = token.split(".")
    own_key = Ed25519PrivateKey.generate()
    kid = {"kid": header["kid"]}
    admin = {**claims, "role": "admin"}
    return {
        "another key": jwt.encode(claims, own_key, "EdDSA", headers=kid),
        "another key, unknown kid": jwt.encode(claims, own_key, "EdDSA", headers={"kid": "unknown"}),
        "no kid": jwt.encode(claims, own_key, "EdDSA"),
        "alg none": f"{_segment({**header, 'alg': 'none'})}.{body}.",
        "alg None, signature kept": f"{_segment({**header, 'alg': 'None'})}.{body}.{signature}",
        "alg HS256 with the kid as secret": jwt.encode(claims, header["kid"] * 2, "HS256", headers=kid),
        "role changed": f"{head}.{_segment(admin)}.{signature}",
        "life prolonged": f"{head}.{_segment({**claims, 'exp': int(time.time()) + 10**6})}.{signature}",
        "signature cut": f"{head}.{body}.{signature[:-4]}",
        "signature gone": f"{head}.{body}",
        "not a token": "abc.def.ghi",
        "empty": "",
        "very long": "x" * 4000,
    }


async def test_forged_tokens_open_nothing(ada: Person, nobody: Person) -> None:
    """401 on a route of every service."""
    one_of_each_service = (
        "/v1/me",
        "/v1/files",
        "/v1/uploads",
        "/v1/search?q=a",
        "/v1/subscriptions",
        "/v1/admin/overview",
    )
    for kind, token in _forgeries(ada.access_token).items():
        for path in one_of_each_service:
            answer = await nobody.ask("GET", path, headers={"authorization": f"Bearer {token}"})
            assert problem_of(answer) == (401, "unauthorized"), (kind, path)
    for scheme in (f"Basic {ada.access_token}", ada.access_token, f"Bearer: {ada.access_token}"):
        answer = await nobody.ask("GET", "/v1/me", headers={"authorization": scheme})
        assert answer.status == 401, scheme
    assert (await ada.ask("GET", "/v1/me")).status == 200


async def test_an_account_is_no_administrator(ada: Person, admin: Person) -> None:
    """Operators' routes are 403 for others and answer an administrator."""
    for path in ("/v1/admin/accounts", "/v1/admin/overview", "/v1/admin/dead-letters"):
        assert (await ada.ask("GET", path)).status == 403
        assert (await admin.ask("GET", path)).status == 200


async def test_internal_routes_have_no_way_in(ada: Person) -> None:
    """Routes between services are unknown from outside, however the path is written."""
    for path in (
        "/internal/keys",
        "/internal/totals",
        "//internal/keys",
        "/v1/../internal/keys",
        "/v1/%2e%2e/internal/keys",
    ):
        assert (await ada.ask("GET", path)).status == 404, path
