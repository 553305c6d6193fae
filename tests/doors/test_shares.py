"""Files and folders that others share, in the folder `Shares`."""

import asyncio
from xml.etree import ElementTree

import pytest
from dav_accounts import DavAccount
from people import Person, SignUp

from docstore_platform.testing import eventually

pytestmark = pytest.mark.doors
QUERY = b"""<propfind xmlns="DAV:" xmlns:oc="http://owncloud.org/ns"><prop><displayname/><oc:permissions/>
<quota-available-bytes/></prop></propfind>"""


async def listed(dav: DavAccount, path: str) -> dict[str, str]:
    """The names at a path and below, with their permissions."""
    status, _, body = await dav.request("PROPFIND", path, QUERY, depth="1")
    assert status == 207, body
    found = [
        (each.findtext(".//{DAV:}displayname") or "", each.findtext(".//{http://owncloud.org/ns}permissions") or "")
        for each in ElementTree.fromstring(body).iter("{DAV:}response")
    ]
    return dict(found)


async def shared_by(owner: Person, path: str, reader: Person, role: str) -> str:
    folder = await owner.call("POST", "/v1/folders", {"path": path})
    await owner.upload(f"{path}/of the owner.txt", b"owner")
    await owner.call("POST", f"/v1/files/{folder['id']}/shares", {"email": reader.email, "role": role})
    return str(folder["id"])


async def test_shared_folders_are_used_by_role(dav: DavAccount, sign_up: SignUp) -> None:
    """An editor writes, at the owner's expense; a viewer reads. Both see nothing else, and can't remove the share."""
    bert = await sign_up("bert", "premium")
    await dav.request("PUT", "/own.txt", b"own")
    assert set(await listed(dav, "/")) == {"", "own.txt"}
    await dav.person.verify_email()
    await shared_by(bert, "/plans", dav.person, "editor")
    await shared_by(bert, "/more/plans", dav.person, "viewer")
    await bert.upload("/secret.txt", b"canary")

    async def both_are_received() -> bool:
        return len((await dav.person.call("GET", "/v1/shared-with-me"))["items"]) == 2

    await eventually(both_are_received)  # by the event of the verified address
    assert set(await listed(dav, "/")) == {"", "own.txt", "Shares"}
    shares = await listed(dav, "/Shares")
    assert shares == {"Shares": "S", "plans": "SCK", "plans (2)": "S"}
    assert await listed(dav, "/Shares/plans") == {"plans": "SCK", "of the owner.txt": "SNVW"}

    used = (await bert.usage())["used"]
    assert (await dav.request("PUT", "/Shares/plans/new.txt", b"12345"))[0] == 201
    assert (await dav.request("PUT", "/Shares/plans/of%20the%20owner.txt", b"edited"))[0] == 204
    paths = ["/at-once.txt", "/Shares/plans/one.txt", "/Shares/plans/two.txt", "/Shares/plans%20(2)/three.txt"]
    at_once = await asyncio.gather(*(dav.request("PUT", path, b"x") for path in paths))
    assert [status for status, _, _ in at_once] == [201, 201, 201, 403]
    assert (await dav.request("MKCOL", "/Shares/plans/inner"))[0] == 201
    new = f"{dav.url}/Shares/plans/inner/moved.txt"
    assert (await dav.request("MOVE", "/Shares/plans/new.txt", destination=new))[0] == 201
    assert (await dav.request("GET", "/Shares/plans/inner/moved.txt"))[2] == b"12345"
    assert (await dav.request("COPY", "/Shares/plans/inner/moved.txt", destination=f"{dav.url}/mine.txt"))[0] == 201
    assert await bert.names("/plans/inner") == ["moved.txt"]

    async def bert_pays() -> bool:
        return bool((await bert.usage())["used"] > used)

    await eventually(bert_pays)
    assert (await dav.request("DELETE", "/Shares/plans/inner/moved.txt"))[0] == 204

    assert (await dav.request("GET", "/Shares/plans%20(2)/of%20the%20owner.txt"))[2] == b"owner"
    refused = [
        ("PUT", "/Shares/plans%20(2)/new.txt", b"x", {}, 403),
        ("MKCOL", "/Shares/plans%20(2)/new", None, {}, 403),
        ("DELETE", "/Shares/plans%20(2)/of%20the%20owner.txt", None, {}, 403),
        ("PUT", "/Shares/new.txt", b"x", {}, 403),
        ("MKCOL", "/Shares/new", None, {}, 403),
        ("MKCOL", "/Shares", None, {}, 405),
        ("DELETE", "/Shares", None, {}, 403),
        ("DELETE", "/Shares/plans", None, {}, 403),
        ("MOVE", "/Shares", None, {"destination": f"{dav.url}/other"}, 403),
        ("MOVE", "/own.txt", None, {"destination": f"{dav.url}/Shares"}, 403),
        ("GET", "/Shares/secret.txt", None, {}, 404),
        ("GET", "/Shares/plans/../secret.txt", None, {}, 400),
        ("GET", "/Shares/none/secret.txt", None, {}, 404),
    ]
    for method, path, data, headers, expected in refused:
        status, _, body = await dav.request(method, path, data, **headers)
        assert status == expected, (method, path, status, body)
    assert b"canary" not in (await dav.request("PROPFIND", "/Shares", depth="1"))[2]


async def test_a_folder_of_ones_own_hides_the_shares(dav: DavAccount, sign_up: SignUp) -> None:
    """What one has named `Shares` stays what it is."""
    bert = await sign_up("bert", "premium")
    await dav.person.verify_email()
    await dav.person.upload("/Shares/mine.txt", b"mine")
    await shared_by(bert, "/plans", dav.person, "viewer")
    assert set(await listed(dav, "/Shares")) == {"Shares", "mine.txt"}
    assert (await dav.request("GET", "/Shares/plans/of%20the%20owner.txt"))[0] == 404
    assert (await dav.request("PUT", "/Shares/plans", b"x"))[0] == 201
