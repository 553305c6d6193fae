"""What another user of the machine tries: run as root, it becomes that user first.

Arguments: the uid, the data folder, its ports and process ids as JSON. Prints as JSON what each try came to.
"""

import json
import os
import socket
import ssl
import sys
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

RESPONSE_SECONDS = 5.0
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
KAFKA_REQUESTS = {
    "versions": bytes.fromhex("0012 0000 00000001 ffff"),
    "metadata": bytes.fromhex("0003 0001 00000001 ffff ffffffff"),
    "delete a topic": bytes.fromhex("0014 0000 00000001 ffff 00000001 0001 78 00001000"),
    "produce nothing": bytes.fromhex("0000 0003 00000001 ffff ffff ffff 00001000 00000000"),
}
"""Names of what is asked for, and the requests without their lengths."""
FILES = ("credentials.json", "stack.json", "mongod/operator.url", "mongod/key", "object-store/grpc.key", "mail", "logs")


def become(uid: int) -> None:
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def outcome(attempt: Callable[[], Any]) -> str:
    """What was got, or the name of the error."""
    try:
        return f"got {attempt()!r}"
    except (OSError, PyMongoError, HTTPException) as error:
        return type(error).__name__


def read(path: Path) -> object:
    return os.listdir(path) if path.is_dir() else path.read_bytes()[:20]


def in_database(port: int, use: Callable[[Any], Any]) -> object:
    url = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=5000) as client:
        return use(client)


def plain_grpc(port: int) -> bytes:
    """What a gRPC server answers to the beginning of a connection without TLS."""
    with socket.create_connection(("127.0.0.1", port), RESPONSE_SECONDS) as connection:
        connection.sendall(HTTP2_PREFACE)
        return connection.recv(9)


def tls_grpc(port: int) -> bytes:
    """The same with TLS, but without a certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", port), RESPONSE_SECONDS) as plain,
        context.wrap_socket(plain) as connection,
    ):
        connection.sendall(HTTP2_PREFACE)
        return connection.recv(9)


def http_status(port: int, path: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=RESPONSE_SECONDS)
    connection.request("GET", path)
    return connection.getresponse().status


def in_broker(port: int, request: bytes) -> bytes:
    """What the broker answers to a request of the Kafka protocol."""
    with socket.create_connection(("127.0.0.1", port), RESPONSE_SECONDS) as connection:
        connection.sendall(len(request).to_bytes(4) + request)
        return connection.recv(9)


def forge_a_mail(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=RESPONSE_SECONDS)
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}
    mail = {"Simple": {"Subject": {"Data": "Your password"}, "Body": {"Text": {"Data": "https://evil.example"}}}}
    body = {"FromEmailAddress": "a@example.com", "Destination": {"ToAddresses": ["b@example.com"]}, "Content": mail}
    connection.request("POST", "/v2/email/outbound-emails", json.dumps(body), headers)
    return connection.getresponse().status


def connect(path: Path) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        return "a connection"


def main() -> None:
    uid, folder, ports, processes = int(sys.argv[1]), Path(sys.argv[2]), *map(json.loads, sys.argv[3:5])
    context = ssl.create_default_context()  # loads what another user can't, from where Python is installed
    del context
    become(uid)
    mongod = ports["mongod"]
    sockets = [
        path for path in Path("/tmp").glob("seaweedfs-*.sock") if path.stem.split("-")[-1] in map(str, ports.values())
    ]
    grpc = {name: port for name, port in ports.items() if name.endswith("-grpc")}
    tries = {
        **{f"read {name}": outcome(lambda name=name: read(folder / name)) for name in FILES},
        **{
            f"environment of {name}": outcome(lambda pid=pid: read(Path(f"/proc/{pid}/environ")))
            for name, pid in processes.items()
        },
        "list databases": outcome(lambda: in_database(mongod, lambda client: client.list_database_names())),
        "read signing keys": outcome(
            lambda: in_database(mongod, lambda client: client["docstore_accounts"]["signing_keys"].find_one())
        ),
        "make a user": outcome(
            lambda: in_database(
                mongod, lambda client: client.admin.command("createUser", "eve", pwd="x", roles=["root"])
            )
        ),
        **{
            f"broker: {name}": outcome(lambda request=request: in_broker(ports["kafka"], request))
            for name, request in KAFKA_REQUESTS.items()
        },
        "forge a mail": outcome(lambda: forge_a_mail(ports["mailbox"])),
        **{f"plain gRPC {name}": outcome(lambda port=port: plain_grpc(port)) for name, port in grpc.items()},
        **{f"TLS gRPC {name}": outcome(lambda port=port: tls_grpc(port)) for name, port in grpc.items()},
        **{f"socket {path.name}": outcome(lambda path=path: connect(path)) for path in sockets},
        "sockets": str(len(sockets)),
        **{
            f"HTTP {name} {path}": outcome(lambda name=name, path=path: http_status(ports[name], path))
            for name, path in (
                ("s3", "/"),
                ("s3", "/docstore-content-us-west-2"),
                ("filer", "/"),
                ("filer", "/buckets/"),
                ("master", "/dir/assign"),
                ("volume", "/ui/index.html"),
                ("volume", "/1,01637037d6"),
                ("admin", "/"),
            )
        },
    }
    print(json.dumps(tries))


if __name__ == "__main__":
    main()
