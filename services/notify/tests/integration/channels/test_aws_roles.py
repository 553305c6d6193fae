"""Without keys of its own notify sends by the role of where it runs: e-mail, and calls to AWS."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP

import boto3
import pytest
from moto.server import ThreadedMotoServer
from moto.ses.models import ses_backends
from role_endpoints import RoleKeys, container_endpoint

from docstore_notify.channels.aws_services.clients import Aws, aws_session
from docstore_notify.channels.mail.transports import SesTransport
from docstore_notify.domain import Target
from docstore_notify.settings import NotifySettings
from docstore_platform.settings import InfraSettings

REGION, ACCOUNT = "us-west-2", "444455556666"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/docstore-notify"
SENDER = "no-reply@docstore.example"
INFRA = InfraSettings()


@pytest.fixture
def role(monkeypatch: pytest.MonkeyPatch) -> Iterator[RoleKeys]:
    """All of AWS is on this machine, and a container's endpoint gives the keys of a role there."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    sts = boto3.client("sts", region_name=REGION, aws_access_key_id="own", aws_secret_access_key="own")
    taken = sts.assume_role(RoleArn=ROLE, RoleSessionName="pod")["Credentials"]
    ends_at = datetime.now(UTC) + timedelta(hours=1)
    keys = RoleKeys(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"], ends_at)
    with container_endpoint(keys) as endpoint:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url)
        yield keys
    server.stop()
    aws_session.cache_clear()  # it has found the role's keys, which other tests do not have


async def test_calls_to_aws_are_made_by_the_role(role: RoleKeys) -> None:
    """SNS, SQS, EventBridge and STS: whoever AWS takes us for is the role."""
    aws = Aws(NotifySettings(infra=INFRA, aws_region=REGION))
    caller = await aws.call("sts", Target(""), lambda client: client.get_caller_identity())
    await aws.close()
    assert caller["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/docstore-notify/pod"


async def test_mail_is_sent_by_the_role(role: RoleKeys) -> None:
    """Its account's SES takes the mail: no one else's knows the sender."""
    ses = boto3.client(
        "ses",
        region_name=REGION,
        aws_access_key_id=role.access_key_id,
        aws_secret_access_key=role.secret_access_key,
        aws_session_token=role.session_token,
    )
    ses.verify_email_identity(EmailAddress=SENDER)
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = SENDER, "ada@example.org", "Hello"
    mail.set_content("Hello")
    transport = SesTransport(NotifySettings(infra=INFRA, ses_region=REGION, ses_endpoint=""))
    await transport.send(mail, "ada@example.org")
    await transport.close()
    (message,) = ses_backends[ACCOUNT][REGION].sent_messages
    assert set(message.destinations) == {"ada@example.org"}
