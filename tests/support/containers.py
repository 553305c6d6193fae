"""MongoDB, Apache Kafka and SeaweedFS in Docker containers, for `TEST_INFRA=containers`.

The images are the settings that docker-compose.yml has, too: MONGO_IMAGE, KAFKA_IMAGE, SEAWEEDFS_IMAGE.
"""

import asyncio
import json
import os
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException, ImageNotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from docstore_standalone.credentials import Credentials
from docstore_standalone.embedded.java.apache_kafka import ApacheKafka, one_node
from docstore_standalone.embedded.mongod import CACHE_GB, OPLOG_MB, REPLICA_SET, Mongod
from docstore_standalone.embedded.object_store import ObjectStore, iam_config, identities
from docstore_standalone.ports import LOOPBACK, PortBook
from docstore_standalone.settings import StandaloneSettings

MONGO_IMAGE = os.environ.get("MONGO_IMAGE", "mongo:6.0.27")
KAFKA_IMAGE = os.environ.get("KAFKA_IMAGE", "apache/kafka:4.1.0")
SEAWEEDFS_IMAGE = os.environ.get("SEAWEEDFS_IMAGE", "chrislusf/seaweedfs:4.48")

READY_SECONDS = 60
EVERYWHERE = "0.0.0.0"  # inside the container; outside, its ports are on the loopback address only
NOWHERE = Path("/nonexistent")  # the container has the program and the data


class NoContainers(Exception):
    """Docker can't serve the tests; the message contains what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """A container, and how it is known to be ready."""

    container: DockerContainer
    wait_ready: Callable[[], Awaitable[None]]


def prepare() -> None:
    """Have every image at hand, before the time of a test runs. NoContainers."""
    try:
        engine = docker.from_env()
        engine.ping()
    except DockerException as error:
        raise NoContainers(
            f"TEST_INFRA=containers needs a Docker engine, and none answers at "
            f"{os.environ.get('DOCKER_HOST', 'the default address')}: {error}"
        ) from error
    with closing(engine):
        for name, image in (("MONGO", MONGO_IMAGE), ("KAFKA", KAFKA_IMAGE), ("SEAWEEDFS", SEAWEEDFS_IMAGE)):
            _fetch(engine, image, f"name another with {name}_IMAGE")
        if not testcontainers_config.ryuk_disabled:
            try:
                _fetch(engine, testcontainers_config.ryuk_image, "TESTCONTAINERS_RYUK_DISABLED=true does without")
            except NoContainers as error:
                warnings.warn(f"containers of a run that is killed will stay: {error}", stacklevel=2)
                testcontainers_config.ryuk_disabled = True


def _fetch(engine: docker.DockerClient, image: str, advice: str) -> None:
    image = testcontainers_config.hub_image_name_prefix + image
    try:
        engine.images.get(image)
    except ImageNotFound:
        try:
            engine.images.pull(image)
        except DockerException as error:
            raise NoContainers(f"no image {image} is here, and it can't be pulled; {advice}: {error}") from error


@asynccontextmanager
async def running_servers() -> AsyncIterator[dict[str, Any]]:
    """The three servers, ready; yields the standalone stack's settings that place them, and removes them at the end."""
    ports, credentials, region = PortBook(), Credentials(), StandaloneSettings().region
    buckets = {"content_buckets": [f"docstore-content-{region}"], "processed_bucket": f"docstore-processed-{region}"}
    ports.secure([*Mongod.port_names, *ApacheKafka.port_names, *ObjectStore.port_names])
    mongod = Mongod(NOWHERE, NOWHERE, NOWHERE, ports)
    kafka = ApacheKafka(NOWHERE, NOWHERE, NOWHERE, ports)
    store = ObjectStore(NOWHERE, NOWHERE, NOWHERE, ports, credentials, **buckets, broker_bucket="docstore-broker")
    servers = (
        Server(_mongo(mongod), mongod.wait_ready),
        Server(_kafka(kafka), kafka.wait_ready),
        Server(_seaweedfs(store), store.wait_ready),
    )
    async with AsyncExitStack() as opened:
        for server in servers:
            opened.push_async_callback(asyncio.to_thread, server.container.stop)
            await asyncio.to_thread(server.container.start)
        await asyncio.gather(*map(_ready, servers))
        yield {
            "mongo_url": mongod.url,
            "kafka_bootstrap": kafka.bootstrap,
            "s3_endpoint": store.endpoint,
            "s3_access_key_id": credentials.services.access_key_id,
            "s3_secret_access_key": credentials.services.secret_access_key,
        }


async def _ready(server: Server) -> None:
    try:
        async with asyncio.timeout(READY_SECONDS):
            await server.wait_ready()
    except TimeoutError as error:
        said = b"".join(await asyncio.to_thread(server.container.get_logs)).decode(errors="replace")
        message = f"{server.container.image} is not ready after {READY_SECONDS} s; it said:\n{said[-4000:]}"
        raise NoContainers(message) from error


def _container(image: str, *ports: int) -> DockerContainer:
    """Its ports have the same numbers inside as outside: servers tell their clients where they are."""
    container = DockerContainer(image)
    for port in ports:
        container.ports[f"{port}/tcp"] = (LOOPBACK, port)  # type: ignore[assignment]  # what Docker's API takes
    return container


def _mongo(mongod: Mongod) -> DockerContainer:
    port = mongod.ports["mongod"]
    command = f"mongod --port={port} --replSet={REPLICA_SET}"
    return _container(MONGO_IMAGE, port).with_command(
        f"{command} --quiet --oplogSize={OPLOG_MB} --wiredTigerCacheSizeGB={CACHE_GB}"
    )


def _kafka(kafka: ApacheKafka) -> DockerContainer:
    port = kafka.ports["kafka"]
    properties = one_node(f"{EVERYWHERE}:{port}", kafka.bootstrap, f"{LOOPBACK}:{kafka.ports['kafka-controller']}")
    variables = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in properties.items()}
    return _container(KAFKA_IMAGE, port).with_envs(**variables, KAFKA_HEAP_OPTS="-Xms96m -Xmx384m")


def _seaweedfs(store: ObjectStore) -> DockerContainer:
    """S3 alone can be reached; its other parts are for itself."""
    container = _container(SEAWEEDFS_IMAGE, store.ports["s3"])
    keys = store.credentials
    for path, config in (
        ("/etc/docstore/s3.json", identities(keys, store.of_services, store.broker_bucket)),
        ("/etc/docstore/iam.json", iam_config(keys, store.content_buckets)),
    ):
        container.with_copy_into_container(json.dumps(config).encode(), path)
    options = store.options(Path("/data"), Path("/etc/docstore/s3.json"), Path("/etc/docstore/iam.json"))
    return container.with_command(["mini", *options, f"-ip.bind={EVERYWHERE}"])
