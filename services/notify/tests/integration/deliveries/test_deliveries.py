"""Mails arrive once, soon, gathered where they are many; and none is lost when something fails."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer
from moto.ses.models import ses_backends
from notify_service import Notify
from receivers import SmtpServer, parse
from service_calls import environment_of

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_a_batch_of_files_is_a_few_mails(notify: Notify) -> None:
    """Three hundred uploads at once: one mail at once, a digest after the pause, each upload once."""
    anna = notify.person()
    async with notify.running(digest_interval_seconds=1, upload_quiet_delay_seconds=1):
        await notify.publish(anna.signed_up())
        ids = await notify.publish(*(anna.uploaded(f"{n}.txt") for n in range(300)))
        sent = await notify.until_notified(*ids)
        assert len(sent) <= 4
        assert len(notify.ses.mailbox.mails) == len(sent)


async def test_a_large_upload_ends_with_one_summary(notify: Notify) -> None:
    """One mail and one notification of the first file, one of each of all others; they are done with meanwhile."""
    anna = notify.person()
    async with notify.running(upload_quiet_delay_seconds=3600):
        _, first = await notify.publish(anna.signed_up(), anna.uploaded("first.txt"))
        for channel in ("email", "in_app"):
            await notify.until_notified(first, channel=channel)
        rest: list[str] = []
        for batch in range(3):
            rest += await notify.publish(*(anna.uploaded(f"{batch}-{n}.txt") for n in range(40)))

        async def done_with() -> bool:
            answer = await notify.internal("POST", "/internal/events/settled", {"event_ids": rest})
            return set(answer["settled"]) == set(rest)

        await eventually(done_with)
        deliveries = notify.database["deliveries"]
        await deliveries.update_many({"state": "pending"}, [{"$set": {"next_at": "$$NOW"}}])
    async with notify.running(upload_quiet_delay_seconds=3600):
        for channel in ("email", "in_app"):
            _, summary = await notify.until_notified(first, *rest, channel=channel)
            assert len(summary["cause_ids"]) == 120
        assert notify.ses.mailbox.subjects() == ["Uploaded: first.txt", "Uploaded: 120 files"]
        titles = [one["title"] for one in (await anna.get("/v1/notifications"))["items"]]
        assert titles == ["Uploaded: 120 files", "Uploaded: first.txt"]


async def test_without_a_pause_each_event_is_a_mail(notify: Notify) -> None:
    """NOTIFY_DIGEST_INTERVAL_SECONDS=0: three events, three mails."""
    anna = notify.person()
    async with notify.running(digest_interval_seconds=0):
        ids = await notify.publish(anna.signed_up(), *(anna.uploaded(f"{n}.txt") for n in range(3)))
        await notify.until_notified(*ids[1:])
        assert sorted(notify.ses.mailbox.subjects()) == [f"Uploaded: {n}.txt" for n in range(3)]


async def test_a_repeated_event_notifies_once(notify: Notify) -> None:
    """The same event sent again makes no second mail."""
    anna = notify.person()
    async with notify.running(digest_interval_seconds=0):
        ids = await notify.publish(anna.signed_up(), anna.uploaded())
        await notify.until_notified(ids[1])
        outbox = notify.mongo.database(f"{notify.infra.database_prefix}publisher")["outbox"]
        await outbox.update_many({}, {"$set": {"state": "pending"}})
        (last,) = await notify.publish(anna.uploaded("last.txt"))
        await notify.until_notified(last)
        assert sorted(notify.ses.mailbox.subjects()) == ["Uploaded: last.txt", "Uploaded: plan.pdf"]


async def test_two_instances_send_each_mail_once(notify: Notify) -> None:
    """Senders of several instances share the work by claiming it."""
    anna = notify.person()
    async with notify.running(2, digest_interval_seconds=0):
        ids = await notify.publish(anna.signed_up(), *(anna.uploaded(f"{n}.txt") for n in range(60)))
        await notify.until_notified(*ids[1:])
        assert set(notify.ses.mailbox.counts().values()) == {1}
        assert len(notify.ses.mailbox.mails) == 60


@pytest.mark.parametrize("mood", ["failing", "throttling"])
async def test_while_ses_is_down_mails_wait_and_then_all_arrive_once(notify: Notify, mood: str) -> None:
    """Nothing is lost or doubled, and meanwhile the events are not settled."""
    anna = notify.person()
    notify.ses.mood = mood
    async with notify.running(digest_interval_seconds=0):
        ids = await notify.publish(anna.signed_up(), *(anna.uploaded(f"{n}.txt") for n in range(5)))

        async def all_tried() -> bool:
            return notify.ses.requested >= 5

        await eventually(all_tried)
        settled = await notify.internal("POST", "/internal/events/settled", {"event_ids": ids})
        assert set(settled["settled"]) <= {ids[0]}
        assert await notify.published() == []
        notify.ses.mood = "well"
        await notify.until_notified(*ids[1:])
        assert set(notify.ses.mailbox.counts().values()) == {1}
        settled = await notify.internal("POST", "/internal/events/settled", {"event_ids": ids})
        assert set(settled["settled"]) == set(ids)


async def test_a_permanently_refused_mail_fails_with_an_event(notify: Notify) -> None:
    """notification-failed names the reason; it is tried once."""
    anna = notify.person()
    notify.ses.mood = "refusing"
    async with notify.running():
        ids = await notify.publish(anna.signed_up(), anna.uploaded())
        ((kind, data),) = await eventually(notify.published)
        assert (kind, data["cause_ids"], notify.ses.requested) == ("notification-failed", [ids[1]], 1)
        assert "BadRequest" in data["reason"]


async def test_a_mail_that_can_not_be_sent_for_too_long_fails(notify: Notify) -> None:
    """After the time for giving up the next failed try is the last."""
    anna = notify.person()
    notify.ses.mood = "failing"
    async with notify.running(give_up_after_seconds=0.5):
        await notify.publish(anna.signed_up(), anna.uploaded())
        ((kind, _),) = await eventually(notify.published)
        assert kind == "notification-failed"


async def test_an_ses_that_does_not_respond_delays_no_other_channel(notify: Notify) -> None:
    """A slow channel has a time limit; the mail is sent again under the same id, and marked once."""
    anna, bert = notify.person(), notify.person()
    notify.ses.mood = "silent"
    async with notify.running(send_timeout_seconds=0.5, digest_interval_seconds=0):
        await notify.publish(anna.signed_up(), bert.signed_up())
        first = await notify.publish(anna.uploaded())

        async def taken() -> bool:
            return bool(notify.ses.mailbox.mails)

        await eventually(taken)
        notify.ses.mood = "well"
        second = await notify.publish(bert.uploaded())
        await notify.until_notified(*first, *second)
        counts = notify.ses.mailbox.counts()
        assert len(counts) == 2
        assert max(counts.values()) > 1  # and Bert's, too, where this machine took longer than the limit


@asynccontextmanager
async def own_process(notify: Notify, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The service in a process of its own, on the same servers."""
    variables = environment_of(notify.infra)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "docstore_notify",
        env={**os.environ, **variables, "PORT": "0", "NOTIFY_SES_ENDPOINT": notify.ses.url, **settings},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()


async def test_a_sender_killed_between_sending_and_marking_loses_nothing(notify: Notify) -> None:
    """kill -9 after SES has the mail and before it is marked: it is sent again under the same id, and marked once."""
    anna = notify.person()
    notify.ses.mood = "silent"
    async with notify.publisher().running(), own_process(notify, NOTIFY_LEASE_SECONDS="1") as process:
        ids = await notify.publish(anna.signed_up(), anna.uploaded())

        async def taken() -> bool:
            return bool(notify.ses.mailbox.mails)

        await eventually(taken)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    notify.ses.mood = "well"
    async with notify.running():
        (sent,) = await notify.until_notified(ids[1])
    first, second = notify.ses.mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert notify.ses.mailbox.counts() == {sent["delivery_id"]: 2}


async def test_a_stopped_service_finishes_what_it_is_sending(notify: Notify) -> None:
    """An orderly stop doubles nothing: the mail under way is marked before the service ends."""
    anna = notify.person()
    async with notify.running(digest_interval_seconds=0):
        ids = await notify.publish(anna.signed_up(), *(anna.uploaded(f"{n}.txt") for n in range(20)))

        async def begun() -> bool:
            return bool(notify.ses.mailbox.mails)

        await eventually(begun)
    async with notify.running(digest_interval_seconds=0):
        await notify.until_notified(*ids[1:])
    assert set(notify.ses.mailbox.counts().values()) == {1}


async def test_moto_as_ses_accepts_our_mails(notify: Notify) -> None:
    """boto3 and an independent SES understand each other: sender, recipient and both parts arrive."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": "us-west-2"}
        await asyncio.to_thread(
            lambda: boto3.client("sesv2", endpoint_url=url, **keys).create_email_identity(
                EmailIdentity="no-reply@docstore.example"
            )
        )
        anna = notify.person()
        async with notify.running(ses_endpoint=url):
            ids = await notify.publish(anna.signed_up(), anna.uploaded("Überblick.pdf"))
            await notify.until_notified(ids[1])
        (message,) = ses_backends[DEFAULT_ACCOUNT_ID]["us-west-2"].sent_messages
        mail = parse(message.raw_data.encode())
        assert any(anna.email in destination for destination in message.destinations)
        assert mail["Subject"] == "Uploaded: Überblick.pdf"
        assert {part.get_content_type() for part in mail.walk()} >= {"text/plain", "text/html"}
    finally:
        server.stop()


async def test_smtp_carries_the_same_mails(notify: Notify) -> None:
    """By setting, mails go to an SMTP server; an unknown mailbox fails for good, the next one is sent."""
    anna, bert = notify.person(), notify.person()
    async with SmtpServer(refuses={bert.email}).running() as smtp:
        settings = {"transport": "smtp", "smtp_host": "127.0.0.1", "smtp_port": smtp.port, "smtp_tls": "none"}
        async with notify.running(**settings):
            ids = await notify.publish(
                anna.signed_up(), bert.signed_up(), bert.uploaded(), anna.uploaded("Überblick.pdf")
            )
            await notify.until_notified(ids[3])

            async def failed() -> list[Any]:
                return [data for kind, data in await notify.published() if kind == "notification-failed"]

            ((data),) = await eventually(failed)
            assert data["account_id"] == bert.id
        (mail,) = smtp.mailbox.mails
        assert mail["Subject"] == "Uploaded: Überblick.pdf"
        assert "Upload complete" in mail.get_body(("plain",)).get_content()


async def test_an_address_of_another_script_is_sent_to_or_fails_at_once(notify: Notify) -> None:
    """A domain is sent to the SMTP server in IDNA; a local part that few servers accept is not retried for a day."""
    anna, bert = notify.person(), notify.person()
    async with SmtpServer().running() as smtp:
        settings = {"transport": "smtp", "smtp_host": "127.0.0.1", "smtp_port": smtp.port, "smtp_tls": "none"}
        async with notify.running(**settings):
            ids = await notify.publish(
                anna.signed_up().model_copy(update={"email": "anna@b\u00fccher.example"}),
                bert.signed_up().model_copy(update={"email": "jos\u00e9@example.org"}),
                anna.uploaded(),
                bert.uploaded(),
            )
            await notify.until_notified(ids[2])

            async def failed() -> list[Any]:
                return [data for kind, data in await notify.published() if kind == "notification-failed"]

            (data,) = await eventually(failed)
            assert data["account_id"] == bert.id
        assert smtp.recipients == ["anna@xn--bcher-kva.example"]


async def test_an_smtp_server_that_is_down_is_waited_for(notify: Notify) -> None:
    """No connection is no reason to lose a mail."""
    anna = notify.person()
    smtp = SmtpServer()
    async with smtp.running():
        pass
    settings = {"transport": "smtp", "smtp_host": "127.0.0.1", "smtp_port": smtp.port, "smtp_tls": "none"}
    async with notify.running(**settings):
        ids = await notify.publish(anna.signed_up(), anna.uploaded())

        async def tried() -> Any:
            return await notify.database["deliveries"].find_one({"error": {"$exists": True}})

        await eventually(tried)
        server = await asyncio.start_server(smtp.talk, "127.0.0.1", smtp.port)
        await notify.until_notified(ids[1])
        server.close()
    assert len(smtp.mailbox.mails) == 1
