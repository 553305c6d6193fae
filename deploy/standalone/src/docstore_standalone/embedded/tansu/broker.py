"""The Kafka-compatible broker tansu, with its log in a bucket of the object store, or in memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from docstore_standalone.credentials import S3Credentials
from docstore_standalone.embedded.http_probe import kafka_responds, until
from docstore_standalone.ports import LOOPBACK, PortBook
from docstore_standalone.supervision.processes import base_environment

CLUSTER_ID = "docstore"  # part of the log's path in the bucket: must never change


@dataclass(frozen=True, slots=True)
class LogBucket:
    """Location of the broker's log."""

    endpoint: str
    bucket: str
    region: str
    keys: S3Credentials


class Tansu:
    """The broker. Clients use `bootstrap`; the object store must be ready first if it has the log."""

    name = "broker"
    port_names: Sequence[str] = ("kafka",)
    stop_seconds = 3.0

    def __init__(
        self,
        program: Path,
        log_file: Path,
        ports: PortBook,
        log_bucket: Callable[[], LogBucket] | None,
        *,
        own_user_only: bool = True,
    ) -> None:
        """`log_bucket` is called at each start, since the store's address is known only then. None: in memory.

        Its users and passwords need a database that its package has no driver for, so connections of other users of
        the machine are refused, if `own_user_only`.
        """
        self.program, self.log_file, self.ports = program, log_file, ports
        self.log_bucket, self.own_user_only = log_bucket, own_user_only

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.ports['kafka']}"

    def prepare(self) -> None:
        """It needs no file."""

    def command(self) -> Sequence[str]:
        listener = f"tcp://{self.bootstrap}"
        return [
            str(self.program),
            "broker",
            f"--cluster-id={CLUSTER_ID}",
            f"--listener-url={listener}",
            f"--advertised-listener-url={listener}",
            f"--storage-engine={f's3://{self.log_bucket().bucket}/' if self.log_bucket else 'memory://docstore/'}",
        ]

    def environment(self) -> Mapping[str, str]:
        environment = {**base_environment(), "RUST_LOG": "warn"}
        if self.log_bucket is None:
            return environment
        log = self.log_bucket()
        return environment | {
            "AWS_ENDPOINT": log.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": log.keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": log.keys.secret_access_key,
            "AWS_DEFAULT_REGION": log.region,
        }

    async def wait_ready(self) -> None:
        await until(lambda: kafka_responds(self.ports["kafka"]))

    def clean_up(self) -> None:
        """Nothing to remove."""
