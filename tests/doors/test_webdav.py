"""WebDAV by plain requests: what it refuses, what locks hold against, what a broken connection leaves."""

import asyncio
import hashlib
import os
from base64 import b64encode
from collections.abc import AsyncIterator
from xml.etree import ElementTree

import pytest
from dav_accounts import DavAccount
from people import PASSWORD

from docstore_platform.testing import eventually

pytestmark = pytest.mark.doors
MIB = 1 << 20
BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<propfind xmlns="DAV:"><prop><x>&b;</x></prop></propfind>"""
LOCK = b"""<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>"""


async def test_only_an_app_password_logs_in(dav: DavAccount) -> None:
    """Not the account's own, no cookie, no token without the scope; the answer lets a file manager ask."""
    status, headers, _ = await dav.request("PROPFIND", "/", authorization="", depth="0")
    assert (status, headers["www-authenticate"][:5]) == (401, "Basic")
    own = "Basic " + b64encode(f"{dav.person.email}:{PASSWORD}".encode()).decode()
    assert (await dav.request("PROPFIND", "/", authorization=own, depth="0"))[0] == 401
    cookie = f"docstore_access={dav.person.access_token}"
    assert (await dav.request("PROPFIND", "/", authorization="", cookie=cookie, depth="0"))[0] == 401
    reader = f"Bearer {await dav.new_password('files:read')}"
    assert (await dav.request("PROPFIND", "/", authorization=reader, depth="0"))[0] == 207
    assert (await dav.request("PUT", "/a", b"x", authorization=reader))[0] == 403
    assert (await dav.request("LOCK", "/a", LOCK, authorization=reader))[0] == 403
    status, headers, _ = await dav.request("OPTIONS", "/", authorization="")
    assert (status, headers["dav"], headers["ms-author-via"]) == (200, "1, 2, 3", "DAV")
    assert "PROPFIND" in headers["allow"]


async def test_a_request_that_asks_for_too_much_is_refused(dav: DavAccount) -> None:
    """Depth infinity, entities, huge bodies, parts of files, destinations elsewhere: each with its status."""
    await dav.request("PUT", "/file", b"content")
    status, _, body = await dav.request("PROPFIND", "/")
    assert status == 403
    assert b"propfind-finite-depth" in body
    refused = [
        ("PROPFIND", "/", BOMB, {"depth": "0"}, 400),
        ("PROPPATCH", "/file", BOMB, {}, 400),
        ("LOCK", "/file", BOMB, {}, 400),
        ("PROPFIND", "/", b'<propfind xmlns="DAV:">' + b"<prop>" * 40, {"depth": "0"}, 400),
        ("PROPFIND", "/", b" " * (300 * 1024), {"depth": "0"}, 413),
        ("PUT", "/file", b"x", {"content-range": "bytes 0-0/7"}, 400),
        ("PUT", "/file", b"x", {"oc-checksum": "SHA1:00"}, 400),
        ("PUT", "/none/file", b"x", {}, 409),
        ("PUT", "/a%2Fb", b"x", {}, 400),
        ("PUT", "/a%00", b"x", {}, 400),
        ("MKCOL", "/none/folder", None, {}, 409),
        ("MKCOL", "/file", None, {}, 405),
        ("MKCOL", "/new", b"<x/>", {}, 415),
        ("COPY", "/file", None, {"destination": "http://evil.example/dav/x"}, 502),
        ("MOVE", "/file", None, {"destination": f"{dav.gateway}/v1/files"}, 502),
        ("MOVE", "/file", None, {"destination": f"{dav.url}/../internal"}, 400),
        ("MOVE", "/file", None, {"destination": f"{dav.url}/x%2f..%2fy"}, 400),
        ("MOVE", "/file", None, {"destination": f"{dav.url}/%2e%2e/v1/files"}, 400),
        ("MOVE", "/file", None, {"destination": f"{dav.url}/a%5cb"}, 400),
        ("MOVE", "/file", None, {"destination": f"http://{dav.gateway[7:]}@evil.example/dav/x"}, 502),
        ("MOVE", "/file", None, {"destination": f"{dav.gateway}/dav/../remote.php/dav/files/other/x"}, 400),
        ("MOVE", "/file", None, {"destination": f"{dav.gateway}/remote.php/dav/files/other/x"}, 403),
        ("MOVE", "/file", None, {"destination": f"{dav.url}/none/x"}, 409),
        ("MOVE", "/file", None, {}, 400),
        ("DELETE", "/", None, {}, 403),
        ("POST", "/file", b"x", {}, 405),
        ("GET", "/none", None, {}, 404),
    ]
    for method, path, data, headers, expected in refused:
        status, _, body = await dav.request(method, path, data, **headers)
        assert status == expected, (method, path, headers, status, body)
    assert await dav.person.names() == ["file"]
    assert (await dav.request("GET", "/file"))[2] == b"content"


async def test_a_get_answers_ranges_and_conditions(dav: DavAccount) -> None:
    """With an ETag that changes with the content, of objects and of packed contents alike."""
    content = os.urandom(2 * MIB)
    _, stored, _ = await dav.request("PUT", "/data", content, x_oc_mtime="1000000000")
    assert stored["x-oc-mtime"] == "accepted"
    status, headers, body = await dav.request("GET", "/data", range="bytes=10-19")
    assert (status, body, headers["etag"]) == (206, content[10:20], stored["etag"])
    assert headers["last-modified"] == "Sun, 09 Sep 2001 01:46:40 GMT"
    assert headers["oc-checksum"] == f"SHA256:{hashlib.sha256(content).hexdigest()}"
    assert (await dav.request("GET", "/data", range="bytes=-3"))[2] == content[-3:]
    assert (await dav.request("GET", "/data", range="bytes=99999999-"))[0] == 416
    assert (await dav.request("GET", "/data", if_none_match=stored["etag"]))[0] == 304
    assert (await dav.request("GET", "/data", range="bytes=0-1", if_range='"old"'))[0] == 200
    assert (await dav.request("PUT", "/data", b"x", if_match='"old"'))[0] == 412
    assert (await dav.request("PUT", "/data", b"x", if_none_match="*"))[0] == 412
    assert (await dav.request("PUT", "/data", b"x", if_match=stored["etag"]))[0] == 204
    status, headers, _ = await dav.request("HEAD", "/data")
    assert (status, headers["content-length"]) == (200, "1")
    assert headers["etag"] != stored["etag"]


async def test_a_lock_holds_against_the_api(dav: DavAccount) -> None:
    """Rename and deletion are refused; an upload becomes a conflicted copy, or is refused if the client wants that."""
    await dav.request("PUT", "/plan", b"1")
    status, headers, _ = await dav.request("LOCK", "/plan", LOCK, timeout="Second-60", depth="0")
    assert status == 200
    token = headers["lock-token"]
    file = await dav.person.call("GET", "/v1/files/by-path?path=/plan")
    route = f"/v1/files/{file['id']}"
    assert await dav.person.refused("PATCH", route, {"name": "other"}) == (423, "locked")
    assert await dav.person.refused("DELETE", route) == (423, "locked")
    wish = {"path": "/plan", "size": 1, "method": "put"}
    assert await dav.person.refused("POST", "/v1/uploads", {**wish, "on_conflict": "fail"}) == (423, "locked")
    upload = await dav.person.begin("/plan", 1)
    await dav.person.put_once(upload["put"], b"2")
    assert "conflicted copy" in (await dav.person.complete(upload))["name"]
    assert (await dav.request("PUT", "/plan", b"3"))[0] == 423
    assert (await dav.request("PUT", "/plan", b"3", **{"if": f"({token})"}))[0] == 204
    assert (await dav.request("UNLOCK", "/plan", lock_token=token))[0] == 204
    assert (await dav.request("PUT", "/plan", b"4"))[0] == 204


async def test_a_flood_of_locks_is_refused(dav: DavAccount) -> None:
    """A file has a few shared locks at most; the rest are refused, and those taken can be released."""
    await dav.request("PUT", "/plan", b"1")
    shared = LOCK.replace(b"exclusive", b"shared")
    answers = await asyncio.gather(*(dav.request("LOCK", "/plan", shared, depth="0") for _ in range(40)))
    tokens = [headers["lock-token"] for status, headers, _ in answers if status == 200]
    assert len(tokens) == 32
    assert {status for status, _, _ in answers} == {200, 413}
    for token in tokens:
        assert (await dav.request("UNLOCK", "/plan", lock_token=token))[0] == 204
    assert (await dav.request("PUT", "/plan", b"2"))[0] == 204


async def test_a_put_that_breaks_off_leaves_nothing(dav: DavAccount) -> None:
    """No file, no reserved quota; the same PUT succeeds afterwards."""
    content = os.urandom(3 * MIB)

    async def half() -> AsyncIterator[bytes]:
        yield content[:MIB]
        await asyncio.sleep(0.2)
        raise ConnectionResetError

    with pytest.raises(Exception, match=r".*"):
        await dav.request("PUT", "/broken", half(), content_length=str(len(content)))

    async def nothing_is_left() -> bool:
        return (await dav.person.usage())["reserved"] == 0

    await eventually(nothing_is_left)
    assert await dav.person.names() == []
    assert (await dav.request("PUT", "/broken", content))[0] == 201
    assert (await dav.request("GET", "/broken"))[2] == content


async def test_what_is_replaced_is_in_the_trash(dav: DavAccount) -> None:
    """Overwrite F refuses; T replaces in one step."""
    await dav.request("PUT", "/new", b"new")
    await dav.request("PUT", "/old", b"old")
    destination = f"{dav.url}/old"
    assert (await dav.request("MOVE", "/new", destination=destination, overwrite="F"))[0] == 412
    assert (await dav.request("MOVE", "/new", destination=destination))[0] == 204
    assert await dav.person.names() == ["old"]
    assert (await dav.request("GET", "/old"))[2] == b"new"
    assert [item["name"] for item in (await dav.person.call("GET", "/v1/trash"))["items"]] == ["old"]


async def test_properties_and_quota_are_listed(dav: DavAccount) -> None:
    """Names that XML and URLs need escapes for come back as they were; RFC 4331 reports the free space."""
    name = "a&b <c> 'd\" ü#?%.txt"
    path = "/a%26b%20%3Cc%3E%20'd%22%20%C3%BC%23%3F%25.txt"
    await dav.request("PUT", path, b"x")
    query = b'<propfind xmlns="DAV:"><prop><displayname/><quota-available-bytes/><x xmlns="y"/></prop></propfind>'
    status, _, body = await dav.request("PROPFIND", "/", query, depth="1")
    assert status == 207
    found = ElementTree.fromstring(body)
    names = [each.text for each in found.iter("{DAV:}displayname")]
    assert name in names
    assert int(next(found.iter("{DAV:}quota-available-bytes")).text or 0) > 0
    patch = b'<propertyupdate xmlns="DAV:"><set><prop><x xmlns="y">1</x></prop></set></propertyupdate>'
    assert (await dav.request("PROPPATCH", path, patch))[0] == 207
    _, _, body = await dav.request("PROPFIND", "/", query, depth="1")
    assert [each.text for each in ElementTree.fromstring(body).iter("{y}x")] == [None, "1"]
