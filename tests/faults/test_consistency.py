"""`docstore admin verify` finds what does not fit together between services, and repairs what it may."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deployments import Bucket
from drills import Operator, until
from old_data_folder import opened_databases
from people import Person, problem_of
from PIL import Image
from runbook_pages import Drill
from shell import Shell
from stacks import SHORT_WAITS, DetachedStack

from docstore_platform.mongodb.client import Mongo
from docstore_platform.testing import eventually
from docstore_standalone.credentials import load_credentials

pytestmark = [pytest.mark.connected, pytest.mark.faults]
BLOCKS = [b"alpha " * 40_000, b"beta " * 30_000]
ENVIRONMENT = {
    "QUOTA_DRIFT_CONFIRM_DELAY_SECONDS": "1",
    "UPLOAD_STRAY_GRACE_SECONDS": "0.1",
}


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DetachedStack]:
    async with DetachedStack(tmp_path_factory.mktemp("inconsistent"), SHORT_WAITS | ENVIRONMENT) as running:
        yield running


@pytest.fixture
async def mongo(stack: DetachedStack) -> AsyncIterator[Mongo]:
    async with opened_databases(stack.data, stack.state.addresses["mongodb"]) as opened:
        yield opened


@pytest.fixture
def operator(stack: DetachedStack, tmp_path: Path) -> "VerifyingOperator":
    return VerifyingOperator(Shell(tmp_path), stack)


class VerifyingOperator(Operator):
    """Runs `docstore admin verify` on the stack, too."""

    async def verify(self, *arguments: str) -> set[tuple[str, str, bool]]:
        """What it finds, by check and kind, and whether that was repaired."""
        words = ("admin", "verify", "--page", "2", "--list", "1000", "--json", "--data", self.stack.data)
        result = await self.shell.run(*words, *arguments)
        found = replace(result, status=0).json["findings"]
        assert result.status == int(any(not finding["repaired"] for finding in found)), result
        return {(finding["check"], finding["kind"], finding["repaired"]) for finding in found}

    async def is_clean(self) -> bool:
        return await self.verify("--checksums") == set()


class Broken:
    """Databases and buckets of a stack, in which things are lost."""

    def __init__(self, mongo: Mongo, stack: DetachedStack) -> None:
        self._mongo = mongo
        self.contents = stack.bucket
        keys = load_credentials(stack.data).services
        self.previews = Bucket(
            stack.state.addresses["s3"],
            keys.access_key_id,
            keys.secret_access_key,
            f"docstore-processed-{stack.region}",
            stack.region,
        )

    def of(self, service: str, collection: str) -> Any:
        return self._mongo.database(f"docstore_{service}")[collection]


@pytest.fixture
async def ada(stack: DetachedStack) -> AsyncIterator[Person]:
    async with await Person.new(stack.gateway, "ada", stack.mailbox) as person:
        await person.choose("premium")
        yield person


async def filled(person: Person, broken: Broken) -> dict[str, Any]:
    """Files of each form, once all services are done with them."""
    files = {
        "whole": await person.upload("/whole.txt", b"a lighthouse " * 20_000),
        "lost": await person.upload("/lost.txt", b"a harbour " * 20_000),
        "blocks": await person.upload_blocks("/blocks.bin", BLOCKS),
        "picture": await person.upload("/picture.png", picture()),
    }

    async def done() -> bool:
        listed = await person.every("/v1/files", path="/")
        pending = await broken.of("indexer", "documents").count_documents({"state": "pending"})
        unsettled = await broken.of("upload", "uploads").count_documents({"settled": {"$ne": True}})
        return all(file["indexed"] for file in listed if file["name"].endswith("txt")) and not (pending or unsettled)

    async def shown() -> bool:
        return bool((await person.call("GET", f"/v1/files/{files['picture']['id']}"))["preview"])

    await eventually(done, every=0.3)
    await eventually(shown, every=0.3)
    await person.counted(sum(file["size"] for file in files.values()))
    return files


async def test_what_is_broken_is_found_and_repaired_when_told(
    stack: DetachedStack, mongo: Mongo, operator: VerifyingOperator, ada: Person
) -> None:
    """Each kind of damage is found without a change, repaired with --repair where that is possible, and then gone."""
    broken = Broken(mongo, stack)
    files = await filled(ada, broken)
    await eventually(operator.is_clean, every=1)

    nodes, versions, contents = (broken.of("metadata", name) for name in ("nodes", "versions", "objects"))
    whole = await versions.find_one({"node": files["whole"]["id"]})
    await contents.delete_one({"_id": whole["object_key"]})
    pictured = await versions.find_one({"node": files["picture"]["id"]})
    await versions.insert_one({**pictured, "_id": "gone.0000000001", "node": "gone"})
    await contents.update_one({"_id": pictured["object_key"]}, {"$inc": {"refs": 1}})
    await nodes.update_one({"_id": files["whole"]["id"]}, {"$set": {"shared_with": {"stranger": "viewer"}}})
    await broken.of("metadata", "journals").update_one({"_id": ada.id}, {"$set": {"seq": 0}})
    await broken.of("metadata", "shares").insert_one(
        {
            "_id": "s1",
            "node": "gone",
            "owner": ada.id,
            "email": "b@example.org",
            "email_key": "b@example.org",
            "role": "viewer",
            "created": whole["created"],
            "revision": 1,
            "pending": True,
        }
    )
    uploads = broken.of("upload", "uploads")
    unset = {"$unset": {"settled": "", "next_check_at": ""}}
    await uploads.update_one({"_id": whole["upload_id"]}, unset)
    await broken.contents.replace(f"accounts/{ada.id}/uploads/forgotten/incoming/1", b"left over")
    await broken.contents.replace(f"accounts/{ada.id}/packs/unknown", b"unknown")
    await broken.of("quota", "accounts").update_one({"_id": ada.id}, {"$inc": {"used": 1000}})
    await broken.of("indexer", "documents").delete_one({"_id": files["lost"]["id"]})
    await broken.of("indexer", "texts").delete_one({"_id": files["whole"]["id"]})
    (thumbnail, *_) = await broken.previews.keys_under(f"previews/{ada.id}/")
    await broken.previews.remove(thumbnail)
    lost = await versions.find_one({"node": files["lost"]["id"]})
    await broken.contents.remove(lost["object_key"])
    block = await broken.of("upload", "blocks").find_one({"state": "stored", "refs": {"$gt": 0}})
    await broken.contents.remove(block["key"])

    repairable = {
        ("versions", "content_uncounted"),
        ("versions", "file_missing"),
        ("files", "shares_not_applied"),
        ("journals", "journal_behind"),
        ("shares", "file_missing"),
        ("uploads", "never_ends"),
        ("objects", "left_over"),
        ("usage", "usage_differs"),
        ("index", "not_recorded"),
        ("index", "text_missing"),
        ("previews", "picture_missing"),
    }
    for_good = {("versions", "object_missing"), ("blocks", "object_missing"), ("objects", "unknown_object")}
    expected = {(*each, False) for each in repairable | for_good}
    assert await operator.verify() == expected
    assert await operator.verify() == expected, "it has changed something without being told to"

    async def confirmed() -> bool:
        drift = await broken.of("quota", "drifts").find_one({"_id": ada.id})
        return bool(drift and drift["confirmed"])

    async def repaired() -> bool:
        return ("usage", "usage_differs", True) in await operator.verify("usage", "--repair")

    first = await operator.verify("--repair")
    by_another = {("usage", "usage_differs"), ("index", "text_missing")}
    # The stored bytes change by the repair of versions; a file whose readers change is indexed again anyway.
    assert first >= {(*each, True) for each in repairable - by_another}
    if ("usage", "usage_differs", True) not in first:
        await eventually(repaired, every=0.5)
    left = {(*each, False) for each in for_good}

    async def only_what_is_lost_for_good_is_left() -> bool:
        return await operator.verify() == left

    await eventually(only_what_is_lost_for_good_is_left, every=1)
    assert ("versions", "content_damaged", False) in await operator.verify("--checksums")
    for name in ("lost", "blocks"):
        await ada.call("DELETE", f"/v1/files/{files[name]['id']}")
        await ada.call("DELETE", f"/v1/trash/{files[name]['id']}")
    await broken.contents.remove(f"accounts/{ada.id}/packs/unknown")
    await eventually(operator.is_clean, every=1)
    await ada.counted(files["whole"]["size"] + files["picture"]["size"])
    await ada.found("lighthouse", "/whole.txt", **{"in": "content"})


async def test_usage_that_drifts(stack: DetachedStack, mongo: Mongo, operator: VerifyingOperator, ada: Person) -> None:
    """The command of the runbook corrects the count, which ends the alert."""
    drill = Drill("UsageDrifts")
    counted = Broken(mongo, stack).of("quota", "accounts")
    await ada.upload("/a.txt", b"a")
    await ada.counted(1)
    await counted.update_one({"_id": ada.id}, {"$inc": {"used": 1000}})
    shown = await operator.run(drill, "docstore admin verify usage")
    assert ada.id in shown.out
    await until(drill, stack, firing=True)

    async def corrected() -> bool:
        return (await operator.run(drill, "docstore admin verify usage --repair")).status == 0

    await eventually(corrected, every=0.5)
    await until(drill, stack, firing=False)
    await ada.counted(1)


async def test_only_administrators_verify(ada: Person) -> None:
    """It shows what others store."""
    answer = await ada.ask("POST", "/v1/admin/verify", {"check": "files"})
    assert problem_of(answer) == (403, "forbidden")
    assert await ada.refused("GET", "/v1/admin/verify") == (403, "forbidden")
