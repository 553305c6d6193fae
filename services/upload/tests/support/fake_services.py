"""Fakes of the services that upload calls: they record the calls and fail on request."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from shown_files import shown_file

from docstore_platform.errors import Unavailable
from docstore_platform.ids import new_id

Json = dict[str, Any]


class FakeMetadata:
    """Answers where an upload goes, and commits each upload once."""

    def __init__(self) -> None:
        self.files: dict[str, Json] = {}
        self.committed: dict[str, Json] = {}
        self.calls: Counter[str] = Counter()
        self.republished: list[str] = []
        self.refusals: dict[str, Json] = {}
        self.owners: dict[str, str] = {}
        """Of folders shared with whoever asks."""
        self.crash_after_commit = False
        self.down = False

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        name = path.removeprefix("/internal/")
        self.calls[name] += 1
        if self.down:
            raise Unavailable("metadata is down")
        if name == "uploads/check":
            return {"results": [self._check(body["account_id"], item) for item in body["items"]]}
        if name == "commits":
            results = [self._commit(item) for item in body["items"]]
            if self.crash_after_commit:
                raise RuntimeError("killed after metadata's commit")
            return {"results": results}
        self.republished += body["event_ids"]
        return {"republished": len(body["event_ids"])}

    def _check(self, account_id: str, item: Json) -> Json:
        path = item["path"]
        if path is None or not path.startswith("/") or ".." in path or "\0" in path:
            return {"problem": {"status": 422, "code": "invalid_path", "detail": "That is no path."}}
        current = self.files.get(path)
        version = current["version"] if current else 0
        if item["on_conflict"] == "fail" and item["base_version"] not in (None, version):
            return {"problem": {"status": 409, "code": "version_conflict", "detail": "Stale.", "current": version}}
        file_id = current["id"] if current else None
        owner_id = self.owners.get(item["parent_id"] or "", account_id)
        return {"owner_id": owner_id, "path": path, "file_id": file_id, "current_version": version}

    def _commit(self, item: Json) -> Json:
        if item["path"] in self.refusals:
            return {"problem": self.refusals[item["path"]]}
        if item["upload_id"] not in self.committed:
            current = self.files.get(item["path"], {"id": new_id(), "version": 0})
            declared = {name: item[name] for name in ("path", "size", "content_type", "sha256", "tags")}
            declared["metadata"] = current.get("metadata", {}) if item["metadata"] is None else item["metadata"]
            file = shown_file(id=current["id"], version=current["version"] + 1, **declared)
            self.files[item["path"]] = file
            answer = {"file": file, "version": file["version"], "conflicted": False, "event_id": new_id()}
            self.committed[item["upload_id"]] = {"item": item, "answer": answer}
        answer = self.committed[item["upload_id"]]["answer"]
        return dict(answer)


class FakeQuota:
    """One limit for everyone."""

    def __init__(self) -> None:
        self.limit = 100 << 40
        self.reserved: dict[str, int] = {}
        self.settled: set[str] | None = None
        self.calls: Counter[str] = Counter()
        self.down = False

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        name = path.removeprefix("/internal/")
        self.calls[name] += 1
        if self.down:
            raise Unavailable("quota is down")
        if name.endswith("/usage"):
            return self._usage()
        if name == "reservations":
            return self._reserve(body["items"])
        if name == "reservations/release":
            for upload_id in body["upload_ids"]:
                self.reserved.pop(upload_id, None)
            return None
        return settled(self.settled, body)

    def _reserve(self, items: list[Json]) -> Json:
        results = []
        for item in items:
            fits = sum(self.reserved.values()) + item["size"] <= self.limit
            if fits:
                kept = item["upload_id"].partition("-")[0]
                self.reserved[kept] = self.reserved.get(kept, 0) + item["size"]
            results.append({"upload_id": item["upload_id"], "accepted": fits})
        return {"results": results, "usage": self._usage()}

    def _usage(self) -> Json:
        used = {"used": 0, "reserved": sum(self.reserved.values()), "limit": self.limit}
        return used | {"over_quota": False, "documents": 0}


class FakeReactor:
    """The indexer, media or notify: done with every event, or just with those of `settled`."""

    def __init__(self) -> None:
        self.settled: set[str] | None = None
        self.calls: Counter[str] = Counter()

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        self.calls[path] += 1
        return settled(self.settled, body)


def settled(known: set[str] | None, body: Json) -> Json:
    ids = body["event_ids"]
    return {"settled": ids if known is None else [event_id for event_id in ids if event_id in known]}


@dataclass
class FakeServices:
    """The services that upload calls, by their names."""

    metadata: FakeMetadata = field(default_factory=FakeMetadata)
    quota: FakeQuota = field(default_factory=FakeQuota)
    indexer: FakeReactor = field(default_factory=FakeReactor)
    media: FakeReactor = field(default_factory=FakeReactor)
    notify: FakeReactor = field(default_factory=FakeReactor)

    def start_anew(self) -> None:
        """Have each forget its calls, and its scripted failures."""
        for fake in vars(self).values():
            fake.__init__()
