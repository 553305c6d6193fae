"""Apache Kafka's own broker, one KRaft node, out of Maven Central: the second broker that tests run against."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from docstore_standalone.binaries import ProgramMissing
from docstore_standalone.http_probe import kafka_answers, until
from docstore_standalone.ports import LOOPBACK, PortBook
from docstore_standalone.processes import ServerFailed, base_environment

VERSION = "4.1.0"
LOG4J_VERSION = "2.24.3"
CLUSTER_ID = "ZG9jc3RvcmUta2Fma2EtMQ"  # 16 bytes in base64; one stack's data never meets another's
HEAP = ("-Xms96m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>docstore</groupId><artifactId>kafka-server</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
{dependencies}
  </dependencies>
</project>
"""
DEPENDENCY = "    <dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
ARTIFACTS = (
    ("org.apache.kafka", "kafka_2.13", VERSION),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J_VERSION),
    ("org.apache.logging.log4j", "log4j-core", LOG4J_VERSION),
)
LOG4J = """rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1}: %m%n
"""


def run_tool(command: Sequence[str]) -> None:
    """Run to its end; ServerFailed with what it said if it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerFailed(f"{command[0]} ended with status {done.returncode}\n{done.stdout}{done.stderr}")


def fetch_kafka(tools: Path) -> Path:
    """The folder with the broker's jars; fetched by Maven on first use. ProgramMissing without Java 17 and mvn."""
    if not shutil.which("java"):
        raise ProgramMissing("Apache Kafka needs Java 17 or later on the PATH")
    jars = tools / "kafka" / VERSION
    if jars.is_dir():
        return jars
    if not shutil.which("mvn"):
        raise ProgramMissing("Apache Kafka's jars are fetched by mvn, which is not on the PATH")
    fetched = jars.with_name(f"{VERSION}.{os.getpid()}")
    fetched.mkdir(parents=True, exist_ok=True)
    pom = tools / "kafka" / f"pom-{os.getpid()}.xml"
    pom.write_text(POM.format(dependencies="\n".join(DEPENDENCY.format(*artifact) for artifact in ARTIFACTS)))
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fetched.resolve()}"]
    run_tool(["mvn", "--batch-mode", "--quiet", "-f", str(pom), *goal])
    pom.unlink()
    try:
        fetched.rename(jars)
    except OSError:  # another process was faster
        shutil.rmtree(fetched)
    return jars


def one_node(listen: str, advertised: str, controller: str) -> dict[str, str]:
    """Properties of a cluster of one: it listens at `listen`, clients reach it at `advertised`."""
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
    """Data and configuration in `folder`; reached at `bootstrap`."""

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
        await until(lambda: kafka_answers(self.ports["kafka"]))

    def clean_up(self) -> None:
        """It leaves nothing behind."""
