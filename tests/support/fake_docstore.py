"""In-memory API and object store for transfer tests of the Python client."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson
import zstandard
from aiohttp import web
from local_server import served

from docstore_contents.packs import MAX_INDEX_BYTES, layout, read_index

Json = dict[str, Any]
NOW = "2026-11-21T00:00:00Z"


@dataclass
class FakeDocStore:
    """What it was sent is in its fields; `url` is where it listens."""

    objects: dict[str, bytes] = field(default_factory=dict)
    """The store: by key."""
    files: dict[str, Json] = field(default_factory=dict)
    blocks_of: dict[str, list[Json]] = field(default_factory=dict)
    slices: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Files in packs: the pack and where in it they begin."""
    begun: dict[str, Json] = field(default_factory=dict)
    packs: dict[str, dict[int, Json]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    """Blocks that were asked for, as often as they were."""
    fetched: list[tuple[str, str]] = field(default_factory=list)
    """Keys and ranges that were read from the store."""
    quota: int = 1 << 40
    strangers: set[str] = field(default_factory=set)
    """Paths in others' trees."""
    lengths: dict[str, int] = field(default_factory=dict)
    """Of the frames that will be sent, as clients said."""
    is_older: bool = False
    """Knows no `sizes` yet."""
    url: str = ""
    numbers: Any = field(default_factory=count)

    def frame(self, digest: str) -> bytes | None:
        return self.objects.get(f"blocks/{digest}")

    def add(self, content: bytes, path: str = "/file") -> Json:
        """A file that is there, as an object."""
        file = self._file({"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()})
        self.objects[f"files/{file['id']}"] = content
        return file

    def _file(self, wish: Mapping[str, Any]) -> Json:
        path = wish.get("path") or "/by-id"
        number = next(self.numbers)
        file = {
            "id": f"file{number:08}", "kind": "file", "name": path.rpartition("/")[2], "path": path,
            "parent_id": "root",
            "size": wish["size"], "content_type": None, "sha256": wish["sha256"], "version": 1, "tags": [],
            "owner_id": "root", "permission": "owner", "created_at": NOW, "modified_at": NOW, "modified_by": "ada",
            "etag": "1",
        }  # fmt: skip
        self.files[file["id"]] = file
        return file

    def _target(self, key: str) -> Json:
        return {"url": f"{self.url}/store/{key}", "headers": {"x-signed": "yes"}}

    # --- the object store --------------------------------------------------------------------------------

    async def put(self, request: web.Request) -> web.Response:
        assert request.headers["x-signed"] == "yes"
        assert request.content_length is not None
        key = request.match_info["key"]
        expected = self.lengths.get(key.removeprefix("blocks/"))
        if expected not in (None, request.content_length):
            return web.Response(status=403)
        self.objects[key] = await request.read()
        return web.Response()

    async def get(self, request: web.Request) -> web.Response:
        key, wanted = request.match_info["key"], request.headers.get("range", "")
        self.fetched.append((key, wanted))
        if key not in self.objects:
            return web.Response(status=404)
        return ranged(self.objects[key], wanted)

    # --- uploads -----------------------------------------------------------------------------------------

    async def me(self, _: web.Request) -> web.Response:
        usage = {"used": 0, "reserved": 0, "limit": self.quota, "over_quota": False}
        account = {"id": "root", "email": "ada@example.org", "display_name": "Ada", "plan": "free", "role": "user"}
        return web.json_response({**account, "home_region": "here", "created_at": NOW, "usage": usage})

    async def begin(self, request: web.Request) -> web.Response:
        wish = await self._body(request)
        return web.json_response(self._begin(wish), status=201)

    async def begin_many(self, request: web.Request) -> web.Response:
        wishes = (await self._body(request))["uploads"]
        return web.json_response({"items": [self._begin(wish) for wish in wishes]})

    def _begin(self, wish: Json) -> Json:
        upload = {**wish, "id": f"upload{next(self.numbers):08}"}
        self.begun[upload["id"]] = upload
        return {**upload, "put": self._target(f"uploads/{upload['id']}"), "blocks": {}}

    async def missing(self, request: web.Request) -> web.Response:
        wish = await self._body(request)
        if self.is_older and "sizes" in wish:
            return problem(422, "invalid_request")
        hashes = wish["hashes"]
        self.requested += hashes
        self.lengths |= wish.get("sizes", {})
        missing = [{"hash": each, **self._target(f"blocks/{each}")} for each in hashes if self.frame(each) is None]
        return web.json_response({"missing": missing})

    async def complete(self, request: web.Request) -> web.Response:
        done = await self._body(request)
        upload_id = request.match_info["id"]
        upload = self.begun[upload_id]
        if upload["method"] == "blocks":
            gone = [block["hash"] for block in done["blocks"] if self.frame(block["hash"]) is None]
            if gone:
                return problem(409, "blocks_missing", hashes=gone)
            frames = ((self.frame(block["hash"]) or b"", block["size"]) for block in done["blocks"])
            content = b"".join(zstandard.ZstdDecompressor().decompress(frame, size) for frame, size in frames)
        else:
            content = self.objects[f"uploads/{upload_id}"]
        assert (len(content), hashlib.sha256(content).hexdigest()) == (upload["size"], upload["sha256"])
        del self.begun[upload_id]
        file = self._file(upload)
        self.objects[f"files/{file['id']}"] = content
        if upload["method"] == "blocks":
            self.blocks_of[file["id"]] = done["blocks"]
        return web.json_response(file)

    async def complete_many(self, request: web.Request) -> web.Response:
        items = []
        for each in (await self._body(request))["uploads"]:
            upload = self.begun.pop(each["id"])
            file = self._file(upload)
            self.objects[f"files/{file['id']}"] = self.objects[f"uploads/{upload['id']}"]
            items.append(file)
        return web.json_response({"items": items})

    async def give_up(self, request: web.Request) -> web.Response:
        self.calls.append(f"DELETE {request.path}")
        self.begun.pop(request.match_info["id"], None)
        self.packs.pop(request.match_info["id"], None)
        return web.Response(status=204)

    # --- packs -------------------------------------------------------------------------------------------

    async def begin_pack(self, request: web.Request) -> web.Response:
        wishes = (await self._body(request))["files"]
        accepted = {number: wish for number, wish in enumerate(wishes) if wish.get("path") not in self.strangers}
        offsets = dict(zip(accepted, layout([wish["size"] for wish in accepted.values()]), strict=True))
        refused = {"problem": {"status": 422, "code": "pack_own_tree", "detail": "not in a pack"}}
        pack_id = f"pack{next(self.numbers):08}"
        self.packs[pack_id] = accepted
        listed = [
            {"number": number, "offset": offsets[number], "size": wish["size"]} if number in accepted else refused
            for number, wish in enumerate(wishes)
        ]
        answer = {"id": pack_id, "state": "initiated", "put": self._target(f"packs/{pack_id}"), "files": listed}
        return web.json_response(answer, status=201)

    async def complete_pack(self, request: web.Request) -> web.Response:
        self.calls.append(f"POST {request.path}")
        pack_id = request.match_info["id"]
        data = self.objects[f"packs/{pack_id}"]
        index = read_index(data[-MAX_INDEX_BYTES:], len(data))
        answers: list[Json] = []
        for number, wish in self.packs.pop(pack_id).items():
            at = index[number]
            content = data[at.offset : at.offset + at.size]
            if hashlib.sha256(content).hexdigest() != wish["sha256"]:
                refusal = {"status": 409, "code": "upload_mismatch", "detail": "other bytes"}
                answers.append({"number": number, "problem": refusal})
                continue
            file = self._file(wish)
            self.objects[f"files/{file['id']}"] = content
            self.slices[file["id"]] = (f"packs/{pack_id}", at.offset)
            answers.append({"number": number, "file": file, "version": 1, "conflicted": False})
        return web.json_response({"files": answers})

    # --- downloads ---------------------------------------------------------------------------------------

    async def by_path(self, request: web.Request) -> web.Response:
        found = [file for file in self.files.values() if file["path"] == request.query["path"]]
        return web.json_response(found[-1]) if found else problem(404, "not_found")

    async def file(self, request: web.Request) -> web.Response:
        return web.json_response(self.files[request.match_info["id"]])

    async def blocks(self, request: web.Request) -> web.Response:
        file_id = request.match_info["id"]
        self.calls.append(f"GET {request.path}")
        if file_id not in self.blocks_of:
            return problem(409, "not_in_blocks")
        first, limit = int(request.query.get("cursor", 0)), int(request.query["limit"])
        listed = self.blocks_of[file_id]
        page = [{**each, "url": f"{self.url}/store/blocks/{each['hash']}"} for each in listed[first : first + limit]]
        answer: Json = {"blocks": page}
        if first + limit < len(listed):
            answer["cursor"] = str(first + limit)
        return web.json_response(answer)

    async def content(self, request: web.Request) -> web.Response:
        self.calls.append(f"GET {request.path}")
        return ranged(self.objects[f"files/{request.match_info['id']}"], request.headers.get("range", ""))

    async def contents(self, request: web.Request) -> web.Response:
        results: list[Json] = []
        for item in (await self._body(request))["items"]:
            file = self.files.get(item["id"])
            if file is None:
                results.append({"problem": {"status": 404, "code": "not_found", "detail": "no such file"}})
                continue
            known = {"id": file["id"], "version": 1, "size": file["size"], "sha256": file["sha256"]}
            if file["id"] in self.slices:
                key, offset = self.slices[file["id"]]
                results.append({**known, "url": f"{self.url}/store/{key}", "offset": offset})
            elif file["id"] in self.blocks_of:
                results.append({**known, "url": f"{self.url}/v1/files/{file['id']}/content", "direct": False})
            else:
                results.append({**known, "url": f"{self.url}/store/files/{file['id']}"})
        return web.json_response({"results": results})

    async def _body(self, request: web.Request) -> Any:
        self.calls.append(f"{request.method} {request.path}")
        return orjson.loads(await request.read() or b"{}")

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["FakeDocStore"]:
        app = web.Application(client_max_size=64 << 20)
        app.add_routes(
            [
                web.put("/store/{key:.+}", self.put),
                web.get("/store/{key:.+}", self.get),
                web.get("/v1/me", self.me),
                web.post("/v1/uploads", self.begin),
                web.post("/v1/uploads/batch", self.begin_many),
                web.post("/v1/uploads/complete-batch", self.complete_many),
                web.post("/v1/uploads/{id}/complete", self.complete),
                web.delete("/v1/uploads/{id}", self.give_up),
                web.post("/v1/blocks/missing", self.missing),
                web.post("/v1/packs", self.begin_pack),
                web.post("/v1/packs/{id}/complete", self.complete_pack),
                web.delete("/v1/packs/{id}", self.give_up),
                web.get("/v1/files/by-path", self.by_path),
                web.get("/v1/files/{id}", self.file),
                web.get("/v1/files/{id}/blocks", self.blocks),
                web.get("/v1/files/{id}/content", self.content),
                web.post("/v1/contents", self.contents),
            ]
        )
        async with served(web.AppRunner(app)) as self.url:
            yield self


def ranged(content: bytes, wanted: str) -> web.Response:
    """What a store answers to a request with this Range header."""
    if not wanted:
        return web.Response(body=content)
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    if int(first) >= len(content):
        return web.Response(status=416)
    return web.Response(status=206, body=content[int(first) : int(last) + 1 if last else None])


def problem(status: int, code: str, **extra: Any) -> web.Response:
    return web.json_response({"status": status, "code": code, "detail": code, **extra}, status=status)
