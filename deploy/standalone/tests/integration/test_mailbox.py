"""The local SES, spoken to by boto3."""

import asyncio
from email.message import EmailMessage

import aiohttp
import pytest
from botocore.exceptions import ClientError
from server_notes import aws_client

from docstore_standalone.mailbox import read_mailbox
from docstore_standalone.servers import Servers

pytestmark = pytest.mark.connected


async def test_mails_of_boto3_are_in_the_mailbox(servers: Servers) -> None:
    """Simple and raw content: the answered ids are those of the stored mails, in order."""
    ses = aws_client(servers, "sesv2", servers.services_keys)
    raw = EmailMessage()
    raw["From"], raw["To"], raw["Subject"] = "a@example.com", "b@example.com", "raw"
    raw.set_content("raw text")
    answers = [
        await asyncio.to_thread(
            ses.send_email,
            FromEmailAddress="a@example.com",
            Destination={"ToAddresses": ["b@example.com"]},
            Content={
                "Simple": {
                    "Subject": {"Data": "simple", "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": "text"}, "Html": {"Data": "<b>text</b>"}},
                }
            },
            EmailTags=[{"Name": "kind", "Value": "test"}],
        ),
        await asyncio.to_thread(ses.send_email, Content={"Raw": {"Data": raw.as_bytes()}}),
    ]
    mails = read_mailbox(servers.mailbox)
    assert [mail.message_id for mail in mails] == [answer["MessageId"] for answer in answers]
    assert [(mail.subject, mail.text.strip()) for mail in mails] == [("simple", "text"), ("raw", "raw text")]


async def test_refusals_reach_boto3_as_those_of_ses(servers: Servers) -> None:
    """The error's code is SES's, so a client can distinguish a bad mail from an outage."""
    ses = aws_client(servers, "sesv2", servers.services_keys)
    with pytest.raises(ClientError) as error:
        await asyncio.to_thread(
            ses.send_email,
            FromEmailAddress="nobody",
            Destination={"ToAddresses": ["b@example.com"]},
            Content={"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}},
        )
    assert error.value.response["Error"]["Code"] == "BadRequestException"


async def test_requests_that_are_no_mail_are_answered(servers: Servers) -> None:
    """Without a signature, and with a body that is not JSON."""
    url = f"{servers.ses_endpoint}/v2/email/outbound-emails"
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}
    before = len(read_mailbox(servers.mailbox))
    async with aiohttp.ClientSession() as web:
        async with web.post(url, data=b"{}") as answer:
            assert answer.status == 403
        async with web.post(url, data=b"{", headers=signed) as answer:
            assert answer.status == 400
            assert answer.headers["x-amzn-ErrorType"] == "SerializationException"
    assert len(read_mailbox(servers.mailbox)) == before
