"""One e-mail, one account, in two regions together; and a log-in that finds its way home."""

import asyncio
import random

import pytest
from accounts_client import PASSWORD, Client
from regions_client import EAST, WEST, OpenRegion, Region

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_a_login_elsewhere_is_sent_home(west: Region, east: Region) -> None:
    """307 to the home's public address, whatever the password: it is not known here, and nothing more is revealed."""
    await west.sign_up("Ann@Example.org")
    await east.knows("ann@example.org", revision=1)
    for password in (PASSWORD, "wrong horse"):
        answer = await east.client.call("POST", "/v1/sessions", {"email": "ann@example.ORG", "password": password})
        assert (answer.status, answer.headers["location"]) == (307, f"https://{WEST}.example.org/v1/sessions")
        assert answer.headers["cache-control"] == "no-store"
        problem = answer.json()
        assert (problem.pop("code"), problem.pop("home_region")) == ("home_region", WEST)
        assert problem.keys() == {"type", "title", "status", "detail"}
    assert (await west.log_in("ann@example.org")).status == 201
    assert (await east.log_in("bob@example.org")).json()["code"] == "invalid_credentials"


async def test_a_token_of_another_region_is_no_token(west: Region, east: Region, client_of: type[Client]) -> None:
    """401 for an access token and for a refresh token that another region made."""
    await west.sign_up("ann@example.org")
    tokens = (await west.log_in("ann@example.org")).json()
    outsider = client_of(east.client.app, tokens["access_token"])
    assert await outsider.refused("GET", "/v1/sessions") == (401, "unauthorized")
    body = {"refresh_token": tokens["refresh_token"]}
    assert await east.client.refused("POST", "/v1/sessions/refresh", body) == (401, "unauthorized")
    assert (await west.client.call("POST", "/v1/sessions/refresh", body)).status == 200


async def test_concurrent_sign_ups_in_both_regions_make_one_account(west: Region, east: Region) -> None:
    """Forty rounds, three tries in each region at once: one 201, else 409 email_taken; nothing is half done."""
    emails = [f"{number}@example.org" for number in range(40)]
    winners = set()
    for email in emails:
        tries = [west, east] * 3
        random.shuffle(tries)
        answers = await asyncio.gather(*(region.sign_up(email) for region in tries))
        assert sorted(answer.status for answer in answers) == [201] + [409] * 5, email
        assert {answer.json()["code"] for answer in answers if answer.status == 409} == {"email_taken"}
        winners.add(next(answer.json()["home_region"] for answer in answers if answer.status == 201))
    assert winners == {WEST, EAST}
    await west.settled()
    await east.settled()
    await west.settled()  # what the east sent last is replicated by it
    assert await west.accounts() + await east.accounts() == len(emails)
    for email in emails:
        assert await west.entry(email) == await east.entry(email)
        statuses = {(await region.log_in(email)).status for region in (west, east)}
        assert statuses == {201, 307}


async def test_without_the_arbiter_its_addresses_cannot_be_claimed(west: Region, east: Region) -> None:
    """503 with its reason and no trace; e-mails decided here are available; afterwards all are."""
    east.line.cut = True
    theirs, ours = east.email(), west.email()
    refused = await west.sign_up(theirs)
    assert (refused.status, refused.json()["code"]) == (503, "region_unreachable")
    assert refused.headers["retry-after"] == "5"
    assert await west.accounts() == 0
    assert await west.database["sign_ups"].find_one({}) is None
    assert await west.database["outbox"].find_one({}) is None
    assert (await west.sign_up(ours)).status == 201
    east.line.cut = False
    assert (await west.sign_up(theirs)).status == 201
    await west.settled()
    await east.settled()


async def test_an_answer_that_is_lost_leaves_the_email_free(west: Region, east: Region) -> None:
    """The arbiter granted it, but the answer was lost: the next one gets the e-mail, in either region."""
    for again in (west, east):
        email = east.email()
        east.line.lose_answers = True
        assert (await west.sign_up(email)).status == 503
        east.line.lose_answers = False
        assert (await east.entry(email))["revision"] == 0
        assert (await again.sign_up(email)).status == 201
        assert (await west.knows(email, revision=1))["home_region"] == again.name


async def test_a_claim_whose_region_is_away_is_not_given_to_another(west: Region, east: Region) -> None:
    """Whether its sign-up made an account only that region knows: 503 until it answers, however long that takes."""
    email = east.email()
    east.line.lose_answers = True
    assert (await west.sign_up(email)).status == 503
    east.line.lose_answers, west.line.cut = False, True
    assert (await east.sign_up(email)).json()["code"] == "region_unreachable"
    west.line.cut = False
    assert (await east.sign_up(email)).status == 201


@pytest.mark.parametrize("arbiter", ["west", "east"])
async def test_an_account_lost_by_a_restore_can_be_made_again_at_its_home(
    west: Region, east: Region, arbiter: str
) -> None:
    """Only there: the home's word counts for its own accounts. Afterwards both regions know the new one."""
    email = (west if arbiter == "west" else east).email()
    assert (await west.sign_up(email)).status == 201
    lost = await east.knows(email, revision=1)
    await west.settled()
    await west.database["accounts"].delete_one({"email": email})
    await west.database["directory"].delete_one({"_id": lost["_id"]})
    assert (await east.sign_up(email)).json()["code"] == "email_taken"
    account = (await west.sign_up(email)).json()
    assert (await east.knows(email, account_id=account["id"], revision=1))["home_region"] == WEST
    assert (await west.log_in(email)).status == 201
    assert (await east.log_in(email)).status == 307
    assert (await west.sign_up(email)).json()["code"] == "email_taken"


async def test_a_new_region_decides_nothing_before_it_has_the_accounts(open_region: OpenRegion) -> None:
    """503 for the addresses it decides, taken or not, until it is replicated; those of other regions are available."""
    async with open_region(WEST, peers={}) as alone:
        taken = alone.email(EAST)
        assert (await alone.sign_up(taken)).status == 201
    async with open_region(EAST, is_cut=True) as east:
        assert (await east.sign_up(taken)).json()["code"] == "region_unreachable"
        async with open_region(WEST) as west:
            assert (await west.sign_up(west.email())).status == 201
            for email in (taken, east.email()):
                assert (await east.sign_up(email)).json()["code"] == "region_unreachable"
            assert (await east.sign_up(west.email())).status == 201
            east.line.cut = False
            await west.settled()
            assert (await east.sign_up(taken)).json()["code"] == "email_taken"
            assert (await east.log_in(taken)).status == 307

            async def is_introduced() -> bool:  # noted after what was replicated
                return bool((await east.sign_up(east.email())).status == 201)

            await eventually(is_introduced)
            west.line.cut = True
            assert (await east.sign_up(east.email())).status == 201


async def test_two_regions_that_begin_together_wait_for_each_other_no_longer_than_both_are_there(
    open_region: OpenRegion,
) -> None:
    """Neither has accounts to replicate: 503 at the one that is alone, then sign-ups at both."""
    async with open_region(WEST) as west:
        assert (await west.sign_up(west.email())).status == 503
        async with open_region(EAST) as east:
            for region in (east, west):
                for arbiter in (east, west):

                    async def is_let_in(region: Region = region, arbiter=arbiter) -> bool:
                        return bool((await region.sign_up(arbiter.email())).status == 201)

                    await eventually(is_let_in)
