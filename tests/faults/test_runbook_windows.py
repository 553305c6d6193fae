"""Drills of alerts on rates and error budgets, over what the stack's metrics show from one scrape to the next."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from drills import Operator, Watch
from old_data_folder import opened_databases
from people import Person
from refused_calls import refused_calls
from runbook_pages import Drill
from shell import Shell
from stacks import SHORT_WAITS, SUPERVISOR, DetachedStack
from webhook_receivers import Receiver, Reply

from docstore_contents.packs import Slice, index_bytes
from docstore_platform.mongodb.client import Database
from docstore_platform.testing import eventually
from docstore_standalone.chaos.faults import paused

pytestmark = [pytest.mark.connected, pytest.mark.faults]
ENVIRONMENT = SHORT_WAITS | {
    "NOTIFY_DIGEST_INTERVAL_SECONDS": "5",
    "NOTIFY_WEBHOOK_ALLOW_HTTP": "true",
    "NOTIFY_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    "UPLOAD_SETTLE_ATTEMPTS": "2",
    "UPLOAD_SETTLE_LONGEST_DELAY_SECONDS": "1",
}
"""A thousand files are no thousand mails, webhooks reach this machine, and uploads count as stalled after seconds."""
ALWAYS = 100_000
SENDING_PAUSED = Reply(400, b'{"message": "Sending is paused."}', {"x-amzn-errortype": "SendingPausedException"})
UNAVAILABLE = Reply(503)
SLOW_SECONDS, LATE_SECONDS = 1.2, 10.0
"""More than the limit of calls, and the limit of events."""
CALLS_AT_ONCE, CALLS_A_MINUTE = 30, 2000
PACKS, FILES_OF_A_PACK = 3, 400
"""Together more events than a service may be behind."""
PAGE_MINUTES, TICKET_MINUTES = 35, 6 * 60 + 5
"""How long after its cause a budget's alert ends."""


@pytest.fixture(scope="module")
async def mail_server() -> AsyncIterator[Receiver]:
    """An SES that accepts everything, unless it has replies."""
    async with Receiver().running() as receiver:
        yield receiver


@pytest.fixture(scope="module")
async def stack(mail_server: Receiver, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DetachedStack]:
    mails = {"NOTIFY_SES_ENDPOINT": f"http://127.0.0.1:{mail_server.port}"}
    async with DetachedStack(tmp_path_factory.mktemp("watched"), ENVIRONMENT | mails) as running:
        yield running


@pytest.fixture(scope="module")
def watch(stack: DetachedStack) -> Watch:
    """One for all drills, so that the last one can wait for the end of all tickets."""
    return Watch(stack)


@pytest.fixture
async def admin(stack: DetachedStack) -> AsyncIterator[Database]:
    async with opened_databases(stack.data, stack.state.addresses["mongodb"]) as opened:
        yield opened.database("admin")


@pytest.fixture
def operator(stack: DetachedStack, tmp_path: Path) -> Operator:
    return Operator(Shell(tmp_path), stack)


@asynccontextmanager
async def kept_down(stack: DetachedStack, component: str) -> AsyncIterator[None]:
    """Kill it; as the supervisor stands still, it is restarted only after the block."""
    async with paused([stack.process(SUPERVISOR)]):
        killed = await stack.kill(component)
        yield
    await stack.returned(component, killed)


@asynccontextmanager
async def writes_blocked(admin: Database) -> AsyncIterator[None]:
    """As by a tool that copies the files of the database."""
    await admin.command({"fsync": 1, "lock": True})
    try:
        yield
    finally:
        await admin.command("fsyncUnlock")


@asynccontextmanager
async def without_rights(admin: Database, database: str) -> AsyncIterator[None]:
    """The services can neither read nor write one of their databases."""
    role = "docstore-services"
    (known,) = (await admin.command({"rolesInfo": role, "showPrivileges": True}))["roles"]
    fewer = [each for each in known["privileges"] if each["resource"].get("db") != database]
    assert len(fewer) < len(known["privileges"])
    await admin.command({"updateRole": role, "privileges": fewer})
    try:
        yield
    finally:
        await admin.command({"updateRole": role, "privileges": known["privileges"]})


async def upload_pack(person: Person, files: dict[str, bytes]) -> None:
    described = [{"path": path, "size": len(one), "sha256": sha256(one).hexdigest()} for path, one in files.items()]
    pack = await person.call("POST", "/v1/packs", {"files": described})
    slices = [Slice(**place) for place in pack["files"]]
    await person.put_once(pack["put"], b"".join(files.values()) + index_bytes(slices))
    await person.call("POST", f"/v1/packs/{pack['id']}/complete")


async def test_slow_calls(stack: DetachedStack, watch: Watch, admin: Database) -> None:
    """While the database is locked, `currentOp` shows who waits and its log lists them; after that, calls are fast."""
    slow, latency = Drill("AnswersSlow"), Drill("ApiLatencyBudgetBurns")
    command = slow.quoted("db.currentOp()").removeprefix("db.").removesuffix("()")
    made, waiting = 0, 0
    async with await Person.new(stack.gateway) as ada:

        async def make_folders() -> None:
            nonlocal made, waiting
            async with writes_blocked(admin):
                paths = [f"/{made + number}" for number in range(CALLS_AT_ONCE)]
                calls = [asyncio.create_task(ada.call("POST", "/v1/folders", {"path": path})) for path in paths]
                await asyncio.wait(calls, timeout=SLOW_SECONDS)
                found = (await admin.command(command))["inprog"]
                waiting = max(waiting, sum(each.get("waitingForLock", False) for each in found))
            await asyncio.gather(*calls)
            made += len(calls)

        await watch.until(slow, firing=True, each_minute=make_folders)
        for severity in ("page", "ticket"):
            await watch.until(latency, firing=True, severity=severity, each_minute=make_folders)
        assert waiting > 0
        assert "Slow query" in (stack.data / "logs" / "mongod.log").read_text("utf-8")
        over = watch.minute
        await watch.until(slow, firing=False)
        await watch.until(latency, firing=False, severity="page")
        assert watch.minute - over <= PAGE_MINUTES


async def test_failing_calls(stack: DetachedStack, watch: Watch, operator: Operator) -> None:
    """Without the object store uploads are refused. What is repeated with its Idempotency-Key succeeds afterwards."""
    errors, availability = Drill("ErrorsServed"), Drill("ApiAvailabilityBudgetBurns")
    upload = {"path": "/large", "size": 50_000_000, "method": "multipart"}
    async with await Person.new(stack.gateway) as ada:

        async def begin(key: str) -> int:
            return (await ada.ask("POST", "/v1/uploads", upload, {"idempotency-key": key})).status

        async def refused() -> None:
            answer = await ada.ask("POST", "/v1/uploads", upload)
            assert (answer.status, "object store" in answer.json()["detail"]) == (503, True)

        async with kept_down(stack, "object-store"):
            assert await begin("once") == 503
            await watch.until(errors, firing=True, service="upload", each_minute=refused)
            for severity in ("page", "ticket"):
                await watch.until(availability, firing=True, severity=severity, each_minute=refused)
            await operator.done(availability, "docstore admin health")  # it does not include the object store
        over = watch.minute

        async def succeeds() -> bool:
            return await begin("once") == 201

        await eventually(succeeds)
    await watch.until(errors, firing=False)
    await watch.until(availability, firing=False, severity="page")
    assert watch.minute - over <= PAGE_MINUTES


async def test_a_service_that_handles_no_events(
    stack: DetachedStack, watch: Watch, admin: Database, operator: Operator
) -> None:
    """Uploads stall, as the log says for which service, and it falls behind. What it catches up with is late."""
    lagging, stalled = Drill("ConsumerLagging"), Drill("UploadsStalled")
    late, fresh, processed = Drill("EventsLate"), Drill("EventsFreshBudgetBurns"), Drill("UploadsProcessedBudgetBurns")
    loop = asyncio.get_running_loop()
    async with await Person.new(stack.gateway) as ada:
        await ada.upload("/handled.txt", b"a")
        async with without_rights(admin, "docstore_notify"):
            await ada.upload("/first.txt", b"a")
            await watch.until(stalled, firing=True)
            for pack in range(PACKS):
                numbers = range(FILES_OF_A_PACK)
                await upload_pack(ada, {f"/many/{pack}/{number}.txt": b"%d" % number for number in numbers})
            uploaded_at = loop.time()
            for severity in ("page", "ticket"):  # before the next alert, which may take longer than these last
                await watch.until(processed, firing=True, severity=severity)
            await watch.until(lagging, firing=True, service="notify")
            health = await operator.run(lagging, "docstore admin health")
            assert re.search(r"\bnotify\W+unreachable\b", health.out), health

            async def is_late() -> bool:
                return loop.time() - uploaded_at > LATE_SECONDS

            await eventually(is_late)
        log = operator.log().splitlines()
        assert any("uploads_stalled" in line and '"notify"' in line for line in log)
        for event in ("batch_not_consumed", "worker_retries"):
            assert any(event in line and '"notify"' in line and "not authorized" in line for line in log)
        over = watch.minute
        for drill in (lagging, stalled):
            await watch.until(drill, firing=False)
        assert watch.fired(late, over, service="notify")
        for severity in ("page", "ticket"):
            assert watch.fired(fresh, over, service="notify", severity=severity)
        await watch.until(late, firing=False)
        for drill in (fresh, processed):
            await watch.until(drill, firing=False, severity="page")


async def test_a_webhook_that_fails(stack: DetachedStack, watch: Watch) -> None:
    """The route that the page names shows the receiver's responses, and the message is sent once it accepts it."""
    drill = Drill("DeliveriesFail")
    route = drill.quoted("GET /v1/subscriptions/{id}/deliveries").split()[1]
    async with Receiver(*[UNAVAILABLE] * ALWAYS).running() as receiver, await Person.new(stack.gateway) as ada:
        folder = await ada.call("POST", "/v1/folders", {"path": "/followed"})
        target = {"url": f"http://127.0.0.1:{receiver.port}/"}
        wish = {"file_id": folder["id"], "channel": "webhook", "target": target}
        subscription = await ada.call("POST", "/v1/subscriptions", wish)
        await ada.upload("/followed/a.txt", b"a")
        await watch.until(drill, firing=True, channel="webhook")

        async def deliveries() -> Any:
            return (await ada.call("GET", route.replace("{id}", subscription["id"])))["items"]

        assert {attempt["status"] for each in await deliveries() for attempt in each["tries"]} == {503}
        receiver.replies.clear()

        async def sent() -> bool:
            return {each["state"] for each in await deliveries()} == {"sent"}

        await eventually(sent)
        await watch.until(drill, firing=False, channel="webhook")


async def test_mails_that_are_put_off(
    stack: DetachedStack, watch: Watch, mail_server: Receiver, operator: Operator
) -> None:
    """The log contains the response of the mail server, and what was put off is sent by itself."""
    drill, people = Drill("MailsAcceptedBudgetBurns"), set[str]()

    async def sign_up() -> None:
        async with await Person.new(stack.gateway) as person:
            people.add(person.email)

    mail_server.replies += [SENDING_PAUSED] * ALWAYS
    for severity in ("page", "ticket"):
        await watch.until(drill, firing=True, severity=severity, each_minute=sign_up)
    assert any("delivery_postponed" in line and "Sending is paused" in line for line in operator.log().splitlines())
    mail_server.received.clear()
    mail_server.replies.clear()

    async def all_sent() -> bool:
        return all(any(email.encode() in mail.body for mail in mail_server.received) for email in people)

    await eventually(all_sent)
    await watch.until(drill, firing=False, severity="page")


async def test_the_end_of_tickets(watch: Watch) -> None:
    """Six hours later nothing is left of any."""
    budgets = [Drill("ApiAvailabilityBudgetBurns"), Drill("ApiLatencyBudgetBurns"), Drill("EventsFreshBudgetBurns")]
    budgets += [Drill("MailsAcceptedBudgetBurns"), Drill("UploadsProcessedBudgetBurns")]
    assert any(watch.fires(drill, severity="ticket") for drill in budgets)
    for _ in range(TICKET_MINUTES):
        await watch.scrape()
    assert not [drill for drill in budgets if watch.fires(drill)]


async def test_lost_audit_calls(stack: DetachedStack, watch: Watch, operator: Operator) -> None:
    """The log tells why calls wait as soon as an attempt has failed, and the access log has a line for each of them."""
    drill, made = Drill("AuditCallsLost"), 0

    async def call_much() -> None:
        nonlocal made
        await refused_calls(stack.gateway, CALLS_A_MINUTE)
        made += CALLS_A_MINUTE

    async def reason_is_logged() -> bool:
        log = operator.log().splitlines()
        return any("audit_calls_delayed" in line and "Connection refused" in line for line in log)

    async with kept_down(stack, "mongod"):
        await watch.until(drill, firing=True, each_minute=call_much)
        await eventually(reason_is_logged)
    log = operator.log().splitlines()
    assert sum('"event":"request"' in line and '"method":"DELETE"' in line for line in log) == made
    await watch.until(drill, firing=False)
