"""OpenSearch, one node from Maven Central: the second search engine in tests.

Maven Central has the server and its modules, but not the distribution's start script, which uses an unpublished class
loader. So `OneNode.java` assembles the same components, as OpenSearch's own tests do; Java compiles it at each start.
It omits the start script's checks of the machine, but no part of the engine.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from docstore_standalone.embedded.http_probe import http_status, until
from docstore_standalone.embedded.java.maven import LOG4J, Artifact, fetch_jars
from docstore_standalone.ports import LOOPBACK, PortBook
from docstore_standalone.supervision.processes import base_environment

VERSION = "2.19.3"
LOG4J_VERSION = "2.21.0"
HEAP = ("-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
ARTIFACTS: Sequence[Artifact] = (
    ("org.opensearch", "opensearch", VERSION),
    ("org.opensearch.plugin", "transport-netty4-client", VERSION),
    ("org.opensearch.plugin", "analysis-common", VERSION),
    ("org.apache.logging.log4j", "log4j-core", LOG4J_VERSION),
)


def fetch_opensearch(tools: Path) -> Path:
    """Fetch the node's jars by Maven on first use; return their folder. ProgramMissing without a JDK 17 and mvn."""
    return fetch_jars(tools / "opensearch" / VERSION, ARTIFACTS, "OpenSearch", tool="javac")


class OpenSearch:
    """The server, with data and configuration in `folder`; at `url` on the loopback address, without passwords."""

    name = "search"
    port_names: Sequence[str] = ("opensearch", "opensearch-transport")
    stop_seconds = 10.0

    def __init__(self, tools: Path, folder: Path, log_file: Path, ports: PortBook) -> None:
        self.tools, self.folder, self.log_file, self.ports = tools, folder.absolute(), log_file, ports

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['opensearch']}"

    def prepare(self) -> None:
        """Fetch it on first use and write its configuration."""
        fetch_opensearch(self.tools)
        for name in ("config", "data", "logs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        settings = {
            "cluster.name": "docstore",
            "discovery.type": "single-node",
            "network.host": LOOPBACK,
            "http.port": self.ports["opensearch"],
            "transport.port": self.ports["opensearch-transport"],
            "path.data": self.folder / "data",
            "path.logs": self.folder / "logs",
            "cluster.routing.allocation.disk.threshold_enabled": "false",  # a full disk must not stop tests
        }
        lines = [f"{name}: {value}\n" for name, value in settings.items()]
        (self.folder / "config" / "opensearch.yml").write_text("".join(lines))
        (self.folder / "log4j2.properties").write_text(LOG4J)

    def command(self) -> Sequence[str]:
        jars = self.tools / "opensearch" / VERSION
        logs = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}"
        program = Path(__file__).with_name("OneNode.java")
        return ["java", *HEAP, logs, "-Dlog4j2.disable.jmx=true", "-cp", f"{jars}/*", str(program), str(self.folder)]

    def environment(self) -> Mapping[str, str]:
        return base_environment()

    async def wait_ready(self) -> None:
        """Wait until its cluster has a manager and has loaded every index."""
        path = "/_cluster/health?wait_for_status=yellow&timeout=500ms"
        await until(lambda: self._is_ready(path))

    async def _is_ready(self, path: str) -> bool:
        return await http_status(self.ports["opensearch"], path) == 200

    def clean_up(self) -> None:
        """Nothing to remove."""
