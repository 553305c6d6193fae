"""Transports of e-mail: Amazon SES, or any SMTP server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from typing import Any, Protocol

import aiosmtplib
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from docstore_notify.channels.aws_services.clients import aws_session
from docstore_notify.channels.results import NotNow, Refused
from docstore_notify.settings import NotifySettings

CONNECT_SECONDS = 2
RESPONSE_SECONDS = 10
SES_REFUSES_FOR_GOOD = frozenset({"BadRequestException"})
"""Other errors need an operator (unverified sender, paused sending), and the mail must not be lost."""


class Transport(Protocol):
    """A transport of e-mails."""

    async def send(self, mail: EmailMessage, recipient: str) -> None:
        """Send a mail; return once it is accepted. Raises Refused or NotNow."""

    async def close(self) -> None: ...


class SesTransport:
    """Amazon SES, called in threads because boto3 blocks."""

    def __init__(self, settings: NotifySettings) -> None:
        key, secret = settings.ses_access_key_id.get_secret_value(), settings.ses_secret_access_key.get_secret_value()
        if not key and settings.ses_endpoint.startswith("http://"):
            key, secret = "local", "local"  # an SES emulator accepts any signature
        self._client: Any = aws_session().client(
            "sesv2",
            region_name=settings.ses_region,
            endpoint_url=settings.ses_endpoint or None,
            aws_access_key_id=key or None,
            aws_secret_access_key=secret or None,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=RESPONSE_SECONDS,
                max_pool_connections=settings.parallel,
                retries={"mode": "standard", "total_max_attempts": 1},
            ),
        )
        self._threads = ThreadPoolExecutor(settings.parallel, thread_name_prefix="ses")

    async def send(self, mail: EmailMessage, recipient: str) -> None:
        call = {
            "FromEmailAddress": str(mail["From"]),
            "Destination": {"ToAddresses": [recipient]},
            "Content": {"Raw": {"Data": mail.as_bytes()}},
        }
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._threads, lambda: self._client.send_email(**call))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in SES_REFUSES_FOR_GOOD:
                raise Refused(str(error)) from error
            raise NotNow(str(error)) from error
        except BotoCoreError as error:
            raise NotNow(str(error)) from error

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()


class SmtpTransport:
    """An SMTP server, with a connection for each mail: mails are few, and idle connections go stale."""

    def __init__(self, settings: NotifySettings) -> None:
        self._settings = settings

    async def send(self, mail: EmailMessage, recipient: str) -> None:
        settings = self._settings
        try:
            await aiosmtplib.send(
                mail.as_bytes(),  # its own policy folds its headers
                sender=mail["From"].addresses[0].addr_spec,
                recipients=[recipient],
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_username or None,
                password=settings.smtp_password.get_secret_value() or None,
                use_tls=settings.smtp_tls == "tls",
                start_tls=settings.smtp_tls == "starttls",
                timeout=RESPONSE_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            raise _outcome(max(codes, default=0), str(error)) from error
        except aiosmtplib.SMTPDataError as error:
            raise _outcome(error.code, str(error)) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotNow(str(error)) from error

    async def close(self) -> None:
        return None


def _outcome(code: int, text: str) -> Exception:
    """5xx is permanent for this recipient or content; 4xx is not (RFC 5321, 4.2.1)."""
    return Refused(text) if code >= 500 else NotNow(text)


def open_transport(settings: NotifySettings) -> Transport:
    return SesTransport(settings) if settings.transport == "ses" else SmtpTransport(settings)
