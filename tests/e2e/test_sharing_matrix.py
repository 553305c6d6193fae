"""Every route of files, folders, trash, uploads and shares, for every role."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from people import Person, SignUp

from docstore_client.network.connection import ApiResponse

pytestmark = pytest.mark.connected

Json = dict[str, Any]
AREAS = ("/v1/files", "/v1/folders", "/v1/trash", "/v1/uploads", "/v1/shared-with-me", "/v1/contents")
ROLES = ("owner", "editor", "viewer", "stranger")
ONLOOKER = "onlooker"
"""A viewer by a share with a watermark."""
EVERYBODY = (*ROLES, ONLOOKER)

ANYBODY = (200, 200, 200, 200)
READERS = (200, 200, 200, 404)
EDITORS = (200, 200, 403, 404)
OWNER = (200, 403, 403, 404)
MAKE = (201, 201, 403, 404)
OWNER_MAKES = (201, 403, 403, 404)
ALONE = (200, 404, 404, 404)
"""What is one person's, whoever may read the file: uploads and the trash."""

EXPECTED: Mapping[str, tuple[int, int, int, int]] = {
    "GET /v1/files": READERS,
    "GET /v1/files/by-path": READERS,
    "GET /v1/files/{file_id}": READERS,
    "GET /v1/files/{file_id}/content": (302, 302, 302, 404),
    "GET /v1/files/{file_id}/preview": (404, 404, 404, 404),  # a text has none; the tests of previews tell the rest
    "GET /v1/files/{file_id}/media": READERS,
    "GET /v1/files/{file_id}/blocks": READERS,
    "POST /v1/contents": READERS,
    "POST /v1/contents/cookies": (409, 409, 409, 409),  # of one's own account, if a CDN has them
    "GET /v1/files/{file_id}/zip": READERS,
    "GET /v1/files/zip": READERS,
    "POST /v1/files/zip": READERS,
    "POST /v1/files/{file_id}/credentials": OWNER_MAKES,
    "GET /v1/files/{file_id}/retrieval": READERS,
    "POST /v1/files/{file_id}/retrieval": (202, 202, 202, 404),
    "GET /v1/files/{file_id}/versions": READERS,
    "GET /v1/files/{file_id}/changes": READERS,
    "GET /v1/files/{file_id}/ancestors": READERS,
    "GET /v1/files/{file_id}/access": READERS,  # shares and links in it are for the owner alone
    "POST /v1/files/{file_id}/copy": (201, 201, 201, 404),
    "PATCH /v1/files/{file_id}": EDITORS,
    "POST /v1/files/{file_id}/versions/{number}/restore": EDITORS,
    "POST /v1/folders": MAKE,
    "POST /v1/uploads": MAKE,
    "POST /v1/uploads/batch": EDITORS,
    "DELETE /v1/files/{file_id}": (204, 403, 403, 404),
    "GET /v1/files/{file_id}/shares": OWNER,
    "POST /v1/files/{file_id}/shares": OWNER_MAKES,
    "PATCH /v1/files/{file_id}/shares/{share_id}": OWNER,
    "DELETE /v1/files/{file_id}/shares/{share_id}": (204, 403, 403, 404),
    "GET /v1/files/{file_id}/links": OWNER,
    "POST /v1/files/{file_id}/links": OWNER_MAKES,
    "GET /v1/files/{file_id}/links/{link_id}": OWNER,
    "PATCH /v1/files/{file_id}/links/{link_id}": OWNER,
    "DELETE /v1/files/{file_id}/links/{link_id}": (204, 403, 403, 404),
    "POST /v1/files/{file_id}/restore": ALONE,
    "DELETE /v1/trash/{file_id}": (204, 404, 404, 404),
    "GET /v1/trash": ANYBODY,
    "GET /v1/shared-with-me": ANYBODY,
    "GET /v1/uploads": ANYBODY,
    "GET /v1/uploads/{upload_id}": ALONE,
    "POST /v1/uploads/{upload_id}/parts": ALONE,
    "POST /v1/uploads/{upload_id}/complete": ALONE,
    "POST /v1/uploads/complete-batch": ALONE,
    "DELETE /v1/uploads/{upload_id}": (204, 404, 404, 404),
}
"""By route, the answer to each of ROLES. A batch answers 200 with a status for each of its items."""
WITHOUT_CONTENTS: Mapping[str, int] = {
    "GET /v1/files/{file_id}/content": 403,
    "GET /v1/files/{file_id}/blocks": 403,
    "GET /v1/files/{file_id}/retrieval": 403,
    "POST /v1/files/{file_id}/retrieval": 403,
    "POST /v1/contents": 403,
    "GET /v1/files/{file_id}/zip": 403,
    "GET /v1/files/zip": 403,
    "POST /v1/files/zip": 403,
    "GET /v1/files/{file_id}/versions": 403,
    "GET /v1/files/{file_id}/changes": 403,
    "POST /v1/files/{file_id}/copy": 403,
}
"""Where the answer to a viewer who sees only watermarked pictures is not that to other viewers."""
NEEDS_NO_LOGIN = {"GET /v1/uploads/{upload_id}/redirect"}
IN_TRASH = {"POST /v1/files/{file_id}/restore", "DELETE /v1/trash/{file_id}"}


@dataclass
class Stage:
    """A file of the owner's in a folder that is shared with an editor and a viewer, and one of everything else."""

    ids: dict[str, str]
    folder: Json
    name: str

    def query(self, route: str) -> str:
        queries = {
            "GET /v1/files": f"?parent_id={self.folder['id']}",
            "GET /v1/files/by-path": f"?parent_id={self.folder['id']}&path=/{self.name}",
            "GET /v1/files/{file_id}/changes": "?since=0",
            "GET /v1/files/zip": f"?id={self.ids.get('file_id')}",
        }
        return queries.get(route, "")

    def body(self, route: str) -> Any:
        new = {"path": f"/new-{self.name}", "parent_id": self.folder["id"]}
        upload = {**new, "size": 1, "method": "put"}
        bodies: dict[str, Any] = {
            "PATCH /v1/files/{file_id}": {"name": f"renamed-{self.name}", "tags": ["x"]},
            "POST /v1/files/{file_id}/copy": {"path": f"/copy-of-{self.name}"},
            "POST /v1/folders": new,
            "POST /v1/contents": {"items": [{"id": self.ids.get("file_id")}]},
            "POST /v1/files/zip": {"ids": [self.ids.get("file_id")]},
            "POST /v1/uploads": upload,
            "POST /v1/uploads/batch": {"uploads": [upload]},
            "POST /v1/uploads/{upload_id}/parts": {"numbers": [1]},
            "POST /v1/uploads/{upload_id}/complete": {},
            "POST /v1/uploads/complete-batch": {"uploads": [self.ids.get("upload_id")]},
            "POST /v1/files/{file_id}/shares": {"email": "somebody@example.org", "role": "viewer"},
            "PATCH /v1/files/{file_id}/shares/{share_id}": {"role": "editor"},
            "POST /v1/files/{file_id}/links": {},
            "PATCH /v1/files/{file_id}/links/{link_id}": {"max_downloads": 5},
        }
        return bodies.get(route)


class Theatre:
    """Four people with their roles, and a stage for each act."""

    def __init__(self, people: Mapping[str, Person], folder: Json) -> None:
        self.people = people
        self.owner = people["owner"]
        self.folder = folder

    async def stage(self, route: str, name: str) -> Stage:
        """Only what the route is about is made."""
        owner, ids = self.owner, {"number": "1"}
        if "{file_id}" in route or route.endswith(("by-path", "contents", "zip")):
            for content in (b"one", b"two"):
                path = f"/private/shared/{name}"
                in_blocks = route.endswith("/blocks")
                file = await (owner.upload_blocks(path, [content]) if in_blocks else owner.upload(path, content))
            ids["file_id"] = file["id"]
        if "{share_id}" in route:
            body = {"email": "third@example.org", "role": "viewer"}
            ids["share_id"] = (await owner.call("POST", f"/v1/files/{ids['file_id']}/shares", body))["id"]
        if "{link_id}" in route:
            ids["link_id"] = (await owner.call("POST", f"/v1/files/{ids['file_id']}/links", {}))["id"]
        if "{upload_id}" in route or "complete-batch" in route:
            method = "multipart" if route.endswith("parts") else "put"
            upload = await owner.begin(f"/private/shared/{name}.up", 1, method)
            if "complete" in route:
                await owner.send(upload, b"x")
            ids["upload_id"] = upload["id"]
        if route in IN_TRASH:
            await owner.call("DELETE", f"/v1/files/{ids['file_id']}")
        return Stage(ids, self.folder, name)

    async def act(self, route: str, roles: Sequence[str], number: int) -> dict[tuple[str, str], int]:
        """The answers to these roles, one after the other, on one stage."""
        stage = await self.stage(route, f"{number}-{roles[0]}.txt")
        method, path = route.split(" ")
        seen: dict[tuple[str, str], int] = {}
        for role in roles:
            path_and_query = path.format(**stage.ids) + stage.query(route)
            seen[route, role] = _status(await self.people[role].ask(method, path_and_query, stage.body(route)))
        return seen


def _shared_stages(route: str) -> list[tuple[str, ...]]:
    """The roles that follow each other on a stage: a refused one leaves it to the next as it was.

    What is made in the shared folder can be made there once, so each role has a stage of its own then.
    """
    if EXPECTED[route] in (MAKE, EDITORS) and "{file_id}" not in route:
        return [(role,) for role in EVERYBODY]
    return [tuple(reversed(EVERYBODY))]


def _status(answer: ApiResponse) -> int:
    batch = answer.json() if answer.status == 200 and answer.body.startswith(b"{") else {}
    items = batch.get("items", []) or batch.get("results", [])
    problems = [item["problem"]["status"] for item in items if "problem" in item]
    return problems[0] if problems else answer.status


@pytest.fixture
async def theatre(sign_up: SignUp) -> Theatre:
    people = {role: await sign_up(role) for role in EVERYBODY}
    owner = people["owner"]
    folder = await owner.call("POST", "/v1/folders", {"path": "/private/shared"})
    for role in ("editor", "viewer"):
        await owner.share(folder, people[role], role)
    await owner.share(folder, people[ONLOOKER], "viewer", watermark="for {reader} only")
    return Theatre(people, folder)


async def test_every_role_at_every_route(theatre: Theatre) -> None:
    """As in the one table; a new route of these areas needs a row."""
    document = await theatre.owner.call("GET", "/openapi.json")
    routes = {
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        if path.startswith(AREAS)
        for method in item
    }
    assert routes - NEEDS_NO_LOGIN == set(EXPECTED)
    at_once = asyncio.Semaphore(8)

    async def act(route: str, roles: Sequence[str], number: int) -> dict[tuple[str, str], int]:
        async with at_once:
            return await theatre.act(route, roles, number)

    acts = [act(route, roles, number) for number, route in enumerate(EXPECTED) for roles in _shared_stages(route)]
    seen = {key: status for answers in await asyncio.gather(*acts) for key, status in answers.items()}
    expected = {(route, role): row[place] for route, row in EXPECTED.items() for place, role in enumerate(ROLES)}
    viewer = ROLES.index("viewer")
    expected |= {(route, ONLOOKER): WITHOUT_CONTENTS.get(route, row[viewer]) for route, row in EXPECTED.items()}
    assert seen == expected
