"""Apache Kafka's own broker, one KRaft node from Maven Central: the second broker in tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from docstore_standalone.embedded.http_probe import kafka_responds, until
from docstore_standalone.embedded.java.maven import LOG4J, Artifact, fetch_jars, run_tool
from docstore_standalone.ports import LOOPBACK, PortBook
from docstore_standalone.supervision.processes import base_environment

VERSION = "4.1.0"
LOG4J_VERSION = "2.24.3"
CLUSTER_ID = "ZG9jc3RvcmUta2Fma2EtMQ"  # 16 bytes in base64; stacks share no data, so it may be the same
HEAP = ("-Xms96m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")

ARTIFACTS: Sequence[Artifact] = (
    ("org.apache.kafka", "kafka_2.13", VERSION),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J_VERSION),
    ("org.apache.logging.log4j", "log4j-core", LOG4J_VERSION),
)


def fetch_kafka(tools: Path) -> Path:
    """Fetch the broker's jars by Maven on first use; return their folder. ProgramMissing without Java 17 and mvn."""
    return fetch_jars(tools / "kafka" / VERSION, ARTIFACTS, "Apache Kafka")


def one_node(listen: str, advertised: str, controller: str) -> dict[str, str]:
    """Properties of a single-node cluster that listens at `listen` and is `advertised` to clients."""
    return {
        "node.id": "1",
        "process.roles": "broker,controller",
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{listen},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{advertised}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    }


class ApacheKafka:
    """The broker, with data and configuration in `folder`; clients use `bootstrap`."""

    name = "broker"
    port_names: Sequence[str] = ("kafka", "kafka-controller")
    stop_seconds = 10.0

    def __init__(self, tools: Path, folder: Path, log_file: Path, ports: PortBook) -> None:
        self.tools, self.folder, self.log_file, self.ports = tools, folder, log_file, ports

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.ports['kafka']}"

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _java(self, main: str, *arguments: str) -> list[str]:
        jars = self.tools / "kafka" / VERSION
        logs = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}"
        return ["java", *HEAP, logs, "-cp", f"{jars}/*", main, *arguments]

    def prepare(self) -> None:
        """Fetch it on first use, write its configuration and format its storage."""
        fetch_kafka(self.tools)
        data = self.folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        controller = f"{LOOPBACK}:{self.ports['kafka-controller']}"
        properties = {**one_node(self.bootstrap, self.bootstrap, controller), "log.dirs": str(data)}
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
        (self.folder / "log4j2.properties").write_text(LOG4J)
        if not (data / "meta.properties").exists():
            storage_tool = ("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self._properties))
            run_tool(self._java(*storage_tool))

    def command(self) -> Sequence[str]:
        return self._java("kafka.Kafka", str(self._properties))

    def environment(self) -> Mapping[str, str]:
        return base_environment()

    async def wait_ready(self) -> None:
        await until(lambda: kafka_responds(self.ports["kafka"]))

    def clean_up(self) -> None:
        """Nothing to remove."""
