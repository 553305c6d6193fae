"""Amazon Transcribe and S3 as an independent implementation answers them; the words are written by the test."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_api import state_manager
from moto.server import ThreadedMotoServer
from moto.transcribe.models import transcribe_backends

REGION = "us-west-2"
KEYS = {"AWS_ACCESS_KEY_ID": "own", "AWS_SECRET_ACCESS_KEY": "own"}


@dataclass
class Amazon:
    endpoint: str
    bucket: str

    @property
    def s3(self) -> Any:
        keys = {name.lower(): value for name, value in KEYS.items()}
        return boto3.session.Session().client("s3", region_name=REGION, endpoint_url=self.endpoint, **keys)

    @property
    def jobs(self) -> dict[str, Any]:
        """By name. Unless it is `busy`, each question about one brings it a step further."""
        return transcribe_backends[DEFAULT_ACCOUNT_ID][REGION].transcriptions

    def objects(self) -> list[str]:
        return sorted(one["Key"] for one in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", ()))

    def speak(self, job: str, *words: str) -> None:
        """Write the transcript of a job."""
        transcript = json.dumps({"results": {"transcripts": [{"transcript": part} for part in words]}})
        self.write(job, transcript.encode())

    def write(self, job: str, transcript: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"transcripts/{job}.json", Body=transcript)


@contextmanager
def busy() -> Iterator[None]:
    """Amazon does not finish jobs meanwhile."""
    state_manager.set_transition("transcribe::transcriptionjob", {"progression": "manual", "times": 1_000_000})
    try:
        yield
    finally:
        state_manager.unset_transition("transcribe::transcriptionjob")


@contextmanager
def running_amazon(bucket: str) -> Iterator[Amazon]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    amazon = Amazon(f"http://{host}:{port}", bucket)
    amazon.jobs.clear()
    amazon.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    try:
        yield amazon
    finally:
        server.stop()
