"""Room for uploads is given once, exactly, and comes back."""

import asyncio

import pytest
from quota_service import Quota, file_created

from docstore_events.catalogue.uploads import PackAborted, PackCompleted, PackExpired, UploadAborted, UploadExpired
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_fifty_concurrent_uploads_never_exceed_the_quota(quota: Quota) -> None:
    """Three instances, fifty uploads of 30 bytes, room for 1000: 33 are accepted and the sum is exact."""
    account = new_id()
    async with quota.running(3, free_bytes=1000):
        results = await asyncio.gather(
            *(quota.reserve(account, {new_id(): 30}, instance=number % 3) for number in range(50))
        )
        accepted = [upload_id for ids, _ in results for upload_id in ids]
        assert len(accepted) == 33
        usage = await quota.usage(account)
        assert (usage["used"], usage["reserved"]) == (0, 990)
        row = await quota.database["accounts"].find_one({"_id": account})
        assert set(row["reservations"]) == set(accepted)
        assert [kind for kind, _ in await quota.published(account)] == ["quota-exceeded"]


async def test_no_concurrent_upload_that_fits_is_refused(quota: Quota) -> None:
    """With sizes that differ, the sum stays within the limit and every refused one is larger than what is left."""
    account = new_id()
    sizes = {new_id(): 7 + 13 * number % 90 for number in range(50)}
    async with quota.running(3, free_bytes=1000):
        results = await asyncio.gather(
            *(quota.reserve(account, {key: size}, instance=size % 3) for key, size in sizes.items())
        )
        accepted = {upload_id for ids, _ in results for upload_id in ids}
        reserved = (await quota.usage(account))["reserved"]
        assert reserved == sum(sizes[key] for key in accepted)
        assert min(size for key, size in sizes.items() if key not in accepted) > 1000 - reserved >= 0


async def test_a_batch_is_let_in_in_order_as_far_as_it_fits(quota: Quota) -> None:
    """What fits is accepted, what does not is passed over, and asking again answers the same."""
    account, (a, b, c) = new_id(), (new_id() for _ in range(3))
    async with quota.running(free_bytes=100):
        for _ in range(2):
            accepted, usage = await quota.reserve(account, {a: 60, b: 50, c: 40})
            assert accepted == [a, c]
            assert usage == {"used": 0, "reserved": 100, "limit": 100, "over_quota": False, "documents": 0}


async def test_an_account_with_too_many_open_uploads_gets_429(running: Quota) -> None:
    """Beyond 10,000 open uploads all are refused, with the reason."""
    account = new_id()
    for _ in range(10):
        await running.reserve(account, {new_id(): 1 for _ in range(1000)})
    body = {"account_id": account, "items": [{"upload_id": new_id(), "size": 1}], "expires_at": "2030-01-01T00:00Z"}
    answer = await running.send("POST", "/internal/reservations", body)
    assert (answer.status, answer.json()["code"]) == (429, "too_many_uploads")


@pytest.mark.parametrize("how", ["released", "expired", "aborted"])
async def test_an_upload_that_ends_without_bytes_gives_its_room_back(quota: Quota, how: str) -> None:
    """By the call or by the event, and doing it twice takes nothing twice."""
    account, upload, other = new_id(), new_id(), new_id()
    facts = {"revision": 2, "upload_id": upload, "account_id": account, "path": "/a", "size": 60, "method": "put"}
    async with quota.running(free_bytes=100):
        await quota.reserve(account, {upload: 60, other: 40})
        for _ in range(2):
            if how == "released":
                body = {"account_id": account, "upload_ids": [upload]}
                assert (await quota.ok("POST", "/internal/reservations/release", body))["usage"]["reserved"] == 40
            elif how == "expired":
                await quota.publish(UploadExpired(**facts))
            else:
                await quota.publish(UploadAborted(**facts, reason="given up"))
            await quota.usage_becomes(account, reserved=40)
        assert (await quota.reserve(account, {new_id(): 60}))[1]["reserved"] == 100


@pytest.mark.parametrize("how", ["expired", "aborted", "completed"])
async def test_files_of_a_pack_that_come_to_nothing_give_their_room_back(quota: Quota, how: str) -> None:
    """All of a pack that ends, those refused of one that is completed; and no one else's."""
    account, pack, other = new_id(), new_id(), new_id()
    about = {"revision": 2, "pack_id": pack, "account_id": account, "path": "/", "files": 3, "size": 60}
    events = {
        "expired": PackExpired(**about, numbers=(0, 2, 5)),
        "aborted": PackAborted(**about, numbers=(0, 2, 5), reason="given_up"),
        "completed": PackCompleted(**about, refused=(2, 5), refused_size=50),
    }
    async with quota.running(free_bytes=100):
        await quota.reserve(account, {f"{pack}-0": 10, f"{pack}-2": 20, f"{pack}-5": 30, other: 40})
        await quota.publish(events[how])
        await quota.usage_becomes(account, reserved=50 if how == "completed" else 40)


async def test_a_pack_has_one_reservation_that_its_files_use_up(quota: Quota) -> None:
    """Asked for again it is the same; it shrinks with each file that is counted and ends with the last."""
    account, pack = new_id(), new_id()
    sizes = {f"{pack}-{number}": size for number, size in enumerate((10, 60, 0, 20))}
    async with quota.running(free_bytes=40):
        for _ in range(2):
            accepted, usage = await quota.reserve(account, sizes)
            assert accepted == [f"{pack}-0", f"{pack}-2", f"{pack}-3"]
            assert usage["reserved"] == 30
        row = await quota.database["accounts"].find_one({"_id": account})
        assert set(row["reservations"]) == {pack}
        await quota.publish(file_created(account, 10, f"{pack}-0"))
        await quota.usage_becomes(account, used=10, reserved=20)
        await quota.publish(file_created(account, 0, f"{pack}-2"), file_created(account, 20, f"{pack}-3"))
        await quota.usage_becomes(account, used=30, reserved=0)
        row = await quota.database["accounts"].find_one({"_id": account})
        assert (row["reservations"], row["open"]) == ({}, 0)


async def test_a_reservation_that_no_event_ends_is_swept(quota: Quota) -> None:
    """After its time it goes, and only it: one with more time stays."""
    account, short, long = new_id(), new_id(), new_id()
    async with quota.running(sweep_interval_seconds=0.05, expiry_grace_seconds=0):
        await quota.reserve(account, {long: 5})
        await quota.reserve(account, {short: 7}, seconds=0.2)
        await quota.usage_becomes(account, reserved=5)
        row = await quota.database["accounts"].find_one({"_id": account})
        assert set(row["reservations"]) == {long}
        assert row["next_expiry"] == row["reservations"][long]["expires_at"]


async def test_a_refused_client_that_tries_again_sends_one_message(quota: Quota) -> None:
    """quota-exceeded contains the size that did not fit, once within the hour, from whichever instance."""
    account = new_id()
    async with quota.running(2, free_bytes=10):
        refusals = (quota.reserve(account, {new_id(): 11}, instance=number % 2) for number in range(10))
        assert all(accepted == [] for accepted, _ in await asyncio.gather(*refusals))
        ((kind, event),) = await quota.published(account)
        assert (kind, event["requested"], event["limit"]) == ("quota-exceeded", 11, 10)


@pytest.mark.parametrize("item", [("a.b", 1), ("$a", 1), ("a", -1), ("a", 2**60)])
async def test_absurd_reservations_are_refused(running: Quota, item: tuple[str, int]) -> None:
    """Ids that could name another field and sizes no upload has are 422, and no account is made."""
    account = new_id()
    body = {
        "account_id": account,
        "items": [{"upload_id": item[0], "size": item[1]}],
        "expires_at": "2030-01-01T00:00Z",
    }
    assert (await running.send("POST", "/internal/reservations", body)).status == 422
    assert await running.database["accounts"].find_one({"_id": account}) is None


async def test_internal_routes_are_for_services(running: Quota) -> None:
    """A person's token, or none, opens no internal route."""
    answer = await running.send("GET", "/internal/totals", bearer="guess")
    assert answer.status == 401


async def test_an_expired_upload_frees_room_while_others_reserve(quota: Quota) -> None:
    """Releases and reservations that meet in one account lose nothing."""
    account = new_id()
    first = {new_id(): 10 for _ in range(20)}
    async with quota.running(2, free_bytes=1000):
        await quota.reserve(account, first)
        later = [new_id() for _ in range(20)]
        await asyncio.gather(
            *(quota.reserve(account, {key: 10}, instance=1) for key in later),
            *(
                quota.ok("POST", "/internal/reservations/release", {"account_id": account, "upload_ids": [key]})
                for key in first
            ),
        )

        async def settled() -> bool:
            return bool((await quota.usage(account))["reserved"] == 200)

        await eventually(settled)
        row = await quota.database["accounts"].find_one({"_id": account})
        assert (set(row["reservations"]), row["open"]) == (set(later), 20)


async def test_a_plan_ahead_of_its_event_counts_before_a_refusal(quota: Quota) -> None:
    """Who has just moved to premium is not refused for want of an event that is still under way."""
    async with quota.running(free_bytes=100, premium_bytes=1000):
        assert (await quota.reserve("ada", {"first": 500}))[0] == []
        quota.accounts["ada"] = {"plan": "premium", "revision": 2}
        accepted, usage = await quota.reserve("ada", {"second": 500})
        assert (accepted, usage["limit"]) == (["second"], 1000)
