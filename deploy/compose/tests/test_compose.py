"""docker-compose.yml by its settings: what Compose makes of .env, mail by SMTP, and the reverse proxy for TLS."""

import asyncio
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web
from local_server import served
from memory_folders import memory_folder
from people import PASSWORD
from yarl import URL

from docstore_notify.settings import NotifySettings
from docstore_platform.services import SERVICE_NAMES
from docstore_platform.testing import eventually
from docstore_standalone.compose_files import write_compose_files
from docstore_standalone.embedded.certificates import ensure_certificate
from docstore_standalone.ports import is_free
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import start_stack

ROOT = Path(__file__).parents[3]
NGINX = os.environ.get("NGINX_PROGRAM") or shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
Json = dict[str, Any]


def compose_command() -> list[str] | None:
    """The command of Docker Compose: a program, or a plugin that Docker's client may lack."""
    for command in (["docker-compose"], ["docker", "compose"]):
        if (
            shutil.which(command[0])
            and subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0
        ):
            return command
    return None


COMPOSE = compose_command()


def configured(folder: Path, **variables: str) -> Json:
    """What Compose makes of the file and of .env, in which `make compose-up` has written the secrets."""
    for name in ("docker-compose.yml", "deploy/policies", "deploy/compose"):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("state", "tests"))
        else:
            shutil.copy(ROOT / name, target)
    write_compose_files(folder)
    with (folder / ".env").open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in variables.items())
    clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    assert COMPOSE
    done = subprocess.run([*COMPOSE, "config"], cwd=folder, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    services: Json = yaml.safe_load(done.stdout)["services"]
    return services


needs_compose = pytest.mark.skipif(COMPOSE is None, reason="needs Docker Compose")


@needs_compose
def test_without_more_settings_everything_stays_on_this_machine(tmp_path: Path) -> None:
    """Addresses of clients and published ports are loopback, and there is no proxy."""
    services = configured(tmp_path)
    assert "tls" not in services
    gateway = services["gateway"]["environment"]
    assert gateway["DOCSTORE_PUBLIC_URL"] == "http://127.0.0.1:8080"
    assert gateway["DOCSTORE_S3_PUBLIC_ENDPOINT"] == "http://127.0.0.1:8333"
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(str(port).startswith("127.0.0.1:") or dict(port)["host_ip"] == "127.0.0.1" for port in ports)


@needs_compose
def test_addresses_and_certificate_are_settings(tmp_path: Path) -> None:
    """With tls.yml, the proxy has the certificate that .env names, and all services the public addresses."""
    files = "docker-compose.yml:deploy/compose/tls.yml"
    urls = {"PUBLIC_URL": "https://files.example.org", "S3_PUBLIC_URL": "https://files.example.org:8443"}
    services = configured(tmp_path, COMPOSE_FILE=files, **urls, TLS_CERT="/tls/a.pem", TLS_KEY="/tls/a.key")
    for name in SERVICE_NAMES:
        found = services[name]["environment"]
        assert found["DOCSTORE_PUBLIC_URL"] == urls["PUBLIC_URL"]
        assert found["DOCSTORE_S3_PUBLIC_ENDPOINT"] == urls["S3_PUBLIC_URL"]
        assert found["DOCSTORE_KAFKA_USERNAME"] == name
    mounted = str(services["tls"]["volumes"])
    assert all(file in mounted for file in ("/tls/a.pem", "/tls/a.key", "nginx.conf"))


def test_a_renewed_certificate_gets_to_the_proxy_as_documented() -> None:
    """Files are bound as they are when a container starts: a reload of nginx reads the replaced certificate."""
    volumes = yaml.safe_load((ROOT / "deploy/compose/tls.yml").read_text())["services"]["tls"]["volumes"]
    assert any(volume.endswith("/tls.crt:ro") for volume in volumes)
    documented = (ROOT / "docs/deployment.md").read_text()
    assert "docker compose up --detach --force-recreate --no-deps tls" in documented
    assert "nginx -s reload" not in documented


@needs_compose
def test_mail_goes_where_the_settings_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """notify gets the SMTP server, which it may reach: its tests send mails by these very settings."""
    mail = {"MAIL_TRANSPORT": "smtp", "MAIL_SENDER": "Files <files@example.org>", "SMTP_HOST": "mail.example.org"}
    services = configured(
        tmp_path, **mail, SMTP_PORT="465", SMTP_TLS="tls", SMTP_USERNAME="files", SMTP_PASSWORD="s3cret"
    )
    notify = services["notify"]
    assert "outside" in notify["networks"]
    for name, value in notify["environment"].items():
        monkeypatch.setenv(name, str(value))
    settings = NotifySettings()
    assert (settings.transport, settings.sender) == ("smtp", "Files <files@example.org>")
    assert (settings.smtp_host, settings.smtp_port, settings.smtp_tls) == ("mail.example.org", 465, "tls")
    assert (settings.smtp_username, settings.smtp_password.get_secret_value()) == ("files", "s3cret")


@needs_compose
def test_three_nodes_agree_on_each_other(tmp_path: Path) -> None:
    """With three-nodes.yml: distinct nodes and volumes, one cluster and quorum, and three replicas of each topic."""
    services = configured(tmp_path, COMPOSE_FILE="docker-compose.yml:deploy/compose/three-nodes.yml")
    names = ("kafka", "kafka-2", "kafka-3")
    nodes = {name: services[name]["environment"] for name in names}
    ids = {name: node["KAFKA_NODE_ID"] for name, node in nodes.items()}
    assert len(set(ids.values())) == 3
    quorum = ",".join(f"{ids[name]}@{name}:9093" for name in names)
    for name, node in nodes.items():
        assert node["KAFKA_CONTROLLER_QUORUM_VOTERS"] == quorum
        assert f"SERVICES://{name}:9092" in node["KAFKA_ADVERTISED_LISTENERS"]
        assert (node["KAFKA_DEFAULT_REPLICATION_FACTOR"], node["KAFKA_MIN_INSYNC_REPLICAS"]) == ("3", "2")
        assert "CONTROLLER:PLAINTEXT" not in node["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"]
    assert len({node["CLUSTER_ID"] for node in nodes.values()}) == 1
    members = ("mongo", "mongo-2", "mongo-3")
    for group in (names, members):
        assert len({str(services[name]["volumes"]) for name in group}) == 3
        for common in ("image", "healthcheck", "restart", "mem_limit"):
            assert len({str(services[name][common]) for name in group}) == 1
    for name in (*SERVICE_NAMES, "topics"):
        environment = services[name]["environment"]
        assert environment["DOCSTORE_KAFKA_BOOTSTRAP"] == ",".join(f"{node}:9092" for node in names)
        assert environment["DOCSTORE_TOPIC_REPLICATION"] == "3"
    for name in SERVICE_NAMES:
        hosts = ",".join(f"{member}:27017" for member in members)
        assert f"@{hosts}/docstore_{name}?" in services[name]["environment"]["DOCSTORE_MONGO_URL"]


# --- the reverse proxy -------------------------------------------------------------------------------------


@asynccontextmanager
async def nginx(folder: Path, addresses: Mapping[str, str]) -> AsyncIterator[ssl.SSLContext]:
    """The shipped configuration with other addresses and a certificate; a context that trusts only that."""
    ensure_certificate(folder / "tls.crt", folder / "tls.key", "localhost")
    text = (ROOT / "deploy/compose/nginx.conf").read_text()
    for old, new in {"/tmp/": f"{folder}/", "/etc/nginx/tls/": f"{folder}/", "user nginx;": "", **addresses}.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text)
    assert NGINX
    process = await asyncio.create_subprocess_exec(
        NGINX, "-c", str(folder / "nginx.conf"), "-e", "stderr", "-g", "daemon off;", stderr=sys.stderr
    )
    context = ssl.create_default_context(cafile=str(folder / "tls.crt"))
    context.check_hostname = False
    try:
        yield context
    finally:
        process.terminate()
        await process.wait()


needs_nginx = pytest.mark.skipif(NGINX is None, reason="needs nginx, by PATH or NGINX_PROGRAM")


@needs_nginx
async def test_a_body_of_any_size_passes_as_it_arrives(tmp_path: Path) -> None:
    """A file by WebDAV is one body: the proxy neither refuses it nor collects it before the gateway gets it."""
    announced: list[int | None] = []

    async def gateway(request: web.BaseRequest) -> web.Response:
        announced.append(request.content_length)
        return web.Response()

    front, store = [port for port in range(21_000, 22_000) if is_free(port)][:2]
    async with served(web.ServerRunner(web.Server(gateway), shutdown_timeout=1)) as url:
        addresses = {"8443": str(front), "8444": str(store), "gateway:8000": URL(url).authority}
        async with nginx(tmp_path, addresses) as trusting:
            status = await eventually(lambda: status_of_put(front, 1 << 40, trusting))
    assert (status, announced) == (b"HTTP/1.1 200 OK\r\n", [1 << 40])


async def status_of_put(port: int, size: int, trusting: ssl.SSLContext) -> bytes:
    """The status line that answers the head of a PUT, of whose body nothing is sent; empty until nginx listens."""
    try:
        reader, writer = await asyncio.open_connection("localhost", port, ssl=trusting)
    except OSError:
        return b""
    try:
        writer.write(b"PUT /dav/film.mkv HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size)
        return await reader.readline()
    finally:
        writer.transport.abort()


@pytest.mark.connected
@needs_nginx
async def test_clients_work_through_the_proxy(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Signed up, uploaded and downloaded by TLS alone, both by the gateway and by the store's signed URLs."""
    ports = iter([port for port in range(21_000, 22_000) if is_free(port)])
    gateway, front, store = next(ports), next(ports), next(ports)
    public = f"https://localhost:{front}"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DOCSTORE_PUBLIC_URL", public)
        environment.setenv("DOCSTORE_S3_PUBLIC_ENDPOINT", f"https://localhost:{store}")
        environment.setenv("GATEWAY_TRUSTED_PROXIES", '["127.0.0.0/8"]')
        data = tmp_path_factory.mktemp("tls")
        with memory_folder(data) as folder:
            async with await start_stack(StandaloneSettings(data=folder, port=gateway)) as stack:
                addresses = {
                    "gateway:8000": f"127.0.0.1:{gateway}",
                    "object-store:8333": URL(stack.servers.s3_endpoint).authority,
                    "8443": str(front),
                    "8444": str(store),
                    "resolver 127.0.0.11": "resolver 127.0.0.1",
                }
                async with nginx(tmp_path, addresses) as trusting:
                    await work(public, trusting)


async def work(public: str, trusting: ssl.SSLContext) -> None:
    """An account's first file."""
    account = {"email": "ada@example.org", "password": PASSWORD}
    content = b"by TLS alone" * 1000
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as http:

        async def call(method: str, path: str, body: Any = None) -> Any:
            async with http.request(method, public + path, json=body) as answer:
                assert answer.status < 300, await answer.text()
                assert "strict-transport-security" in answer.headers
                return await answer.json()

        async def ready() -> bool:
            try:
                return (await http.get(f"{public}/healthz")).status == 200
            except aiohttp.ClientError:
                return False

        await eventually(ready)
        await call("POST", "/v1/accounts", account)
        tokens = await call("POST", "/v1/sessions", account)
        http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        upload = await call("POST", "/v1/uploads", {"path": "/a.txt", "size": len(content), "method": "put"})
        put = upload["put"]
        assert put["url"].startswith("https://")
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as stranger:
            async with stranger.put(URL(put["url"], encoded=True), data=content, headers=put["headers"]) as answer:
                assert answer.status == 200, await answer.text()
            file = await call("POST", f"/v1/uploads/{upload['id']}/complete", {})
            async with http.get(f"{public}/v1/files/{file['id']}/content", allow_redirects=False) as answer:
                url = answer.headers["location"]
            async with stranger.get(URL(url, encoded=True), headers={"Range": "bytes=3-5"}) as answer:
                assert (answer.status, await answer.read()) == (206, content[3:6])
