"""Makes the data folder that the upgrade tests begin with: see README.md.

Starts the stack of the version before as people do, uses it in every way, kills its services in the midst of work,
stops the rest and packs the folder.
"""

import asyncio
import shutil
import signal
import sys
import tempfile
from contextlib import AsyncExitStack
from hashlib import sha256
from io import BytesIO
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import psutil
import zstandard
from deployments import Mailbox
from old_data_folder import (
    HANGING_PORT,
    LINK_PASSWORD,
    MANY,
    PENDING,
    REFUSING_PORT,
    WAITS,
    Facts,
    Login,
    opened_databases,
    pack,
    seen,
    tree,
)
from people import PASSWORD, Json, Person
from PIL import Image
from previous_version import previous_python
from stacks import DetachedStack, processes_of
from synced_folders import Command, write
from webhook_receivers import Receiver, Reply

from docstore_cli import api
from docstore_contents.packs import Slice, index_bytes
from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import Mongo
from docstore_platform.testing import eventually
from docstore_standalone.state import running_state

PLACE = Path("/tmp/docstore-data-folder")
"""Servers write it into their data."""
LARGE = b"a large file in two parts\n" * 210_000


async def send_pack(person: Person, files: dict[str, bytes]) -> None:
    described = [{"path": path, "size": len(one), "sha256": sha256(one).hexdigest()} for path, one in files.items()]
    made = await person.call("POST", "/v1/packs", {"files": described})
    slices = [Slice(**place) for place in made["files"]]
    await person.put_once(made["put"], b"".join(files.values()) + index_bytes(slices))
    await person.call("POST", f"/v1/packs/{made['id']}/complete")


async def upload_by_credentials(person: Person, path: str, content: bytes) -> None:
    import boto3
    from botocore.config import Config

    upload = await person.begin(path, len(content), "credentials")
    granted = upload["credentials"]
    s3 = boto3.client(
        "s3",
        endpoint_url=granted["endpoint"],
        aws_access_key_id=granted["access_key_id"],
        aws_secret_access_key=granted["secret_access_key"],
        aws_session_token=granted["session_token"],
        region_name=granted["region"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    await asyncio.to_thread(s3.put_object, Bucket=granted["bucket"], Key=granted["key"], Body=content)
    await person.complete(upload)


def picture() -> bytes:
    out = BytesIO()
    Image.new("RGB", (64, 48), "red").save(out, "PNG")
    return out.getvalue()


class Life:
    """What people do with the stack."""

    def __init__(self, gateway: str, mailbox: Mailbox, opened: AsyncExitStack) -> None:
        self.gateway, self.mailbox, self._opened = gateway, mailbox, opened
        self.people: dict[str, Person] = {}
        self.links: dict[str, Json] = {}
        self.hooks: list[Json] = []
        self.pending: dict[str, Json] = {}
        self.mary = "mary@example.org"

    async def sign_up(self, name: str, *, verified: bool = True) -> Person:
        person = await self._opened.enter_async_context(Person(self.gateway))
        person.email, person.mailbox = f"{name}@example.org", self.mailbox
        await person.sign_up(person.email, PASSWORD)
        if verified:
            await person.verify_email()
        self.people[name] = person
        return person

    async def store(self, ada: Person) -> None:
        """Files by each method, versions, tags, trash."""
        for number in (1, 2, 3):
            await ada.upload("/by put.txt", f"walrus, edition {number}".encode(), content_type="text/plain")
        first = await ada.call("GET", "/v1/files/by-path?path=/by%20put.txt")
        await ada.call("POST", f"/v1/files/{first['id']}/versions/1/restore", {})
        await ada.call("PATCH", f"/v1/files/{first['id']}", {"tags": ["kept", "tagged"]})
        await ada.upload("/by form.txt", b"kestrel", "form")
        await ada.upload("/by parts.txt", LARGE, "multipart")
        await upload_by_credentials(ada, "/by credentials.txt", b"dunlin")
        blocks = [b"alpha " * 4000, b"beta " * 3000, b"alpha " * 4000]
        await ada.upload_blocks("/in blocks.txt", blocks)
        await ada.upload_blocks("/in blocks.txt", [*blocks, b"gamma " * 2000])
        await send_pack(ada, {"/pack/one.txt": b"a quokka", "/pack/empty.txt": b"", "/pack/deep/two.txt": b"a numbat"})
        await ada.upload("/red.png", picture(), content_type="image/png")
        moved = await ada.upload("/draft.txt", b"a draft")
        await ada.call("PATCH", f"/v1/files/{moved['id']}", {"name": "final.txt"})
        await ada.call("POST", f"/v1/files/{first['id']}/copy", {"path": "/copies/walrus.txt"})
        trashed = await ada.upload("/trashed/folder/a.txt", b"in a trashed folder")
        for node in (await ada.upload("/trashed.txt", b"trashed"), {"id": trashed["parent_id"]}):
            await ada.call("DELETE", f"/v1/files/{node['id']}")
        await ada.call("PUT", "/v1/me/retention", {"trash_days": 90, "versions": 20, "version_days": None})

    async def share(self, ada: Person, grace: Person, uma: Person) -> None:
        plan = await ada.upload("/team/plan.txt", b"the plan of the team")
        team = {"id": plan["parent_id"]}
        await ada.share(team, grace, "editor")
        await grace.upload("/notes.txt", b"grace was here", parent_id=team["id"])
        for email in (self.mary, uma.email):
            await ada.call("POST", f"/v1/files/{plan['id']}/shares", {"email": email, "role": "viewer"})
        wishes: dict[str, Json] = {"open": {}, "locked": {"password": LINK_PASSWORD, "max_downloads": 5}}
        for name, wish in wishes.items():
            self.links[name] = await ada.call("POST", f"/v1/files/{plan['id']}/links", {"name": name, **wish})
        revoked = await ada.call("POST", f"/v1/files/{plan['id']}/links", {})
        await ada.call("DELETE", f"/v1/files/{plan['id']}/links/{revoked['id']}")
        for channel in ("email", "in_app"):
            await grace.call("POST", "/v1/subscriptions", {"file_id": team["id"], "channel": channel})
        await grace.call("PUT", "/v1/notifications/preferences", {"upload_done": {"email": False}})
        await ada.upload("/team/plan.txt", b"the second plan of the team")

    async def begin_uploads(self, penny: Person) -> None:
        """None is completed; of the one in parts the first is there, of the one in blocks the block."""
        for method, content in PENDING.items():
            path, digest = f"/pending by {method}.txt", sha256(content).hexdigest()
            self.pending[method] = await penny.begin(path, len(content), method, sha256=digest)
        multipart = self.pending["multipart"]["multipart"]
        await penny.put_part(multipart["parts"][0]["url"], PENDING["multipart"][: multipart["part_size"]])
        block = sha256(PENDING["blocks"]).hexdigest()
        frame = zstandard.compress(PENDING["blocks"])
        missing = await penny.call("POST", "/v1/blocks/missing", {"hashes": [block], "sizes": {block: len(frame)}})
        await penny.put_once(missing["missing"][0], frame)

    async def store_many(self, otto: Person) -> None:
        await otto.call("POST", "/v1/folders", {"path": "/watched"})
        await send_pack(otto, MANY)

    async def follow(self, otto: Person) -> None:
        """Two machines follow a folder."""
        folder = await otto.call("GET", "/v1/files/by-path?path=/watched")
        for port in (HANGING_PORT, REFUSING_PORT):
            wish = {"file_id": folder["id"], "channel": "webhook", "target": {"url": f"http://127.0.0.1:{port}/"}}
            self.hooks.append(await otto.call("POST", "/v1/subscriptions", wish))

    async def login_of(self, name: str) -> Login:
        person = self.people[name]
        shown = {} if name == "otto" else await self._settled(person)
        return Login(id=person.id, email=person.email, refresh_token=person.refresh_token, seen=shown)

    async def _settled(self, person: Person) -> Json:
        """What they see, once it no longer changes."""
        before: list[Json] = [{}]

        async def stays() -> Json | None:
            now = await seen(person)
            same, before[0] = now == before[0], now
            return now if same else None

        return await eventually(stays, every=2.0)


async def hashes(person: Person) -> dict[str, str]:
    """Of every version's bytes."""
    found = {}
    for file in await tree(person):
        if file["kind"] == "file":
            for version in await person.every(f"/v1/files/{file['id']}/versions"):
                content = await person.content(file["id"], version["version"])
                found[f"{person.id}/{file['id']}/{version['version']}"] = sha256(content).hexdigest()
    return found


async def all_delivered(mongo: Mongo) -> None:
    """Returns once every event is sent and every message delivered."""

    async def quiet() -> bool:
        names = await mongo.database_names("docstore_")
        outboxes = [await mongo.database(name)["outbox"].count_documents({"state": "pending"}) for name in names]
        return not any(outboxes) and not await mongo.database("docstore_notify")["deliveries"].count_documents(
            {"state": "pending"}
        )

    await eventually(quiet, every=0.5)


async def check_left_behind(mongo: Mongo) -> None:
    """The killed services had work of each kind in hand."""
    held = {"$or": [{"token": {"$exists": True}}, {"lease_owner": {"$exists": True}}]}
    kinds: dict[tuple[str, str], list[Json]] = {
        ("metadata", "outbox"): [{"state": "pending"}],
        ("upload", "outbox"): [{"state": "pending"}],
        ("notify", "lanes"): [held, {"failures": {"$gt": 0}}],
        ("metadata", "jobs"): [{}],
        ("upload", "uploads"): [{"state": "initiated"}],
    }
    for (service, collection), conditions in kinds.items():
        for which in conditions:
            count = await mongo.database(f"docstore_{service}")[collection].count_documents(which)
            assert count, f"{service} left nothing behind in {collection}: {which}"


async def killed_at_work(stack: DetachedStack, life: Life, mongo: Mongo) -> Json:
    """Otto goes on while the broker is away and a receiver hangs; kill -9 of the services. The last file."""
    otto = life.people["otto"]
    async with Receiver(Reply(silent=True), Reply(silent=True)).running(port=HANGING_PORT) as receiver:
        await life.follow(otto)
        await otto.upload("/watched/one.txt", b"one")

        async def both_tried() -> bool:
            failing = await mongo.database("docstore_notify")["lanes"].count_documents({"failures": {"$gt": 0}})
            return bool(failing) and bool(receiver.received)

        await eventually(both_tried)
        broker, supervisor = stack.process("broker"), stack.process("supervisor")
        broker.suspend()
        supervisor.suspend()
        life.pending["vanished"] = await otto.begin("/by a client that vanished.txt", 8)
        await otto.put(life.pending["vanished"]["put"], b"vanished")
        late = await otto.upload("/watched/late.txt", b"late but acknowledged", content_type="text/plain")
        await otto.call("POST", "/v1/password-resets", {"email": otto.email})
        many = await otto.call("GET", "/v1/files/by-path?path=/many")
        await otto.call("DELETE", f"/v1/files/{many['id']}")
        services = stack.process("services")
        services.send_signal(signal.SIGKILL)
        await check_left_behind(mongo)
    supervisor.terminate()
    supervisor.resume()
    psutil.wait_procs([services], timeout=20)
    broker.resume()

    async def ended() -> bool:
        return running_state(stack.data) is None

    await eventually(ended, seconds=60, every=0.2)
    return late


async def make(place: Path, python: Path) -> Facts:
    """Fill a new folder by the version that the interpreter imports."""
    stack = DetachedStack(place / "data", WAITS, python=str(python))
    async with AsyncExitStack() as opened:
        opened.callback(end, stack.data)
        await stack.up()
        life = Life(stack.gateway, stack.mailbox, opened)
        mongo = await opened.enter_async_context(opened_databases(stack.data, stack.state.addresses["mongodb"]))
        ada, grace, penny, otto, hannah = [
            await life.sign_up(name) for name in ("ada", "grace", "penny", "otto", "hannah")
        ]
        uma = await life.sign_up("uma", verified=False)
        await ada.choose("premium")
        phone = {"email": ada.email, "password": PASSWORD, "device_name": "Phone"}
        device_token = (await ada.call("POST", "/v1/sessions", phone))["device_token"]
        await life.store(ada)
        await life.share(ada, grace, uma)
        await life.begin_uploads(penny)
        await life.store_many(otto)
        await sync(hannah, place, python)
        await all_delivered(mongo)
        people = {name: await life.login_of(name) for name in life.people}
        contents = await hashes(ada) | await hashes(grace) | await hashes(hannah)
        late = await killed_at_work(stack, life, mongo)
        return Facts(
            made_at=utc_now(),
            people=people,
            contents=contents,
            device_token=device_token,
            links=life.links,
            webhook_secrets=[hook["secret"] for hook in life.hooks],
            mary=life.mary,
            pending=life.pending,
            late=late,
        )


def end(data: Path) -> None:
    """Whatever of the stack still runs, after a failure."""
    for process in processes_of(data):
        process.kill()


async def sync(hannah: Person, place: Path, python: Path) -> None:
    """A folder with small files that travel in packs, one that is larger, and one that came from the server."""
    folder = place / "synced"
    for number in range(12):
        write(folder / "small" / f"{number}.txt", f"small file {number} " * 20)
    write(folder / "larger.bin", bytes(range(256)) * 600)
    await hannah.upload("/from elsewhere.txt", b"from elsewhere")
    device = Command(place / "home", python=str(python))
    names = ("--server", hannah.gateway, "--email", hannah.email, "--device", "Laptop")
    await device.run("login", *names, "--password-stdin", password=PASSWORD)
    await device.sync(folder)
    assert (await device.sync(folder))["steps"] == {}


async def main() -> None:
    api.device_name = lambda: "docstore command"
    shutil.rmtree(PLACE, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        python = await asyncio.to_thread(previous_python, Path(temporary))
        facts = await make(PLACE, python)
    (PLACE / "facts.json").write_text(facts.model_dump_json())
    pack(PLACE)


if __name__ == "__main__":
    asyncio.run(main())
