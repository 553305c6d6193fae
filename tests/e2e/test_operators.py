"""Administration end to end: reports, access, a verifiable audit log, health."""

import os
from typing import Any

import pytest
from deployments import Bucket
from people import Person

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_operators_see_activity(ada: Person, nobody: Person, admin: Person) -> None:
    """An upload, reads by its owner, in a batch and by a link, and a change: in the reports and in the audit log."""
    file = await ada.upload("/a.txt", b"a lighthouse")
    assert await ada.content(file["id"]) == b"a lighthouse"
    await ada.call("POST", "/v1/contents", {"items": [{"id": file["id"]}]})
    link = await ada.call("POST", f"/v1/files/{file['id']}/links", {})
    answer = await nobody.ask("GET", f"/v1/links/{link['token']}/content")
    assert "docstore-read" not in answer.headers
    assert await nobody.refused("GET", f"/v1/files/{file['id']}/content") == (401, "unauthorized")
    await ada.call("PATCH", f"/v1/files/{file['id']}", {"name": "b.txt"})

    async def counted() -> Any:
        items = (await admin.call("GET", "/v1/admin/reports/most-downloaded?limit=500"))["items"]
        mine = [item for item in items if item["file_id"] == file["id"]]
        return mine if mine and mine[0]["downloads"] == 3 and mine[0]["links"] == 1 else None

    await eventually(counted)

    async def actions() -> Any:
        log = await admin.every("/v1/admin/audit", object_id=file["id"])
        found = {(entry["action"], entry["status"], entry["account_id"]) for entry in log}
        expected = {
            ("file-created", None, ada.id),
            ("GET /v1/files", 302, ada.id),
            ("POST /v1/contents", 200, ada.id),
            ("GET /v1/links", 302, None),
            ("GET /v1/files", 401, None),
            ("PATCH /v1/files", 200, ada.id),
            ("file-moved", None, ada.id),
        }
        return expected <= found

    await eventually(actions)
    log = await admin.every("/v1/admin/audit", object_id=file["id"])
    assert link["token"] not in str(log)

    async def used() -> Any:
        items = (await admin.call("GET", "/v1/admin/reports/usage?limit=500"))["items"]
        mine = [item for item in items if item["account_id"] == ada.id]
        return mine if mine and mine[0]["uploads"] else None

    (mine,) = await eventually(used)  # uploads have a topic of their own
    assert (mine["uploads"], mine["uploaded_bytes"], mine["downloads"]) == (1, 12, 2)
    uploads = await admin.call("GET", "/v1/admin/reports/uploads")
    assert sum(sum(line["values"]) for line in uploads["series"]) >= 1
    access = (await admin.call("GET", "/v1/admin/reports/access?limit=500"))["items"]
    assert [item["reads"] for item in access if item["file_id"] == file["id"]] == [3]


@pytest.mark.usefixtures("access_log")
async def test_the_bytes_that_clients_received_are_in_the_report(ada: Person, admin: Person, bucket: Bucket) -> None:
    """As the object store logged them, listings by an operator's tool between them: a URL that is not used counts
    nothing."""

    async def downloaded() -> int:
        report = await admin.call("GET", "/v1/admin/reports/downloaded-bytes")
        return sum(sum(line["values"]) for line in report["series"])

    before, size = await downloaded(), 700_001
    assert await bucket.keys(ada.id) == []
    file = await ada.upload("/downloaded.bin", os.urandom(size))
    answer = await ada.ask("GET", f"/v1/files/{file['id']}/content")
    assert answer.status == 302
    for _ in range(2):
        assert len(await ada.content(file["id"])) == size

    async def counted() -> bool:
        return await downloaded() >= before + 2 * size

    await eventually(counted)
    assert await downloaded() < before + 3 * size


async def test_the_audit_log_of_a_running_system_verifies(ada: Person, admin: Person) -> None:
    """Page after page, while it grows."""
    await ada.upload("/a.txt", b"a")
    after = 0
    while after is not None:
        page = await admin.call("GET", f"/v1/admin/audit/verify?after={after}&limit=1000")
        assert page["broken"] is None
        after = page["next_after"]


async def test_every_service_is_there(admin: Person, ada: Person) -> None:
    """It shows the lag, to administrators alone."""
    health = await admin.call("GET", "/v1/admin/health")
    assert {"accounts", "analytics", "gateway", "metadata"} <= {service["name"] for service in health["services"]}
    assert "unreachable" not in {service["status"] for service in health["services"]}
    for path in ("health", "events", "audit", "reports/uploads", "archive", "audit/verify"):
        assert await ada.refused("GET", f"/v1/admin/{path}") == (403, "forbidden")
