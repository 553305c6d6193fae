"""The deployment of a backup or restore: its databases and its content bucket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from docstore_contents.s3.failover import replica_config
from docstore_contents.s3.presigned import S3Config
from docstore_platform.settings import InfraSettings
from docstore_standalone.backup.manifest import BackupRefused
from docstore_standalone.credentials import Credentials, credentials_path, load_credentials
from docstore_standalone.embedded.mongo_users import operator_url
from docstore_standalone.servers import start_servers
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.state import RESTORING_FILE, StackState, is_region, read_state, running_state


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment. `folder`: data folder of a stack on this machine, which created its own secrets; otherwise None.
    `replica`: of the content bucket, in another region.
    """

    region: str
    mongo_url: str
    database_prefix: str
    s3: S3Config
    folder: Path | None
    replica: S3Config | None = None

    @property
    def credentials(self) -> Credentials | None:
        """The secrets of the data folder; shared ones of several regions are in the folder above."""
        if self.folder is None:
            return None
        own = load_credentials(self.folder)
        if not is_region(self.folder):
            return own
        shared = load_credentials(self.folder.parent)
        return own.model_copy(update={"peer_secret": shared.peer_secret, "email_pepper": shared.email_pepper})


def is_elsewhere(settings: StandaloneSettings) -> bool:
    """Whether both database and object store are external."""
    return bool(settings.mongo_url and settings.s3_endpoint)


@asynccontextmanager
async def reached(settings: StandaloneSettings) -> AsyncIterator[Deployment]:
    """Open the deployment of the settings, or the stack of the data folder, starting it for the block if needed.

    BackupRefused if there is none, or if a restore is incomplete. Raises what `start_servers` raises.
    """
    if is_elsewhere(settings):
        yield _external(settings)
        return
    folder = settings.data
    if names := read_state(folder).regions:
        each = ", ".join(str(folder / name) for name in names)
        raise BackupRefused(f"{folder} contains several regions; back up each of them: --data {each}")
    if is_region(folder):
        settings = settings.model_copy(update={"region": folder.name})
    if (folder / RESTORING_FILE).exists():
        raise BackupRefused(f"the restore to {folder} is incomplete: run `docstore restore-backup` again")
    state = running_state(folder)
    if state is not None:
        if "mongodb" not in state.addresses or "s3" not in state.addresses:
            raise BackupRefused(f"the stack in {folder} is starting")
        yield _of_stack(settings, state)
        return
    if not credentials_path(folder).exists():
        raise BackupRefused(f"there is no stack in {folder}")
    async with started(settings) as deployment:
        yield deployment


@asynccontextmanager
async def started(settings: StandaloneSettings) -> AsyncIterator[Deployment]:
    """Start the servers of the data folder, without services, for the block."""
    servers = await start_servers(settings.data, settings=settings, mailbox=False)
    try:
        yield _of_stack(settings, read_state(settings.data))
    finally:
        await servers.stop()


def _external(settings: StandaloneSettings) -> Deployment:
    infra = _infra(settings)
    mongo_url = infra.mongo_url.get_secret_value()
    return Deployment(infra.region, mongo_url, infra.database_prefix, S3Config.of(infra), None, replica_config(infra))


def _of_stack(settings: StandaloneSettings, state: StackState) -> Deployment:
    infra = _infra(settings)
    endpoint = state.addresses["s3"]
    credentials = load_credentials(settings.data)
    keys = credentials.services
    ids = (keys.access_key_id, keys.secret_access_key)
    if settings.s3_endpoint:
        ids = (settings.s3_access_key_id, settings.s3_secret_access_key.get_secret_value())
    s3 = S3Config(endpoint, endpoint, settings.region, *ids, infra.bucket, path_style=infra.s3_path_style)
    external = settings.mongo_url
    mongo_url = external.get_secret_value() if external else operator_url(state.addresses["mongodb"], credentials)
    return Deployment(settings.region, mongo_url, infra.database_prefix, s3, settings.data, replica_config(infra))


def _infra(settings: StandaloneSettings) -> InfraSettings:
    """Settings of the services, with the region of the folder."""
    return InfraSettings(region=settings.region)
