"""Public links: routes of the owner, and routes without login."""

import asyncio
import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from link_calls import expire, make, opened, refusal, soon, visit
from metadata_stack import Stack

from docstore_metadata.links.rules import Link, hash_of
from docstore_metadata.storage import Store
from docstore_platform.clock import rfc3339, utc_now
from docstore_platform.ids import new_id

pytestmark = pytest.mark.connected

CHEAP = {"argon2_memory_kib": 64, "argon2_passes": 1}


async def test_a_repeated_call_makes_no_second_link(running: Stack) -> None:
    """The same Idempotency-Key and options return the same link and token; other options make a new link."""
    file = (await running.commit(running.item("/a.txt", b"a")))[0]["file"]
    path = f"/v1/files/{file['id']}/links"

    async def make_with(key: str, **options: Any) -> Any:
        return (await running.person.send("POST", path, options, idempotency_key=key)).json()

    made = await asyncio.gather(*(make_with("k-1", max_downloads=3) for _ in range(4)))
    assert len({(link["id"], link["token"]) for link in made}) == 1
    others = [await make_with("k-2", max_downloads=3), await make_with("k-1", max_downloads=4)]
    assert len({link["id"] for link in [made[0], *others]}) == 3
    assert len((await running.person.ok("GET", path))["items"]) == 3


async def test_a_link_is_made_opened_and_counted(running: Stack) -> None:
    """Only the first response has the token, each has the URL; with it one sees the file and gets its content."""
    item = running.item("/report.pdf", b"content", content_type="application/pdf")
    await running.store_object(item, b"content")
    file = (await running.commit(item))[0]["file"]
    end = soon(days=3)
    answer = await running.person.send(
        "POST", f"/v1/files/{file['id']}/links", {"name": "for Bo", "expires_at": end, "max_downloads": 5}
    )
    assert (answer.status, answer.headers["cache-control"]) == (201, "private, no-store")
    link = answer.json()
    assert link["url"] == f"{running.infra.public_url}/l/{link['token']}"
    base = f"/v1/links/{link['token']}"
    shown = await opened(running, link)
    assert shown["file"] == {
        "id": file["id"],
        "name": "report.pdf",
        "kind": "file",
        "size": 7,
        "content_type": "application/pdf",
        "modified_at": file["modified_at"],
    }
    assert shown["downloads_left"] == 5
    content = await visit(running, "GET", f"{base}/content")
    assert (content.status, content.headers["cache-control"]) == (302, "private, no-store")
    assert "response-content-disposition=attachment" in content.headers["location"]
    assert "X-Amz-Expires=60" in content.headers["location"]
    kept = await running.person.ok("GET", f"/v1/files/{file['id']}/links/{link['id']}")
    assert kept == {name: value for name, value in link.items() if name != "token"} | {
        "opens": 1,
        "downloads": 1,
    }
    assert (await running.person.ok("GET", f"/v1/files/{file['id']}/links"))["items"] == [kept]
    row = await running.database["links"].find_one({"_id": link["id"]})
    assert link["token"] not in repr(row)  # kept as a hash, and encrypted
    assert row["token"] == hash_of(link["token"])
    assert await running.events(link["id"]) == ["link-created", "link-opened"]
    event = await running.event(link["id"], "link-opened")
    assert (event["opens"], event["file_name"]) == (1, "report.pdf")
    assert event["ancestors"] == [running.person.account_id]
    assert rfc3339(datetime.fromisoformat(event["expires_at"])) == end


async def test_only_the_owner_manages_links(running: Stack) -> None:
    """Other accounts get 404; the root can't be shared."""
    file = await running.put("/a.txt")
    link = await make(running, file)
    base = f"/v1/files/{file['id']}/links"
    for method, path in (("POST", base), ("GET", base), ("GET", f"{base}/{link['id']}")):
        assert await running.other.refused(method, path, {}) == (404, "not_found")
    for method in ("PATCH", "DELETE"):
        assert await running.other.refused(method, f"{base}/{link['id']}", {}) == (404, "not_found")
        assert await running.person.refused(method, f"{base}/nothing", {}) == (404, "not_found")
    root = running.person.account_id
    await running.person.names()
    assert await running.person.refused("POST", f"/v1/files/{root}/links", {}) == (409, "not_shareable")


@pytest.mark.parametrize("role", ["viewer", "editor"])
async def test_readers_can_not_manage_links(fresh: Stack, role: str) -> None:
    """Making, listing, changing and revoking a link are 403."""
    await fresh.register(fresh.other, "bo@example.org")
    file = await fresh.put("/shared.txt")
    link = await make(fresh, file)
    await fresh.person.ok("POST", f"/v1/files/{file['id']}/shares", {"email": "bo@example.org", "role": role})
    await fresh.other.get(file)
    base = f"/v1/files/{file['id']}/links"
    refused = (403, "owner_only" if role == "editor" else "read_only")
    for method, path in (
        ("POST", base),
        ("GET", base),
        *((m, f"{base}/{link['id']}") for m in ("GET", "PATCH", "DELETE")),
    ):
        assert await fresh.other.refused(method, path, {}) == refused
    assert await fresh.database["links"].count_documents({}) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2199-01-01T00:00:00Z"},
        {"expires_at": "9999-12-31T23:59:59-12:00"},
        {"expires_at": "2027-01-01T00:00:00"},
        {"max_downloads": 0},
        {"password": ""},
        {"password": "x" * 201},
        {"name": "two\nlines"},
    ],
)
async def test_invalid_options_of_a_link_are_refused(running: Stack, options: Any) -> None:
    """An end in the past or beyond ten years, zero downloads, an empty password: 422."""
    file = await running.put(f"/{new_id()}.txt")
    path = f"/v1/files/{file['id']}/links"
    answer = await running.person.send("POST", path, options)
    assert answer.status == 422, answer.body


async def test_an_unpaired_surrogate_in_a_password_is_refused(running: Stack) -> None:
    """JSON can contain it, but it can't be hashed."""
    link = await make(running, await running.put("/a.txt"))
    assert (await visit(running, "POST", f"/v1/links/{link['token']}/open", b'{"password":"\\ud800"}')).status == 422


async def test_all_closed_links_get_the_same_404(running: Stack) -> None:
    """Unknown, revoked, expired, used up, and links to the trash, on every route."""
    answers = set()
    file = await running.put("/gone.txt")
    links = [await make(running, file, max_downloads=1) for _ in range(3)]
    revoked, expired, used_up = links
    await running.person.ok("DELETE", f"/v1/files/{file['id']}/links/{revoked['id']}")
    await expire(running, expired)
    assert (await visit(running, "GET", f"/v1/links/{used_up['token']}/content")).status == 302
    trashed = await running.put("/trashed/in.txt")
    in_trash = await make(running, trashed)
    folder = await running.person.at("/trashed")
    await running.person.ok("DELETE", f"/v1/files/{folder['id']}")
    for token in ("unknown", *(link["token"] for link in (*links, in_trash))):
        for method, path in (("POST", "open"), ("GET", "content"), ("GET", "files")):
            answer = await visit(running, method, f"/v1/links/{token}/{path}")
            answers.add((answer.status, answer.body))
        pages = [await visit(running, "GET", f"/l/{token}{rest}") for rest in ("", "/download", "?grant=1.x")]
        answers |= {(page.status, page.body) for page in pages}
    assert len(answers) == 2, answers
    assert {status for status, _ in answers} == {404}
    await running.person.ok("POST", f"/v1/files/{folder['id']}/restore")
    await opened(running, in_trash)


async def test_a_download_limit_holds_for_concurrent_downloads(running: Stack) -> None:
    """Of fifty, exactly the allowed number succeeds."""
    file = await running.put("/wanted.txt")
    link = await make(running, file, max_downloads=7)
    calls = (visit(running, "GET", f"/v1/links/{link['token']}/content") for _ in range(50))
    statuses = [answer.status for answer in await asyncio.gather(*calls)]
    assert (statuses.count(302), statuses.count(404)) == (7, 43)
    row = await running.database["links"].find_one({"_id": link["id"]})
    assert row["downloads"] == 7


@pytest.mark.parametrize("seed", range(5))
async def test_the_download_query_agrees_with_the_rule(running: Stack, seed: int) -> None:
    """For any limits, and around the moment of expiry."""
    links, now = Store.in_mongo(running.database, lease_seconds=30).links, utc_now()
    dice = random.Random(seed)
    for _ in range(40):
        limit = dice.choice([None, 1, 2, 3])
        ahead = dice.choice([None, -1000, -1, 0, 1, 1000])
        link = Link(
            id=new_id(),
            token_hash=new_id(),
            node_id="n",
            owner_id="o",
            name="",
            created_at=now,
            expires_at=None if ahead is None else now + timedelta(milliseconds=ahead),
            max_downloads=limit,
            downloads=dice.randrange(5),
        )
        await links.insert(link, None)
        assert await links.count_downloads(link.id, 1, now) is link.opens_at(now), link


async def test_a_password_opens_a_link_and_its_grant_replaces_it(stack: Stack) -> None:
    """403 without or with a wrong password; the grant works as query parameter or header, forged ones do not."""
    async with stack.run(**CHEAP):
        file = await stack.put("/secret.txt")
        link = await make(stack, file, password="café")
        other = await make(stack, file, password="café")
        base = f"/v1/links/{link['token']}"
        assert link["has_password"] is True
        for body, reason in ((b"{}", "needed"), (b'{"password":"wrong"}', "wrong")):
            answer = await visit(stack, "POST", f"{base}/open", body)
            assert (answer.status, answer.json()["code"], answer.json()["reason"]) == (403, "link_password", reason)
        right = '{"password":"cafe\u0301"}'.encode()
        grant = (await visit(stack, "POST", f"{base}/open", right)).json()["grant"]
        others = (await visit(stack, "POST", f"/v1/links/{other['token']}/open", right)).json()["grant"]
        until, _, signature = grant.partition(".")
        for bad in ("", others, f"{int(until) + 600}.{signature}", f"{until}.{'A' * 43}", "x" * 150):
            assert await refusal(stack, "GET", f"{base}/content?grant={bad}") == (403, "link_password")
        assert (await visit(stack, "GET", f"{base}/content?grant={grant}")).status == 302
        assert (await visit(stack, "GET", f"{base}/content", x_link_grant=grant)).status == 302
        row = await stack.database["links"].find_one({"_id": link["id"]})
        assert row["password"].startswith("$argon2id$")
        assert row["downloads"] == 2
        links = f"/v1/files/{file['id']}/links/{link['id']}"
        await stack.person.ok("PATCH", links, {"password": "another"})
        assert await refusal(stack, "GET", f"{base}/content?grant={grant}") == (403, "link_password")
        assert (await stack.person.ok("PATCH", links, {"password": None}))["has_password"] is False
        assert (await visit(stack, "GET", f"{base}/content")).status == 302


async def test_guessing_a_link_password_is_throttled(stack: Stack) -> None:
    """After some wrong ones even the right one waits: per link and address, across instances."""
    async with stack.run(**CHEAP, link_failures=3):
        file = await stack.put("/secret.txt")
        link, other = await make(stack, file, password="right"), await make(stack, file, password="right")
        path, right = f"/v1/links/{link['token']}/open", b'{"password":"right"}'
        for _ in range(3):
            assert (await visit(stack, "POST", path, b'{"password":"wrong"}')).status == 403
        answer = await visit(stack, "POST", path, right)
        assert (answer.status, answer.json()["code"]) == (429, "too_many_failures")
        assert 0 < int(answer.headers["retry-after"]) <= 900
        page = await visit(stack, "POST", f"/l/{link['token']}", b"password=right")
        assert (page.status, page.headers["retry-after"]) == (429, answer.headers["retry-after"])
        assert (await visit(stack, "POST", path, right, x_forwarded_for="5.6.7.8")).status == 200
        assert (await visit(stack, "POST", f"/v1/links/{other['token']}/open", right)).status == 200


async def test_a_folder_link_lists_only_what_is_below(running: Stack) -> None:
    """Folders first; nodes beside, above or in the trash are 404. A folder has no content."""
    for name in ("a.txt", "b.txt", "deep/c.txt", "z.txt"):
        await running.put(f"/open/{name}")
    beside = await running.put("/beside.txt")
    folder = await running.person.at("/open")
    link = await make(running, folder)
    base = f"/v1/links/{link['token']}"
    shown = await opened(running, link)
    assert [item["name"] for item in shown["items"]] == ["deep", "a.txt", "b.txt", "z.txt"]
    assert set(shown["items"][0]) == {"id", "name", "kind", "size", "content_type", "modified_at"}
    first = (await visit(running, "GET", f"{base}/files?limit=3")).json()
    second = (await visit(running, "GET", f"{base}/files?limit=3&cursor={first['next_cursor']}")).json()
    assert [item["name"] for item in (*first["items"], *second["items"])] == ["deep", "a.txt", "b.txt", "z.txt"]
    assert second["next_cursor"] is None
    deep = (await visit(running, "GET", f"{base}/files?parent_id={first['items'][0]['id']}")).json()["items"][0]
    assert (await visit(running, "GET", f"{base}/content?file_id={deep['id']}")).status == 302
    assert await refusal(running, "GET", f"{base}/content") == (409, "not_a_file")
    assert await refusal(running, "GET", f"{base}/files?parent_id={deep['id']}") == (409, "not_a_folder")
    gone = first["items"][1]["id"]
    await running.person.ok("DELETE", f"/v1/files/{gone}")
    for hidden in (beside["id"], running.person.account_id, gone, "nothing"):
        assert await refusal(running, "GET", f"{base}/content?file_id={hidden}") == (404, "not_found")
        assert await refusal(running, "GET", f"{base}/files?parent_id={hidden}") == (404, "not_found")
    assert (await running.person.ok("GET", f"/v1/files/{folder['id']}/links/{link['id']}"))["downloads"] == 1
