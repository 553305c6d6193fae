"""The registry of services: each is listed here and nowhere else.

What runs reads this module. What cannot (compose, chart, import contracts, docs) is written from it, and from what the
services' code does, by `make generate`. CONTRIBUTING.md: "Add a service".
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
"""Who may call an internal route."""
GATEWAY: Final = "gateway"
"""The one that clients call, and no service."""
INTERNAL_SERVICES: Final[tuple[ServiceName, ...]] = tuple(name for name in SERVICE_NAMES if name != GATEWAY)
"""Those that are called by services, each at a URL of its own."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a service needs that its code does not show."""

    secrets: tuple[str, ...] = ()
    """Variables with what it signs or keys something by: one secret for each purpose, shared where several list it."""
    internet: bool = False
    """It calls addresses outside, not only the servers that all use."""


NEEDS: Final[dict[ServiceName, Needs]] = {
    "accounts": Needs(secrets=("DOCSTORE_RESET_LINK_SECRETS",), internet=True),
    "analytics": Needs(secrets=("ANALYTICS_AUDIT_KEY",)),
    "gateway": Needs(secrets=("GATEWAY_CSRF_SECRETS", "GATEWAY_IDEMPOTENCY_SECRETS")),
    "metadata": Needs(secrets=("METADATA_LINK_GRANT_SECRETS", "METADATA_LINK_TOKEN_SECRETS")),
    "notify": Needs(secrets=("DOCSTORE_RESET_LINK_SECRETS", "NOTIFY_UNSUBSCRIBE_SECRET"), internet=True),
    "upload": Needs(secrets=("UPLOAD_REDIRECT_SECRETS",)),
}
"""Of those that need anything."""


def needs_of(name: ServiceName) -> Needs:
    return NEEDS.get(name, Needs())
