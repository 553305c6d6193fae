"""How clients connect to Kafka."""

import re
import ssl
from pathlib import Path

import pytest
from pydantic import ValidationError

from docstore_events.connection import kafka_connection
from docstore_platform.settings import InfraSettings

SOURCES = Path(__file__).parents[2] / "src" / "docstore_events"


def infra(**settings: str) -> InfraSettings:
    return InfraSettings.model_validate({"kafka_bootstrap": "broker:9092", **settings})


def test_without_settings_the_connection_is_plain() -> None:
    """A broker on one machine needs neither certificates nor passwords."""
    connection = kafka_connection(infra())
    assert connection["bootstrap_servers"] == "broker:9092"
    assert connection["security_protocol"] == "PLAINTEXT"
    assert connection["ssl_context"] is None


def test_tls_checks_the_brokers_name_and_certificate() -> None:
    """Encrypted means encrypted to the right machine."""
    connection = kafka_connection(infra(kafka_security_protocol="SSL"))
    context = connection["ssl_context"]
    assert connection["security_protocol"] == "SSL"
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_sasl_authenticates_the_service(protocol: str, mechanism: str) -> None:
    """User, password and mechanism reach the client, with TLS if the protocol has it."""
    connection = kafka_connection(
        infra(
            kafka_security_protocol=protocol,
            kafka_sasl_mechanism=mechanism,
            kafka_username="quota",
            kafka_password="secret",
        )
    )
    assert connection["security_protocol"] == protocol
    assert connection["sasl_mechanism"] == mechanism
    assert (connection["sasl_plain_username"], connection["sasl_plain_password"]) == ("quota", "secret")
    assert (connection["ssl_context"] is not None) is (protocol == "SASL_SSL")


def test_sasl_without_a_user_is_refused_at_the_start() -> None:
    """A forgotten password is a clear error of the settings, not an endless reconnecting."""
    with pytest.raises(ValidationError, match="needs kafka_username and kafka_password"):
        infra(kafka_security_protocol="SASL_SSL", kafka_username="quota")


def test_every_client_connects_this_way() -> None:
    """No client of ours goes past the settings: each aiokafka client takes them whole, FastStream's its part."""
    for path in SOURCES.glob("*.py"):
        text = path.read_text()
        for client in re.findall(r"AIOKafka(?:Consumer|Producer|AdminClient)\(.*?\)\n", text, re.DOTALL):
            assert "**kafka_connection(" in client, f"{path.name}: {client}"
        for broker in re.findall(r"KafkaBroker\(.*?\n        \)\n", text, re.DOTALL):
            assert "security=kafka_security(" in broker, f"{path.name}: {broker}"
        assert "kafka_bootstrap" not in text or path.name in ("connection.py", "runtime.py"), path.name
