"""Forms of open size, for browsers without script."""

from hashlib import sha256
from typing import Any

import orjson
import pytest
from upload_stack import Stack

from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

CONTENT = b"Dear reader,\n" * 100
MIB = 1 << 20


async def begin(stack: Stack, max_size: int = 5000, **wishes: Any) -> Any:
    body = {"path": f"/docs/{new_id()}.txt", "method": "form", "max_size": max_size, **wishes}
    return await stack.person.ok("POST", "/v1/uploads", body)


def landing(stack: Stack, upload: Any) -> str:
    """Where the store sends the browser, as the gateway passes it on."""
    return str(upload["form"]["fields"]["success_action_redirect"]).removeprefix(stack.infra.public_url)


@pytest.mark.parametrize("content", [b"", CONTENT, b"x" * 5000, CONTENT * 2000], ids=["none", "some", "full", "large"])
async def test_any_size_up_to_the_most_becomes_a_file(running: Stack, content: bytes) -> None:
    """What came is committed and published with its own size and checksum; the largest size was reserved."""
    most = max(5000, len(content))
    upload = await begin(running, most)
    assert (upload["size"], upload["max_size"]) == (None, most)
    assert running.services.quota.reserved == {upload["id"]: most}
    assert (await running.post(upload["form"], content))[0] == 303
    file = await running.person.ok("POST", f"/v1/uploads/{upload['id']}/complete")
    shown = await running.person.ok("GET", f"/v1/uploads/{upload['id']}")
    found = {"size": len(content), "sha256": sha256(content).hexdigest()}
    assert found.items() <= file.items()
    assert found.items() <= shown.items()
    assert found.items() <= running.services.metadata.committed[upload["id"]]["item"].items()
    assert await running.store.get(await running.committed_key(upload["id"])) == content
    initiated, completed = [orjson.loads(row["value"]) for row in await running.published(upload["id"])]
    assert (initiated["size"], completed["size"], completed["sha256"]) == (most, len(content), found["sha256"])


async def test_the_store_refuses_more(running: Stack) -> None:
    """One byte beyond the most: nothing is stored, and the form can be sent again."""
    upload = await begin(running, 100)
    status, _ = await running.post(upload["form"], b"x" * 101)
    assert status == 400
    assert await running.store.head(upload["form"]["fields"]["key"]) is None
    refused = await running.person.refused("POST", f"/v1/uploads/{upload['id']}/complete")
    assert refused == (409, "upload_incomplete")
    assert (await running.post(upload["form"], b"x" * 100))[0] == 303
    assert (await running.person.ok("POST", f"/v1/uploads/{upload['id']}/complete"))["size"] == 100


async def test_a_declared_checksum_holds(running: Stack) -> None:
    """A client that knows the content but not its size: other bytes are refused."""
    upload = await begin(running, sha256=sha256(CONTENT).hexdigest())
    await running.post(upload["form"], CONTENT[::-1])
    refused = await running.person.refused("POST", f"/v1/uploads/{upload['id']}/complete")
    assert refused[0] == 409
    other = await begin(running, sha256=sha256(CONTENT).hexdigest())
    assert (await running.post(other["form"], CONTENT))[0] == 303
    assert (await running.person.ok("POST", f"/v1/uploads/{other['id']}/complete"))["size"] == len(CONTENT)


async def test_the_browser_gets_a_plain_page(running: Stack) -> None:
    """Without a script there is no list to go to: the redirect answers what became of it, again and again the same."""
    upload = await begin(running, path="/docs/<b>Tea & cake.txt")
    waiting = await running.person.send("GET", landing(running, upload), login=False)
    assert (waiting.status, b"not all arrived" in waiting.body) == (409, True)
    _, location = await running.post(upload["form"], CONTENT)
    assert location is not None
    for _ in range(2):
        page = await running.person.send("GET", landing(running, upload), login=False)
        assert page.status == 200
        assert page.headers["content-type"].startswith("text/html")
        assert b"/docs/&lt;b&gt;Tea &amp; cake.txt, 1.3 KB, version 1" in page.body
        assert "unsafe" not in page.headers["content-security-policy"]
        assert (page.headers["content-language"], page.headers["vary"]) == ("en", "accept-language")


async def test_a_vanished_browsers_file_is_finished(stack: Stack) -> None:
    """ClientManifest, and closed before the redirect: the workflow finds the object and its size."""
    async with stack.run(looks=True):
        upload = await begin(stack)
        await stack.post(upload["form"], CONTENT)

        async def is_completed() -> bool:
            shown = await stack.person.ok("GET", f"/v1/uploads/{upload['id']}")
            return bool(shown["state"] == "completed" and shown["size"] == len(CONTENT))

        await eventually(is_completed)


async def test_one_that_is_never_sent_ends_soon(stack: Stack) -> None:
    """It holds room for the most, so it lives shorter than others; then its size is still not known."""
    async with stack.run(open_form_lifetime_seconds=0.5):
        upload = await begin(stack)
        other = await stack.person.initiate("form", CONTENT)

        async def is_expired() -> bool:
            return bool((await stack.person.ok("GET", f"/v1/uploads/{upload['id']}"))["state"] == "expired")

        await eventually(is_expired)
        assert (await stack.person.ok("GET", f"/v1/uploads/{upload['id']}"))["size"] is None
        assert (await stack.person.ok("GET", f"/v1/uploads/{other['id']}"))["state"] == "initiated"
        page = await stack.person.send("GET", landing(stack, upload), login=False)
        assert (page.status, b"has expired" in page.body) == (409, True)
    assert await stack.events(upload["id"]) == ["upload-initiated", "upload-expired"]


async def test_only_forms_and_only_so_much(stack: Stack) -> None:
    """Another method, both sizes, none, or more than the setting allows: 422, alone and in a batch."""
    wish = {"path": "/a.txt", "method": "form"}
    bad = [
        ({**wish, "method": "put", "max_size": 5}, "invalid_request"),
        ({**wish, "method": "multipart", "max_size": 5}, "invalid_request"),
        ({**wish, "size": 5, "max_size": 5}, "invalid_request"),
        (wish, "invalid_request"),
        ({**wish, "max_size": 0}, "invalid_size"),
        ({**wish, "max_size": MIB + 1}, "invalid_size"),
        ({**wish, "max_size": "5"}, "invalid_request"),
    ]
    async with stack.run(open_form_bytes=MIB):
        for body, code in bad:
            assert await stack.person.refused("POST", "/v1/uploads", body) == (422, code), body
        items = (await stack.person.ok("POST", "/v1/uploads/batch", {"uploads": [body for body, _ in bad]}))["items"]
        assert [item["problem"]["code"] for item in items] == [code for _, code in bad]
    assert stack.services.quota.reserved == {}
