"""S3 and STS by SeaweedFS, in one process: `weed mini`, which starts in a second.

`weed server -s3` lacks the admin server and its worker, which take 23 MiB and 0.4 % of a core when idle, but it sleeps
for three seconds at its start.

Its components use ports on the loopback address, which every user of the machine can access. gRPC requires a
certificate of the data folder, and HTTP to the volumes a token signed by the master.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docstore_contents.s3.signing import Credentials as SigningKeys
from docstore_contents.s3.signing import Signer
from docstore_standalone.credentials import Credentials, S3Credentials
from docstore_standalone.embedded.access_log import PROBE_KEY, SERVICES, AccessLog
from docstore_standalone.embedded.certificates import ensure_certificate
from docstore_standalone.embedded.http_probe import http_status, until
from docstore_standalone.ports import LOOPBACK, PortBook
from docstore_standalone.state import write_private
from docstore_standalone.supervision.processes import base_environment

UPLOAD_ROLE = "docstore-uploader"
UPLOAD_ROLE_ARN = f"arn:aws:iam::role/{UPLOAD_ROLE}"
READ_ROLE = "docstore-reader"
READ_ROLE_ARN = f"arn:aws:iam::role/{READ_ROLE}"
MAX_SESSION = "12h"
PROBE_BYTES = 64 * 1024
"""Too large to be stored with the object's name: needs a writable volume."""
GRPC_PARTS = ("MASTER", "VOLUME", "FILER", "S3", "ADMIN", "WORKER", "CLIENT")
HTTP_KEYS = {
    "WEED_JWT_SIGNING_KEY": "volume writes",
    "WEED_JWT_SIGNING_READ_KEY": "volume reads",
    "WEED_JWT_FILER_SIGNING_KEY": "filer writes",
    "WEED_JWT_FILER_SIGNING_READ_KEY": "filer reads",
}
ENCRYPT_NEW = (
    b"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
    b"</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
)
"""Body of PutBucketEncryption."""
PROBE = b"." * PROBE_BYTES
PROBE_SECONDS = 60
ACCESS_LOG_FILE = "access-log.json"
ENCRYPTED_FILE = "encrypted"
ENCRYPTION = "encryption at rest"
SECRETS = {**HTTP_KEYS, "WEED_S3_SSE_KEY": ENCRYPTION}
"""Variables of SeaweedFS, and the purpose of each secret. The last one encrypts the keys of encrypted objects."""
# The heap has 200 MB of reserved, untouched buffers: a limit below 300 MB collects endlessly.
# GOGC=50 keeps the idle size low; the limit bounds it under large uploads.
MEMORY_SETTINGS = {"GOGC": "50", "GOMEMLIMIT": "600MiB"}
EIGHT_DATABASES = "filerldb2"
"""SeaweedFS's default for the names of objects; an empty folder if another database is chosen."""
ONE_DATABASE = {"WEED_LEVELDB2_ENABLED": "false", "WEED_LEVELDB_ENABLED": "true"}
"""Each database reserves 16 MB or more to write, and as much garbage may gather again."""
OBJECT_ACTIONS = ("Read", "Write", "List", "Tagging")
ROLE_ACTIONS = [
    "s3:PutObject",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:ListBucketMultipartUploads",
]


def user_arn(identity: str) -> str:
    """Return the object store's name of an identity in trust policies."""
    return f"arn:aws:iam::000000000000:user/{identity}"


def identity(
    name: str, keys: S3Credentials, *, actions: Sequence[str] = (), policies: Sequence[str] = ()
) -> dict[str, Any]:
    """An identity with SeaweedFS actions, or policies by their names in the IAM configuration."""
    pair = {"accessKey": keys.access_key_id, "secretKey": keys.secret_access_key}
    return {"name": name, "credentials": [pair], "actions": list(actions), "policyNames": list(policies)}


def identities(credentials: Credentials, of_services: Sequence[str], broker: str) -> dict[str, Any]:
    """S3 identities with minimal rights."""
    services = [f"{action}:{bucket}" for bucket in of_services for action in OBJECT_ACTIONS]
    return {
        "identities": [
            identity("root", credentials.root, actions=["Admin"]),
            identity(SERVICES, credentials.services, actions=services),
            identity("broker", credentials.broker, actions=[f"{action}:{broker}" for action in OBJECT_ACTIONS]),
        ]
    }


def iam_config(
    credentials: Credentials,
    content: Sequence[str],
    upload_lender: str = user_arn(SERVICES),
    read_lender: str = user_arn(SERVICES),
) -> dict[str, Any]:
    """STS and the roles of uploads and reads, for the content buckets only; a session policy restricts them further.

    Only the lender may assume one: otherwise temporary credentials for one upload could assume it again, without the
    session policy that restricts them.
    """
    resources = [f"arn:aws:s3:::{bucket}{end}" for bucket in content for end in ("", "/*")]
    objects = [f"arn:aws:s3:::{bucket}/*" for bucket in content]
    return {
        "sts": {
            "tokenDuration": "1h",
            "maxSessionLength": MAX_SESSION,
            "issuer": "docstore",
            "signingKey": base64.b64encode(bytes.fromhex(credentials.sts_signing_key)).decode(),
        },
        "policy": {"defaultEffect": "Deny", "storeType": "memory"},
        "roles": [
            _role(UPLOAD_ROLE, UPLOAD_ROLE_ARN, upload_lender, "uploads"),
            _role(READ_ROLE, READ_ROLE_ARN, read_lender, "reads"),
        ],
        "policies": [
            {"name": "uploads", "document": _document(Action=ROLE_ACTIONS, Resource=resources)},
            {"name": "reads", "document": _document(Action=["s3:GetObject"], Resource=objects)},
        ],
    }


def _role(name: str, arn: str, lender: str, policy: str) -> dict[str, Any]:
    trust = _document(Principal={"AWS": lender}, Action=["sts:AssumeRole"])
    return {"roleName": name, "roleArn": arn, "trustPolicy": trust, "attachedPolicies": [policy]}


def _document(**allowed: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **allowed}]}


class ObjectStore:
    """The server, with data and configuration in `folder`; clients use `endpoint`."""

    name = "object-store"
    parts = ("s3", "master", "volume", "filer", "admin")
    port_names: Sequence[str] = tuple(name for part in parts for name in (part, f"{part}-grpc"))
    stop_seconds = 4.0  # it may take a minute; every acknowledged write is on disk already

    def __init__(
        self,
        program: Path,
        folder: Path,
        log_file: Path,
        ports: PortBook,
        credentials: Credentials,
        *,
        content_buckets: Sequence[str],
        processed_bucket: str,
        broker_bucket: str,
        access_log: AccessLog | None = None,
    ) -> None:
        self.program, self.folder, self.log_file, self.ports = program, folder, log_file, ports
        self.credentials = credentials
        self.content_buckets, self.broker_bucket = content_buckets, broker_bucket
        self.processed_bucket = processed_bucket
        self.access_log = access_log

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['s3']}"

    @property
    def _configs(self) -> tuple[Path, Path]:
        return self.folder / "s3.json", self.folder / "iam.json"

    @property
    def _certificate(self) -> tuple[Path, Path]:
        return self.folder / "grpc.crt", self.folder / "grpc.key"

    @property
    def buckets(self) -> Sequence[str]:
        return [*self.of_services, self.broker_bucket]

    @property
    def of_services(self) -> Sequence[str]:
        """Buckets that the services share."""
        return [*self.content_buckets, self.processed_bucket]

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self.folder / "data").exists():
            self.note_encrypted()
        (self.folder / "data").mkdir(exist_ok=True)
        ensure_certificate(*self._certificate, self.name)
        s3, iam = self._configs
        write_private(s3, json.dumps(identities(self.credentials, self.of_services, self.broker_bucket)))
        write_private(iam, json.dumps(iam_config(self.credentials, self.content_buckets)))
        if self.access_log:
            write_private(self.folder / ACCESS_LOG_FILE, self.access_log.config())

    def is_encrypted(self) -> bool:
        """Whether all objects are. An earlier version stored them in clear: `encryption_at_rest`."""
        return (self.folder / ENCRYPTED_FILE).exists()

    def note_encrypted(self) -> None:
        (self.folder / ENCRYPTED_FILE).touch()

    def command(self) -> Sequence[str]:
        options = self.options(self.folder / "data", *self._configs)
        if self.access_log:
            options = [*options, f"-s3.auditLogConfig={self.folder / ACCESS_LOG_FILE}"]
        return [str(self.program), "-v=0", "mini", *options, f"-ip.bind={LOOPBACK}"]

    def options(self, data: Path, s3: Path, iam: Path) -> Sequence[str]:
        """Options of `weed mini`, except its address."""
        ports = []
        for part in self.parts:
            ports += [f"-{part}.port={self.ports[part]}", f"-{part}.port.grpc={self.ports[f'{part}-grpc']}"]
        return [
            f"-dir={data}",
            f"-ip={LOOPBACK}",
            *ports,
            # Otherwise its filer lets any web page read and delete everything (CORS `*`), and its master lets a GET
            # delete a bucket by a GET. S3 needs neither.
            "-disableHttp",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            f"-s3.config={s3}",
            f"-s3.iam.config={iam}",
            f"-bucket={','.join(self.buckets)}",
            # A resumed state lets the master be elected while its volumes already report to it: if they are first, they
            # try again after 5 seconds, and writes may wait for 15. Without one it knows nothing of them but what they
            # report, and that it is the leader.
            "-master.resumeState=false",
            "-master.telemetry=false",
            "-volume.preStopSeconds=0",
            "-admin.ui=false",
            "-webdav=false",
        ]

    def environment(self) -> Mapping[str, str]:
        certificate, key = map(str, self._certificate)
        grpc = {"WEED_GRPC_CA": certificate}
        for part in GRPC_PARTS:
            grpc |= {f"WEED_GRPC_{part}_CERT": certificate, f"WEED_GRPC_{part}_KEY": key}
        keys = {name: self.credentials.derived(f"object store {purpose}") for name, purpose in SECRETS.items()}
        return {**base_environment(), **MEMORY_SETTINGS, **self._names_settings(), **grpc, **keys}

    def _names_settings(self) -> Mapping[str, str]:
        """Keep the objects' names in one database. A folder of an earlier release keeps its eight."""
        data = self.folder / "data"
        if any((data / EIGHT_DATABASES).glob("*")):
            return {}
        return {**ONE_DATABASE, "WEED_LEVELDB_DIR": str(data / "filerldb")}

    async def wait_ready(self) -> None:
        """Wait until every bucket (created last) has a writable volume, encrypts new objects, and can delete them."""
        await until(self._is_ready)

    async def _is_ready(self) -> bool:
        for bucket in self.buckets:
            if self.is_encrypted() and not await self._encrypts_new(bucket):
                return False
            keys = self.credentials.broker if bucket == self.broker_bucket else self.credentials.services
            probe = f"/{bucket}/{PROBE_KEY}"
            if await self._call("PUT", probe, keys, PROBE) != 200 or await self._call("DELETE", probe, keys) != 204:
                return False
        return True

    async def _encrypts_new(self, bucket: str) -> bool:
        root = self.credentials.root
        return await self._call("PUT", f"/{bucket}", root, ENCRYPT_NEW, {"encryption": ""}) == 200

    async def _call(
        self, method: str, path: str, keys: S3Credentials, body: bytes = b"", query: Mapping[str, str] | None = None
    ) -> int | None:
        signer = Signer(self.endpoint, SigningKeys(keys.access_key_id, keys.secret_access_key), region="us-east-1")
        url = signer.presign(method, path, expires_in=PROBE_SECONDS, query=query)
        return await http_status(self.ports["s3"], url.removeprefix(signer.origin), method, body)

    def clean_up(self) -> None:
        """Remove its sockets, named by port in /tmp."""
        for name in self.port_names:
            part, _, grpc = name.partition("-")
            socket = f"seaweedfs-{part}-grpc-{self.ports[name]}" if grpc else f"seaweedfs-{part}-{self.ports[name]}"
            Path("/tmp", f"{socket}.sock").unlink(missing_ok=True)
