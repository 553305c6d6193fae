"""Settings of the gateway. Each is an environment variable `GATEWAY_<NAME>`."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from docstore_platform.http.server.connections import ConnectionLimits
from docstore_platform.settings import ORIGIN_OR_EMPTY, ServiceSettings


def _built_page() -> Path | None:
    """Return the folder of the page: in a released package its own, in a checkout that of `make web`."""
    packaged = Path(__file__).parent / "built_page"
    if packaged.is_dir():
        return packaged
    folder = Path(__file__).parents[4] / "web"
    return folder / "dist" if folder.is_dir() else None


class GatewaySettings(ServiceSettings):
    """Rate limits and timeouts. Rates are calls a minute, sizes bytes."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    sign_up_per_minute: int = Field(10, ge=1, description="per client address")
    log_in_per_minute: int = Field(20, ge=1, description="per client address")
    refresh_per_minute: int = Field(60, ge=1, description="per client address")
    anonymous_per_minute: int = Field(300, ge=1, description="other calls without a login, per client address")
    account_per_minute: int = Field(3000, ge=1, description="all calls of an account together")
    exchange_per_minute: int = Field(
        300, ge=1, description="API tokens looked up in accounts, per client address; a used one is known for minutes"
    )
    dav_per_minute: int = Field(
        12_000, ge=1, description="all WebDAV requests of an account together: a folder's contents take one each"
    )
    peer_per_minute: int = Field(6_000, ge=1, description="calls of other regions, per address")

    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description="JSON list of networks whose X-Forwarded-For is trusted; empty: none"
    )
    proxied_store_port: int | None = Field(
        None,
        ge=1,
        le=65_535,
        description="port of the object store at the trusted proxies, which serve https. URLs for a client then name "
        "the host that it used: the proxies must set X-Forwarded-Host to a name that they have checked",
    )
    direct_url: str = Field(
        "",
        pattern=ORIGIN_OR_EMPTY,
        description="with proxied_store_port: this gateway's address for clients that use no proxy",
    )
    direct_store_url: str = Field("", pattern=ORIGIN_OR_EMPTY, description="the same of the object store")
    strict_transport: bool = Field(
        True,
        description="send Strict-Transport-Security where the public URL is https: browsers then use only https for "
        "every port of that host and of its subdomains",
    )
    cors_origins: tuple[str, ...] = Field((), description='JSON list of other web origins that may call; ["*"]: any')
    max_body_bytes: int = Field(
        16 * 1024 * 1024, ge=1024, description="limit of any request body; most routes take less"
    )

    client_connections: int = Field(
        512, ge=1, description="open connections of one client address to one gateway; no limit for trusted proxies"
    )

    security_contact: str = Field(
        "",
        pattern=r"^((mailto:|https://|tel:)\S+)?$",
        description="mailto:, https: or tel: for reports of vulnerabilities, shown in /.well-known/security.txt",
    )

    web_dir: Path | None = Field(default_factory=_built_page, description="folder of the built web page")
    asset_url: str = Field(
        "",
        pattern=ORIGIN_OR_EMPTY,
        description="origin of a CDN in front of this gateway, from which the page loads its hashed assets; "
        "empty: from the gateway",
    )
    form_bytes: int = Field(
        100 * 1024 * 1024,
        ge=1,
        description="largest file of the page without script; at most UPLOAD_OPEN_FORM_BYTES",
    )

    logs_folder: Path | None = Field(
        None, description="folder of the services' log files, which administrators may search; default: there is none"
    )
    loki_url: SecretStr = Field(
        SecretStr(""),
        description="Loki with the logs, which administrators may search, as http://USER:PASSWORD@HOST:3100",
    )
    loki_selector: str = Field(
        '{namespace="docstore"}', pattern=r"^\{.+\}$", description="Loki's streams with the logs of the services"
    )
    loki_tenant: str = Field("", description="tenant of a Loki that has several")
    loki_days: int = Field(7, ge=1, le=3650, description="how many days back a search in Loki reaches")
    cloudwatch_log_groups: tuple[str, ...] = Field(
        (), description="JSON list of groups of CloudWatch Logs with the logs, where there is no Loki"
    )
    cloudwatch_region: str = Field("", description="their AWS region; empty: the stack's")
    cloudwatch_days: int = Field(
        7, ge=1, le=3650, description="how many days back a search in CloudWatch reaches, all of which AWS charges for"
    )
    backups_folder: Path | None = Field(
        None, description="folder where the stack writes the state of its backups; default: there are none"
    )

    connect_timeout_seconds: float = Field(2.0, gt=0, description="time limit to connect to a service")
    answer_timeout_seconds: float = Field(
        75.0, gt=0, description="how long a service may be silent; longer than the longest poll"
    )

    csrf_secrets: SecretStr = Field(
        SecretStr(""),
        description="signs the CSRF tokens of the web page. Several by commas: the first signs, all verify",
    )
    idempotency_secrets: SecretStr = Field(
        SecretStr(""),
        description="keys of the digests of Idempotency-Keys. Several by commas: the first is used; calls stored "
        "under the others are still found",
    )
    idempotency_lifetime_hours: int = Field(24, ge=1, description="how long a response can be repeated")
    idempotency_lease_seconds: float = Field(
        10.0, gt=0, description="a call whose gateway died may be repeated after this; renewed while it runs"
    )
    idempotency_max_answer_bytes: int = Field(4 * 1024 * 1024, ge=1024, description="larger responses are not stored")

    max_streams: int = Field(32, ge=1, description="connections of an account that wait for changes at one gateway")
    heartbeat_interval_seconds: float = Field(
        25.0, gt=0, description="interval of comments in a silent stream of events"
    )
    journal_check_interval_seconds: float = Field(
        20.0, gt=0, description="how often journals of waiting clients are checked for lost wake-ups"
    )

    def connection_limits(self) -> ConnectionLimits:
        """Connection limits of the public port."""
        return ConnectionLimits(per_client=self.client_connections, uncounted=self.trusted_proxies)
