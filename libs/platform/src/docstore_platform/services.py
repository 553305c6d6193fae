"""The registry of services, the only list of them.

Running code reads this module. What can't (compose, chart, import contracts, docs) is generated from it, and from what
the services' code does, by `make generate`. CONTRIBUTING.md: "Add a service".
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

ServiceName = Literal[
    "accounts",
    "analytics",
    "gateway",
    "indexer",
    "media",
    "metadata",
    "notify",
    "quota",
    "upload",
]
SERVICE_NAMES: Final[tuple[ServiceName, ...]] = get_args(ServiceName)
CallerName = ServiceName | Literal["operator"]
"""Possible callers of an internal route."""
GATEWAY: Final = "gateway"
"""The service that clients call, and no other service."""
INTERNAL_SERVICES: Final[tuple[ServiceName, ...]] = tuple(name for name in SERVICE_NAMES if name != GATEWAY)
"""Those that services call, each at its own URL."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Requirements of a service that its code does not show."""

    secrets: tuple[str, ...] = ()
    """Variables of its secrets: one for each purpose, shared by the services that list it."""
    internet: bool = False
    """Whether it calls external addresses, beside the servers that all use."""


NEEDS: Final[dict[ServiceName, Needs]] = {
    "accounts": Needs(secrets=("DOCSTORE_RESET_LINK_SECRETS",), internet=True),
    "analytics": Needs(secrets=("ANALYTICS_AUDIT_KEY",)),
    "gateway": Needs(secrets=("GATEWAY_CSRF_SECRETS", "GATEWAY_IDEMPOTENCY_SECRETS")),
    "indexer": Needs(secrets=("INDEXER_TEXT_SECRETS",)),
    "metadata": Needs(secrets=("METADATA_LINK_GRANT_SECRETS", "METADATA_LINK_TOKEN_SECRETS")),
    "notify": Needs(
        secrets=("DOCSTORE_RESET_LINK_SECRETS", "NOTIFY_PUSH_SECRETS", "NOTIFY_UNSUBSCRIBE_SECRET"), internet=True
    ),
    "upload": Needs(secrets=("UPLOAD_REDIRECT_SECRETS",)),
}
"""Services without an entry need nothing."""


def needs_of(name: ServiceName) -> Needs:
    return NEEDS.get(name, Needs())
