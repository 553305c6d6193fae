"""The local SES, spoken to by boto3."""

import asyncio

import aiohttp
import pytest
from botocore.exceptions import ClientError
from server_notes import aws_client

from docstore_standalone.embedded.mailbox import read_mailbox
from docstore_standalone.servers import Servers

pytestmark = pytest.mark.connected


MESSAGE = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: hello\r\n\r\ntext\r\n"


async def test_a_mail_of_boto3_is_in_the_mailbox(servers: Servers) -> None:
    """The id in the response is that of the stored mail."""
    ses = aws_client(servers, "sesv2", servers.services_keys)
    answer = await asyncio.to_thread(
        ses.send_email,
        FromEmailAddress="a@example.com",
        Destination={"ToAddresses": ["b@example.com"]},
        Content={"Raw": {"Data": MESSAGE}},
    )
    [mail] = [mail for mail in read_mailbox(servers.mailbox) if mail.message_id == answer["MessageId"]]
    assert (mail.subject, mail.text.strip()) == ("hello", "text")


async def test_refusals_reach_boto3_as_those_of_ses(servers: Servers) -> None:
    """The error's code is SES's, so a client can distinguish a bad mail from an outage."""
    ses = aws_client(servers, "sesv2", servers.services_keys)
    with pytest.raises(ClientError) as error:
        await asyncio.to_thread(
            ses.send_email,
            FromEmailAddress="nobody",
            Destination={"ToAddresses": ["b@example.com"]},
            Content={"Raw": {"Data": MESSAGE}},
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
