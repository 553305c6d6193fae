"""A data folder that the version before has written: what is in it, what people saw of it, packing and unpacking."""

import re
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from deployments import Mailbox
from people import Json, Person
from previous_version import PREVIOUS_VERSION, known_to_both
from pydantic import BaseModel
from stacks import SHORT_WAITS

from docstore_platform.clock import rfc3339, utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Collection, Mongo
from docstore_standalone.credentials import load_credentials
from docstore_standalone.embedded.mongo_users import operator_url
from docstore_standalone.servers import start_servers

WEEK = str(7 * 24 * 3600)
WAITS = known_to_both(
    {
        **SHORT_WAITS,
        "UPLOAD_LIFETIME_SECONDS": WEEK,
        "UPLOAD_MULTIPART_LIFETIME_SECONDS": WEEK,
        "UPLOAD_PART_BYTES": str(5 << 20),
        "NOTIFY_WEBHOOK_ALLOW_HTTP": "true",
        "NOTIFY_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
)
"""Uploads begun stay open, and webhooks reach this machine."""
PACKED = Path(__file__).parents[1] / "upgrade" / f"data-folder-{PREVIOUS_VERSION[:7]}.tar.xz"
HANGING_PORT, REFUSING_PORT = 19_471, 19_472
"""Of the receivers of webhooks: stored in the folder, and below the ports that stacks and systems choose."""
LINK_PASSWORD = "open sesame"
MANY = {f"/many/{number % 8}/{number}.txt": f"number {number}".encode() for number in range(500)}
PENDING = {"put": b"begun before", "multipart": b"in parts before " * 400_000, "blocks": b"in blocks before"}
"""By method, the bytes of uploads that were begun and not completed."""
VOLATILE = {"cursor", "next_cursor", "etag", "reset_at", "current", "last_used_at"}
"""Fields that say nothing of what is stored, or change with every call."""
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
GATEWAY = re.compile(r"http://127\.0\.0\.1:\d+/")
"""Begins the addresses of links; the port is whichever is free."""
WRITTEN_MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
"""As events and messages hold it."""
DATABASES = ("accounts", "gateway", "indexer", "media", "metadata", "notify", "quota", "upload")
"""Those of analytics keep their dates: the audit log is signed with them."""


class Login(BaseModel):
    """Someone of the folder."""

    id: str
    email: str
    refresh_token: str
    seen: Json
    """What `seen` found."""


class Facts(BaseModel):
    """What the test has to know of the folder."""

    made_at: datetime
    people: dict[str, Login]
    contents: dict[str, str]
    """SHA-256 by account id, file id and version, with slashes between."""
    device_token: str
    links: dict[str, Json]
    webhook_secrets: list[str]
    mary: str
    """The e-mail of someone without an account, with whom a file is shared."""
    pending: dict[str, Json]
    """Uploads by method, and Otto's whose client vanished after it had sent its bytes."""
    late: Json
    """The file that was uploaded just before the services were killed."""


def person_of(gateway: str, login: Login, mailbox: Mailbox) -> Person:
    """Someone of the folder, not yet logged in."""
    person = Person(gateway)
    person.email, person.refresh_token, person.mailbox = login.email, login.refresh_token, mailbox
    return person


async def tree(person: Person) -> list[Json]:
    """Every file and folder of one's own."""
    folders, found = ["/"], []
    while folders:
        entries = await person.every("/v1/files", path=folders.pop(), limit=500)
        folders += [one["path"] for one in entries if one["kind"] == "folder"]
        found += entries
    return sorted(found, key=lambda one: str(one["path"]))


async def seen(person: Person) -> Json:
    """What the public API shows someone."""
    files = await tree(person)
    lists = ("trash", "shared-with-me", "subscriptions", "notifications", "uploads", "sessions")
    single = ("me", "me/retention", "notifications/preferences")
    return {
        "files": [
            {
                **await person.call("GET", f"/v1/files/{file['id']}"),
                "links": await person.every(f"/v1/files/{file['id']}/links"),
                "shares": await person.every(f"/v1/files/{file['id']}/shares"),
                **(await _of_file(person, file) if file["kind"] == "file" else {}),
            }
            for file in files
        ],
        **{name: await person.every(f"/v1/{name}") for name in lists},
        **{name: await person.call("GET", f"/v1/{name}") for name in single},
        "journal": list(await person.journal()),
    }


async def _of_file(person: Person, file: Json) -> Json:
    route = f"/v1/files/{file['id']}"
    return {
        "versions": await person.every(f"{route}/versions"),
        "history": await person.every(f"{route}/changes", since=0),
    }


def differences(before: Any, now: Any, place: str = "") -> list[str]:
    """Where `now` lacks or changes what was seen before; new fields and moments are no difference."""
    if isinstance(before, dict) and isinstance(now, dict):
        names = [name for name in before if name not in VOLATILE]
        return [line for name in names for line in differences(before[name], now.get(name), f"{place}/{name}")]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = enumerate(zip(before, now, strict=True))
        return [line for number, pair in pairs for line in differences(*pair, f"{place}/{number}")]
    if isinstance(before, str) and isinstance(now, str):
        if MOMENT.match(before) and MOMENT.match(now):
            return []
        before, now = GATEWAY.sub("/", before), GATEWAY.sub("/", now)
    return [] if before is None or before == now else [f"{place}: {before!r} is now {now!r}"]


def pack(source: Path) -> None:
    """Write the folder to one file: the same bytes for the same content; without logs and what a server makes again."""

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        left_out = ("/logs/", "WiredTigerPreplog", "/diagnostic.data/", ".lock", ".sock")
        if any(part in info.name for part in left_out) or not (info.isfile() or info.isdir()):
            return None
        info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
        return info

    with tarfile.open(PACKED, "w:xz", preset=9) as tar:
        tar.add(source, arcname=".", filter=plain)


def unpack(target: Path) -> Facts:
    """Put the folder that the version before has written into `target`."""
    with tarfile.open(PACKED) as tar:
        tar.extractall(target, filter="tar")
    return Facts.model_validate_json((target / "facts.json").read_bytes())


@asynccontextmanager
async def opened_databases(data: Path, mongo_url: str) -> AsyncIterator[Mongo]:
    """The databases of a stack that runs on the folder, as its operator."""
    mongo = Mongo(operator_url(mongo_url, load_credentials(data)), app_name="upgrade-tests")
    yield mongo
    mongo.close()


async def make_young(data: Path, facts: Facts) -> None:
    """Move all dates by the folder's age: what was open for a week when it was made is so again.

    Not those in the broker's log, which has some of the events that the outbox sends again: where the one that is read
    first decides, the one in the outbox becomes another event.
    """
    age = utc_now() - facts.made_at
    servers = await start_servers(data)
    try:
        mongo = Mongo(servers.mongo_url, app_name="upgrade-tests")
        for name in DATABASES:
            database = mongo.database(f"docstore_{name}")
            for collection in await database.list_collection_names():
                async for document in database[collection].find({}):
                    moved = _moved(document, age)
                    if moved != document:
                        await database[collection].replace_one({"_id": document["_id"]}, moved)
        await _make_new_event(mongo.database("docstore_accounts")["outbox"], "password-reset-requested")
        mongo.close()
    finally:
        await servers.stop()


async def _make_new_event(outbox: Collection, event_type: str) -> None:
    async for row in outbox.find({"state": "pending", "headers": ["ce_type", event_type.encode()]}):
        event_id = new_id()
        headers = [[name, event_id.encode() if name == "ce_id" else value] for name, value in row["headers"]]
        await outbox.insert_one({**row, "_id": event_id, "headers": headers})
        await outbox.delete_one({"_id": row["_id"]})


def _moved(value: Any, age: timedelta) -> Any:
    def later(written: re.Match[bytes]) -> bytes:
        return rfc3339(datetime.fromisoformat(written[0].decode()) + age).encode()

    match value:
        case dict():
            return {name: inner if name == "_id" else _moved(inner, age) for name, inner in value.items()}
        case list():
            return [_moved(inner, age) for inner in value]
        case datetime():
            return value + age
        case bytes():
            return WRITTEN_MOMENT.sub(later, value)
        case str():
            return WRITTEN_MOMENT.sub(later, value.encode()).decode()
        case _:
            return value
