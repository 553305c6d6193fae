"""Settings of the gateway. Each is an environment variable `GATEWAY_<NAME>`."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from docstore_platform.connections import ConnectionLimits
from docstore_platform.settings import ServiceSettings


def _web_of_checkout() -> Path | None:
    """Where `make web` puts the page, if this runs from a checkout."""
    folder = Path(__file__).parents[4] / "web"
    return folder / "dist" if folder.is_dir() else None


class GatewaySettings(ServiceSettings):
    """Who may call how often and how long the gateway waits. Rates are calls a minute, sizes bytes."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    sign_up_per_minute: int = Field(10, ge=1, description="per client address")
    log_in_per_minute: int = Field(20, ge=1, description="per client address")
    refresh_per_minute: int = Field(60, ge=1, description="per client address")
    anonymous_per_minute: int = Field(300, ge=1, description="other calls without a login, per client address")
    account_per_minute: int = Field(3000, ge=1, description="all calls of an account together")
    peer_per_minute: int = Field(6_000, ge=1, description="calls of other regions, per address")

    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description="JSON list of networks whose X-Forwarded-For is believed; empty: nobody's"
    )
    cors_origins: tuple[str, ...] = Field((), description='JSON list of web origins that may call; ["*"]: any')
    max_body_bytes: int = Field(16 * 1024 * 1024, ge=1024, description="of any request body; most routes take far less")

    client_connections: int = Field(
        512, ge=1, description="open connections of one client address to one gateway; trusted proxies have any number"
    )

    security_contact: str = Field(
        "",
        pattern=r"^((mailto:|https://|tel:)\S+)?$",
        description="mailto:, https: or tel: for reports of vulnerabilities, told in /.well-known/security.txt",
    )

    web_dir: Path | None = Field(
        default_factory=_web_of_checkout, description="the built web page; without one a line says that it is absent"
    )
    form_bytes: int = Field(
        100 * 1024 * 1024,
        ge=1,
        description="largest file that the page without script takes; at most UPLOAD_OPEN_FORM_BYTES",
    )

    connect_timeout_seconds: float = Field(2.0, gt=0, description="to connect to a service")
    answer_timeout_seconds: float = Field(
        75.0, gt=0, description="a service may be silent this long; above the longest poll"
    )

    csrf_secrets: SecretStr = Field(
        SecretStr(""),
        description="signs the CSRF tokens of the web page. Several by commas: the first signs, all verify",
    )
    idempotency_secrets: SecretStr = Field(
        SecretStr(""),
        description="keys the digests of calls with an Idempotency-Key. Several by commas: the first is used, calls "
        "that are known by the others still are",
    )
    idempotency_lifetime_hours: int = Field(24, ge=1, description="an answer is given again for this long")
    idempotency_lease_seconds: float = Field(
        10.0, gt=0, description="after this a call whose gateway died may be made again; renewed while it runs"
    )
    idempotency_max_answer_bytes: int = Field(4 * 1024 * 1024, ge=1024, description="a larger answer is not kept")

    max_streams: int = Field(32, ge=1, description="connections of an account that may wait for changes at one gateway")
    heartbeat_interval_seconds: float = Field(
        25.0, gt=0, description="a silent stream of events gets a comment this often"
    )
    journal_check_interval_seconds: float = Field(
        20.0, gt=0, description="journals of those who wait are looked at this often, for wake-ups that were lost"
    )

    def connection_limits(self) -> ConnectionLimits:
        """What the public port allows a client."""
        return ConnectionLimits(per_client=self.client_connections, uncounted=self.trusted_proxies)
