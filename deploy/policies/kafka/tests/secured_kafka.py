"""A secured Apache Kafka: TLS, SCRAM users, and an authorizer with the shipped rules."""

from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import SecretStr
from server_certificates import ServerCertificate

from docstore_platform.settings import InfraSettings
from docstore_provision.settings import KafkaProvisionSettings
from docstore_standalone.embedded.http_probe import kafka_responds, until
from docstore_standalone.embedded.java.apache_kafka import CLUSTER_ID, HEAP, VERSION, ApacheKafka, fetch_kafka, one_node
from docstore_standalone.embedded.java.maven import LOG4J, fetch_jars, run_tool
from docstore_standalone.ports import LOOPBACK

ACLS = Path(__file__).parents[1] / "acls.sh"
RULES = ACLS.with_suffix(".json")
SettingsOf = Callable[[str], InfraSettings]
"""Settings of a service, or of the provisioner, by name."""

MECHANISM = "SCRAM-SHA-512"
TOOL = (("org.apache.kafka", "kafka-tools", VERSION), ("org.slf4j", "slf4j-nop", "1.7.36"))


class SecuredKafka(ApacheKafka):
    """Clients come in by SASL_SSL; the plain listener is the administrator's, whom no one asks who he is."""

    port_names = ("kafka", "kafka-controller", "kafka-inside")
    users: Mapping[str, str] = {}
    """Passwords by name; set before it is started."""

    @property
    def ca_file(self) -> Path:
        return self._certificate.authority_file

    @property
    def inside(self) -> str:
        return f"{LOOPBACK}:{self.ports['kafka-inside']}"

    def prepare(self) -> None:
        fetch_kafka(self.tools)
        data = self.folder / "data"
        data.mkdir(parents=True)
        self._certificate = ServerCertificate(self.folder, LOOPBACK)
        controller = f"{LOOPBACK}:{self.ports['kafka-controller']}"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        properties = {
            **one_node(self.bootstrap, self.bootstrap, controller),
            "log.dirs": str(data),
            "listeners": f"OUTSIDE://{self.bootstrap},INSIDE://{self.inside},CONTROLLER://{controller}",
            "advertised.listeners": f"OUTSIDE://{self.bootstrap},INSIDE://{self.inside}",
            "listener.security.protocol.map": "OUTSIDE:SASL_SSL,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "INSIDE",
            "sasl.enabled.mechanisms": MECHANISM,
            f"listener.name.outside.{MECHANISM.lower()}.sasl.jaas.config": scram,
            "listener.name.outside.ssl.keystore.type": "PEM",
            "listener.name.outside.ssl.keystore.location": str(self._certificate.server_file),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
        (self.folder / "log4j2.properties").write_text(LOG4J)
        users = [f"{MECHANISM}=[name={name},password={password}]" for name, password in self.users.items()]
        added = [part for user in users for part in ("--add-scram", user)]
        run_tool(self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self._properties), *added))

    async def wait_ready(self) -> None:
        await until(lambda: kafka_responds(self.ports["kafka-inside"]))

    def provisioning(self, passwords: Mapping[str, str]) -> KafkaProvisionSettings:
        """For deploy/provision: these users, and the shipped rules."""
        secrets = {user: SecretStr(password) for user, password in passwords.items()}
        return KafkaProvisionSettings(bootstrap=self.inside, passwords=secrets, rules=RULES, wait_seconds=60)

    def run_script(self) -> None:
        """Run the shipped script; ServerFailed with its output if it fails."""
        main = ("org.apache.kafka.tools.AclCommand", "--bootstrap-server", self.inside)
        tool = ["java", *HEAP, "-cp", f"{fetch_acl_tool(self.tools)}/*", *main]
        run_tool(["env", f"KAFKA_ACLS={' '.join(tool)}", "sh", "-f", str(ACLS)])


def fetch_acl_tool(tools: Path) -> Path:
    """The jars of kafka-acls.sh, fetched by Maven on first use. ProgramMissing without Java 17 and mvn."""
    return fetch_jars(tools / "kafka" / f"tools-{VERSION}", TOOL, "kafka-acls.sh")
