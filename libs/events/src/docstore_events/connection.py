"""Kafka connection settings of every client: address, TLS, credentials."""

import ssl
from typing import Any

from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from docstore_platform.settings import InfraSettings

MECHANISMS: dict[str, type[SASLPlaintext | SASLScram256 | SASLScram512]] = {
    "PLAIN": SASLPlaintext,
    "SCRAM-SHA-256": SASLScram256,
    "SCRAM-SHA-512": SASLScram512,
}


def kafka_security(settings: InfraSettings) -> BaseSecurity:
    """Return the settings' protocol for FastStream; OSError or ssl.SSLError for an unreadable CA file."""
    encrypted = settings.kafka_security_protocol.endswith("SSL")
    context = ssl.create_default_context(cafile=settings.kafka_ca_file or None) if encrypted else None
    if not settings.kafka_security_protocol.startswith("SASL"):
        return BaseSecurity(ssl_context=context)
    password = settings.kafka_password.get_secret_value()
    return MECHANISMS[settings.kafka_sasl_mechanism](settings.kafka_username, password, ssl_context=context)


def kafka_connection(settings: InfraSettings) -> dict[str, Any]:
    """Return the settings as keyword arguments of aiokafka's producer, consumer and admin client."""
    return {"bootstrap_servers": settings.kafka_bootstrap, **parse_security(kafka_security(settings))}
