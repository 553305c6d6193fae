"""Invalid input is refused with a clear code and leaves nothing behind."""

from typing import Any
from urllib.parse import quote

import pytest
from people import Person

from docstore_cli.api import ApiError
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

TIB = 1 << 40
BAD_PATHS = {
    "empty": "",
    "relative": "letters/a.txt",
    "parent": "/letters/../a.txt",
    "only the parent": "/..",
    "here": "/./a.txt",
    "empty name": "/letters//a.txt",
    "ends in a slash": "/letters/",
    "NUL": "/a\x00.txt",
    "bell": "/a\x07.txt",
    "line feed": "/a\n.txt",
    "delete": "/a\x7f.txt",
    "C1 control": "/a\x85.txt",
    "5,000 characters": "/" + "a" * 5000,
    "256 bytes": "/" + "a" * 256,
    "256 bytes of UTF-8": "/" + "ü" * 128,
    "not NFC": "/cafe\u0301.txt",
    "not NFC, Hangul": "/\u1112\u1161\u11ab.txt",
    "65 levels": "/a" * 65,
}


@pytest.mark.parametrize("path", BAD_PATHS.values(), ids=BAD_PATHS.keys())
async def test_path_tricks(ada: Person, path: str) -> None:
    """422 invalid_path wherever a path or a name is taken; nothing is made and nothing reserved."""
    file = await ada.upload("/good.txt", b"x")
    refused = (422, "invalid_path")
    assert await ada.refused("POST", "/v1/uploads", {"path": path, "size": 1, "method": "put"}) == refused
    assert await ada.refused("POST", "/v1/folders", {"path": path}) == refused
    assert await ada.refused("POST", f"/v1/files/{file['id']}/copy", {"path": path}) == refused
    assert await ada.refused("GET", f"/v1/files/by-path?path={quote(path, safe='')}") == refused
    name = path.removeprefix("/")
    if path not in ("/" + "a" * 5000,) and name.count("/") < 2:
        assert await ada.refused("PATCH", f"/v1/files/{file['id']}", {"name": name}) == refused
    batch = await ada.call("POST", "/v1/uploads/batch", {"uploads": [{"path": path, "size": 1, "method": "put"}]})
    assert batch["items"][0]["problem"]["code"] == "invalid_path"
    assert await ada.names() == ["good.txt"]
    await ada.counted(1)


async def test_half_a_character_is_no_name(ada: Person) -> None:
    """JSON can name a lone surrogate, which no name may have."""
    answer = await ada.ask("POST", "/v1/folders", None)
    assert answer.status == 422
    async with ada._session.post(
        f"{ada.gateway}/v1/folders",
        data=rb'{"path": "/\ud800"}',
        headers={**ada.headers, "content-type": "application/json"},
    ) as raw:
        assert raw.status == 422
        assert (await raw.json(content_type=None))["code"] in {"invalid_path", "invalid_request"}


async def test_names_that_look_alike_stay_one_name(ada: Person) -> None:
    """Only the composed form can be stored, so two files never differ in their Unicode form alone."""
    await ada.upload("/caf\u00e9.txt", b"x")
    decomposed = {"path": "/cafe\u0301.txt", "size": 1, "method": "put"}
    assert await ada.refused("POST", "/v1/uploads", decomposed) == (422, "invalid_path")
    assert await ada.names() == ["caf\u00e9.txt"]


@pytest.mark.parametrize(
    "name", ["a" * 255, "ü" * 127, "con", "a b  c", " leading", "...", "🦭.txt", "%2e%2e", "a\\b", "*?<>|:\"'"]
)
async def test_names_that_are_allowed(ada: Person, name: str) -> None:
    """Odd, but within the rules: stored, listed, renamed to and read back unchanged."""
    file = await ada.upload(f"/odd/{name}", b"x")
    assert file["name"] == name
    assert await ada.names("/odd") == [name]
    assert (await ada.call("GET", f"/v1/files/by-path?path={quote('/odd/' + name)}"))["id"] == file["id"]
    assert await ada.content(file["id"]) == b"x"


@pytest.mark.parametrize(
    ("size", "method", "refused"),
    [
        (-1, "put", (422, "invalid_size")),
        (5 * TIB + 1, "multipart", (422, "invalid_size")),
        (2**63, "multipart", (422, "invalid_size")),
        (1.5, "put", (422, "invalid_request")),
        ("1", "put", (422, "invalid_request")),
        (True, "put", (422, "invalid_request")),
        (None, "put", (422, "invalid_request")),
        (6 << 30, "put", (422, "too_large_for_method")),
        (6 << 30, "form", (422, "too_large_for_method")),
        (5 * TIB, "multipart", (507, "over_quota")),
    ],
)
async def test_absurd_sizes(ada: Person, size: Any, method: str, refused: tuple[int, str]) -> None:
    """Refused before anything is reserved."""
    body = {"path": "/absurd.bin", "size": size, "method": method}
    assert await ada.refused("POST", "/v1/uploads", body) == refused
    assert (await ada.usage())["reserved"] == 0


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"method": "carrier pigeon"}, "unsupported_method"),
        ({"sha256": "xyz"}, "invalid_sha256"),
        ({"content_type": "text/html\r\nx: y"}, "invalid_content_type"),
        ({"tags": ["x" * 65]}, "invalid_tags"),
        ({"tags": ["a\x00b"]}, "invalid_tags"),
        ({"file_id": "and a path"}, "invalid_request"),
        ({"on_conflict": "shrug"}, "invalid_request"),
        ({"base_version": -1}, "invalid_request"),
    ],
)
async def test_wishes_that_make_no_sense(ada: Person, wish: dict[str, Any], code: str) -> None:
    """Each has a code of its own."""
    body = {"path": "/a.txt", "size": 1, "method": "put", **wish}
    assert await ada.refused("POST", "/v1/uploads", body) == (422, code)


@pytest.mark.parametrize("method", ["form", "put"])
async def test_more_bytes_than_declared_are_not_taken(ada: Person, method: str) -> None:
    """The store refuses them, so that there is nothing to complete."""
    upload = await ada.begin("/small.txt", 4, method)
    if method == "put":
        upload["put"]["headers"] = {
            name: value for name, value in upload["put"]["headers"].items() if name.lower() != "content-length"
        }
    with pytest.raises(ApiError, match="object_store"):
        await ada.send(upload, b"far more than four")
    assert await ada.refused("POST", f"/v1/uploads/{upload['id']}/complete", {}) == (409, "upload_incomplete")
    assert await ada.names() == []


async def test_other_bytes_than_declared_are_not_kept(ada: Person) -> None:
    """A wrong checksum never becomes a file, whichever way the bytes came, and its room is given back."""
    wrong = "0" * 64
    upload = await ada.begin("/wrong.bin", 4, "multipart", sha256=wrong)
    done = await ada.send(upload, b"text")
    assert await ada.refused("POST", f"/v1/uploads/{upload['id']}/complete", done) == (409, "upload_mismatch")
    for method in ("form", "put"):
        upload = await ada.begin("/wrong.bin", 4, method, sha256=wrong)
        with pytest.raises(ApiError, match="object_store"):
            await ada.send(upload, b"text")
        await ada.call("DELETE", f"/v1/uploads/{upload['id']}")
    assert await ada.names() == []
    await ada.counted(0)


async def test_complete_twice_is_one_version(ada: Person) -> None:
    """The second answer is the first, and only one version is kept."""
    upload = await ada.begin("/twice.txt", 1)
    await ada.send(upload, b"x")
    first = await ada.complete(upload)
    second = await ada.complete(upload)
    assert first["id"] == second["id"]
    assert first["version"] == second["version"] == 1
    assert len(await ada.every(f"/v1/files/{first['id']}/versions")) == 1
    await ada.counted(1)


async def test_broken_documents_are_stored_and_found_by_name(grace: Person) -> None:
    """A corrupt PDF harms no one: it is kept, found by its name, and what comes after it is indexed."""
    await grace.upload("/corrupt stork.pdf", b"%PDF-1.7\n" + bytes(500), content_type="application/pdf")
    await grace.upload("/fine.txt", b"a fine bittern", content_type="text/plain")
    await grace.found("stork", "/corrupt stork.pdf")
    await grace.found("bittern", "/fine.txt", **{"in": "content"})


async def test_no_dead_letters(admin: Person, ada: Person) -> None:
    """Nothing that these people did was too much for a consumer."""
    await ada.upload("/last.txt", b"x")
    await ada.counted(1)

    async def letters() -> bool:
        page = await admin.call("GET", "/v1/admin/dead-letters")
        assert page["unreachable"] == []
        assert page["items"] == []
        return True

    await eventually(letters)
