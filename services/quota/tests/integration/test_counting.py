"""Usage follows the events of files, once each; totals follow usage; drift is seen."""

import asyncio
from typing import Any

import pytest
from quota_service import Quota, file_created

from docstore_events.catalogue.accounts import AccountCreated, AccountPlanChanged
from docstore_events.catalogue.files import FileModified, FilePurged, VersionPruned
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.telemetry.metrics import exposition
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


def person(account_id: str, plan: str, revision: int = 1) -> dict[str, Any]:
    return {
        "revision": revision,
        "account_id": account_id,
        "email": "anna@example.org",
        "display_name": "Anna",
        "plan": plan,
        "role": "user",
        "status": "active",
        "home_region": "here",
        "created_at": utc_now(),
    }


async def test_on_file_created_uses_up_the_reservation(running: Quota) -> None:
    """Reserved becomes used in one step, and usage-changed names the upload that was counted."""
    account, upload = new_id(), new_id()
    await running.reserve(account, {upload: 40})
    await running.publish(file_created(account, 40, upload))
    await running.usage_becomes(account, used=40, reserved=0, documents=1)
    ((kind, event),) = await running.published(account)
    assert (kind, event["upload_ids"], event["used"], event["documents"]) == ("usage-changed", [upload], 40, 1)


@pytest.mark.parametrize("came", [0, 40, 100])
async def test_unused_parts_of_a_reservation_are_released(quota: Quota, came: int) -> None:
    """An upload whose size was open: what came is counted, and the rest of its reservation is free again at once."""
    account, upload = new_id(), new_id()
    async with quota.running(free_bytes=100):
        assert (await quota.reserve(account, {upload: 100}))[0] == [upload]
        assert (await quota.reserve(account, {new_id(): 1}))[0] == []
        await quota.publish(file_created(account, came, upload))
        await quota.usage_becomes(account, used=came, reserved=0, documents=1)
        row = await quota.database["accounts"].find_one({"_id": account})
        assert (row["reservations"], row["open"]) == ({}, 0)
        if came < 100:
            assert (await quota.reserve(account, {new_id(): 100 - came}))[1]["reserved"] == 100 - came
        assert (await quota.reserve(account, {new_id(): 1}))[0] == []


async def test_a_file_created_that_comes_twice_counts_once(running: Quota) -> None:
    """The same event sent again changes nothing."""
    account = new_id()
    await running.publish(file_created(account, 40))
    await running.usage_becomes(account, used=40)
    await running.mongo.database(f"{running.infra.database_prefix}publisher")["outbox"].update_many(
        {}, {"$set": {"state": "pending"}}
    )
    await running.publish(file_created(account, 2))
    await running.usage_becomes(account, used=42, documents=2)


async def test_two_hundred_files_at_once_publish_few_events(running: Quota) -> None:
    """Changes that come together are published once, with all the uploads they counted."""
    account = new_id()
    uploads = {new_id(): 3 for _ in range(200)}
    await running.reserve(account, uploads)
    await running.publish(*(file_created(account, 3, upload) for upload in uploads))
    await running.usage_becomes(account, used=600, reserved=0, documents=200)
    sent_events = await running.published(account)
    assert sorted(key for _, event in sent_events for key in event["upload_ids"]) == sorted(uploads)
    assert len(sent_events) < 50


async def test_uploads_reserve_while_others_are_counted(quota: Quota) -> None:
    """Reservations outside and counts inside transactions meet in one document, and the sums are exact."""
    account = new_id()
    first, second = {new_id(): 10 for _ in range(40)}, {new_id(): 1 for _ in range(40)}
    async with quota.running(2, grouped=True):
        await quota.reserve(account, first)
        counted = [quota.publish(file_created(account, 10, upload)) for upload in first]
        reserved = [quota.reserve(account, {upload: 1}, instance=1) for upload in second]
        await asyncio.gather(*counted, *reserved)
        await quota.usage_becomes(account, used=400, reserved=40, documents=40)


async def test_on_file_modified_version_pruned_and_file_purged_the_count_follows(running: Quota) -> None:
    """A new version adds its bytes, a pruned one takes its own away, a purge takes the rest and the document."""
    account, upload = new_id(), new_id()
    created = file_created(account, 10)
    about = {"file": created.file, "path": "/a.txt", "actor_id": account}
    await running.reserve(account, {upload: 7})
    await running.publish(created, FileModified(revision=2, **about, upload_id=upload, added_bytes=7))
    await running.usage_becomes(account, used=17, reserved=0, documents=1)
    await running.publish(VersionPruned(revision=3, **about, pruned_version=1, freed_bytes=10))
    await running.usage_becomes(account, used=7, documents=1)
    await running.publish(FilePurged(revision=4, **about, freed_bytes=7))
    await running.usage_becomes(account, used=0, documents=0)


async def test_folders_count_nothing(running: Quota) -> None:
    """A folder that comes or goes changes no figure."""
    account = new_id()
    folder = file_created(account, 0)
    folder = folder.model_copy(update={"file": folder.file.model_copy(update={"kind": "folder"})})
    purged = FilePurged(revision=2, file=folder.file, path="/f", actor_id=account, freed_bytes=0)
    await running.publish(folder, purged, file_created(account, 5))
    await running.usage_becomes(account, used=5, documents=1)


async def test_on_account_plan_changed_the_limit_follows_and_crossing_it_is_published(quota: Quota) -> None:
    """Premium has more room; a downgrade of a fuller account publishes quota-exceeded, purging quota-restored."""
    account = new_id()
    async with quota.running(free_bytes=10, premium_bytes=100):
        await quota.publish(AccountCreated(**person(account, "free")))
        await quota.publish(AccountPlanChanged(**person(account, "premium", 2), previous_plan="free"))
        await quota.usage_becomes(account, limit=100)
        created = file_created(account, 50)
        await quota.publish(created)
        await quota.usage_becomes(account, used=50, over_quota=False)
        await quota.publish(AccountPlanChanged(**person(account, "free", 3), previous_plan="premium"))
        await quota.usage_becomes(account, limit=10, over_quota=True)
        assert (await quota.reserve(account, {new_id(): 0}))[0] == []
        purged = FilePurged(revision=2, file=created.file, path="/a", actor_id=account, freed_bytes=50)
        await quota.publish(purged)
        await quota.usage_becomes(account, over_quota=False)
        crossings = [kind for kind, _ in await quota.published(account) if kind != "usage-changed"]
        assert crossings == ["quota-exceeded", "quota-restored"]


async def test_totals_by_plan_are_exact_and_for_administrators(quota: Quota) -> None:
    """The overview adds up accounts, documents and bytes; others get 403; the metrics are the same."""
    free, premium = new_id(), new_id()
    async with quota.running():
        await quota.publish(AccountCreated(**person(free, "free")), AccountCreated(**person(premium, "free")))
        await quota.publish(file_created(free, 10), file_created(premium, 30), file_created(premium, 20))
        await quota.usage_becomes(premium, used=50)
        await quota.usage_becomes(free, used=10)
        await quota.publish(AccountPlanChanged(**person(premium, "premium", 2), previous_plan="free"))
        await quota.usage_becomes(premium, limit=20 * 1024**3)
        answer = await quota.send("GET", "/v1/admin/overview", bearer=quota.token("admin"))
        assert answer.json() == {
            "accounts": 2,
            "documents": 3,
            "bytes": 60,
            "average_document_bytes": 20,
            "by_plan": {
                "free": {"accounts": 1, "documents": 1, "bytes": 10},
                "premium": {"accounts": 1, "documents": 2, "bytes": 50},
            },
        }
        assert await quota.ok("GET", "/internal/totals") == answer.json()
        assert (await quota.send("GET", "/v1/admin/overview", bearer=quota.token("user"))).status == 403
        assert (await quota.send("GET", "/v1/admin/overview", bearer="x")).status == 401
        assert b'docstore_document_bytes{plan="premium"} 50.0' in exposition()[0]


async def test_drift_is_reported_once_it_has_lasted(quota: Quota) -> None:
    """The background pass finds an account whose count is not what is stored, and leaves it as it is."""
    right, wrong = new_id(), new_id()
    quota.stored |= {right: {"bytes": 10, "documents": 1}, wrong: {"bytes": 4, "documents": 1}}
    async with quota.running(
        reconcile_interval_seconds=0.1, sweep_interval_seconds=0.05, drift_confirm_delay_seconds=0.2
    ):
        await quota.publish(file_created(right, 10), file_created(wrong, 10))

        async def confirmed() -> list[Any]:
            items = (await quota.ok("GET", "/internal/drift"))["items"]
            return [item for item in items if item["confirmed"]]

        (item,) = await eventually(confirmed)
        assert (item["account_id"], item["bytes"], item["documents"]) == (wrong, 6, 0)

        async def in_metrics() -> bool:
            return b"docstore_quota_drift_bytes 6.0" in exposition()[0]

        await eventually(in_metrics)
        assert (await quota.usage(wrong))["used"] == 10


async def test_drift_is_corrected_where_that_is_wanted(quota: Quota) -> None:
    """With the setting, usage and totals are set to what is stored, usage-changed is sent, and the drift is gone."""
    account = new_id()
    quota.stored[account] = {"bytes": 4, "documents": 2}
    settings = {
        "reconcile_interval_seconds": 0.1,
        "sweep_interval_seconds": 0.05,
        "drift_confirm_delay_seconds": 0.1,
        "repair_drift": True,
    }
    async with quota.running(**settings):
        await quota.publish(file_created(account, 10))
        await quota.usage_becomes(account, used=4, documents=2)
        totals = await quota.ok("GET", "/internal/totals")
        assert (totals["bytes"], totals["documents"]) == (4, 2)
        assert [event["used"] for _, event in await quota.published(account)] == [10, 4]


async def test_an_account_with_an_upload_under_way_is_not_compared(running: Quota) -> None:
    """Between metadata's commit and its event a difference is no drift."""
    account = new_id()
    running.stored[account] = {"bytes": 4, "documents": 1}
    await running.reserve(account, {new_id(): 4})
    assert await running.ok("POST", f"/internal/accounts/{account}/reconcile") == {"drift": None}


async def test_a_changed_plan_setting_reaches_the_accounts(quota: Quota) -> None:
    """After a restart with another limit, the background pass gives it to every account, before its turn."""
    account = new_id()
    quota.stored[account] = {"bytes": 10, "documents": 1}
    async with quota.running(free_bytes=100):
        await quota.publish(file_created(account, 10))
        await quota.usage_becomes(account, used=10, limit=100)
    async with quota.running(free_bytes=5):
        await quota.usage_becomes(account, used=10, limit=5, over_quota=True)
