"""Clients of AWS services, with this service's own rights or those of a customer's role.

boto3 blocks, so calls run in threads. A client of a role lives until shortly before its credentials end.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from docstore_notify.channels.results import NotNow, Refused
from docstore_notify.domain import Target
from docstore_notify.settings import NotifySettings
from docstore_platform.clock import Clock, utc_now

CONNECT_SECONDS = 2
RESPONSE_SECONDS = 10
KEPT_CLIENTS = 64
RENEW_BEFORE = timedelta(minutes=5)
ROLE_SECONDS = 3600
"""AWS limits a role that was assumed by a role to an hour."""
REFUSED_FOR_GOOD = frozenset(
    {
        "InvalidArgument",
        "InvalidMessageContents",
        "InvalidParameter",
        "InvalidParameterException",
        "InvalidParameterValue",
        "MalformedDetail",
        "MessageTooLong",
        "ParameterValueInvalid",
        "ValidationError",
        "ValidationException",
    }
)
"""Errors of the message itself. A missing right, topic, queue or bus is not one: its owner can fix that."""


@dataclass(frozen=True, slots=True)
class _Kept:
    client: Any
    until: datetime | None
    """When a role's credentials must be renewed; None for the service's own."""


@cache
def aws_session() -> boto3.session.Session:
    """Return the process's only session: its parsed descriptions of AWS services are large."""
    return boto3.session.Session()


class Aws:
    """Clients by service, region and role. `call` runs one operation for a target."""

    def __init__(self, settings: NotifySettings, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._endpoint = settings.aws_endpoint
        self._region = settings.aws_region
        self._keys = _own_keys(settings)
        self._config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=RESPONSE_SECONDS,
            max_pool_connections=settings.aws_parallel,
            retries={"mode": "standard", "total_max_attempts": 1},
        )
        self._session = aws_session()
        self._making = threading.Lock()
        self._clients: OrderedDict[tuple[str, ...], _Kept] = OrderedDict()
        self._threads = ThreadPoolExecutor(settings.aws_parallel, thread_name_prefix="aws")

    async def call(self, service: str, target: Target, operation: Callable[[Any], Mapping[str, Any]]) -> dict[str, Any]:
        """Call `operation` with the boto3 client of `service` and return its response. Raises Refused or NotNow."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, lambda: dict(operation(self._client_for(service, target))))
        except ClientError as error:
            response = error.response
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            raise outcome(response.get("Error", {}).get("Code", ""), str(error), status) from error
        except ParamValidationError as error:
            raise Refused(str(error)) from error
        except BotoCoreError as error:
            raise NotNow(str(error)) from error

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for kept in self._clients.values():
            kept.client.close()

    def _client_for(self, service: str, target: Target) -> Any:
        """Return a cached or new client. Called in threads."""
        region = target.region or self._region
        key = (service, region, target.role_arn, target.external_id)
        with self._making:
            kept = self._clients.get(key)
            if kept is not None and (kept.until is None or self._clock() < kept.until):
                self._clients.move_to_end(key)
                return kept.client
        # Outside the lock: a slow response about one customer's role must not hold up the others.
        new = self._as_role(service, region, target) if target.role_arn else _Kept(self._client(service, region), None)
        with self._making:
            self._clients[key] = new
            self._clients.move_to_end(key)
            while len(self._clients) > KEPT_CLIENTS:
                self._clients.popitem(last=False)
        return new.client

    def _as_role(self, service: str, region: str, target: Target) -> _Kept:
        response = self._client_for("sts", Target("", region=region)).assume_role(
            RoleArn=target.role_arn,
            RoleSessionName="docstore-notify",
            DurationSeconds=ROLE_SECONDS,
            **({"ExternalId": target.external_id} if target.external_id else {}),
        )
        credentials = response["Credentials"]
        keys = {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }
        return _Kept(self._client(service, region, keys), credentials["Expiration"] - RENEW_BEFORE)

    def _client(self, service: str, region: str, keys: Mapping[str, str] | None = None) -> Any:
        with self._making:  # a boto3 session creates clients for one thread at a time
            return self._session.client(
                service,
                region_name=region,
                endpoint_url=self._endpoint or None,
                config=self._config,
                **(keys if keys is not None else self._keys),
            )


def outcome(code: str, text: str, status: int | None = None) -> Refused | NotNow:
    """Return what an AWS error code means for the message."""
    return Refused(text, status) if code in REFUSED_FOR_GOOD else NotNow(text, None, status)


def _own_keys(settings: NotifySettings) -> dict[str, str]:
    key, secret = settings.aws_access_key_id.get_secret_value(), settings.aws_secret_access_key.get_secret_value()
    if not key and settings.aws_endpoint.startswith("http://"):
        key, secret = "local", "local"  # an AWS emulator accepts any signature
    return {"aws_access_key_id": key, "aws_secret_access_key": secret} if key else {}


def missing_rights(settings: NotifySettings) -> str:
    """Return why this deployment can't call AWS, for people; empty if it has credentials.

    It may ask for the machine's role, which takes a second where there is none.
    """
    if _own_keys(settings) or aws_session().get_credentials() is not None:
        return ""
    return "This channel does not work here: the operator has not given DocStore access to AWS."
