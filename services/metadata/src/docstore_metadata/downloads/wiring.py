"""Builds what reads contents: downloads, ZIPs, and credentials to read the store."""

from collections.abc import Sequence

from docstore_contents.reader import Contents
from docstore_contents.s3.failover import FailoverReads, replica_config
from docstore_contents.s3.store import ObjectStore
from docstore_contents.s3.sts import TemporaryCredentials, read_credentials
from docstore_metadata.cold_storage.service import ContentAccess
from docstore_metadata.downloads.delivery import Delivery
from docstore_metadata.downloads.service import DownloadService
from docstore_metadata.read_credentials.service import ReadCredentialsService
from docstore_metadata.storage import Core
from docstore_metadata.versions.service import VersionService
from docstore_metadata.zips.delivery import ZipDelivery
from docstore_metadata.zips.repository import MongoZipProgress, MongoZipTree
from docstore_metadata.zips.service import ZipService
from docstore_work.loop import Loop


class Downloads:
    """Reads of contents, from the replica of the store while the store fails."""

    def __init__(self, core: Core, objects: ObjectStore, versions: VersionService, access: ContentAccess) -> None:
        settings, infra, tree = core.settings, core.settings.infra, core.tree
        replica = replica_config(infra)
        self.reads = FailoverReads(objects, replica)
        contents = Contents(self.reads)
        self.delivery = Delivery(self.reads, contents)
        self.service = DownloadService(
            core.store,
            tree,
            versions,
            contents,
            self.delivery,
            access,
            settings.download_url_lifetime_seconds,
            settings.cdn_signed_cookies,
        )
        zip_tree, progress = MongoZipTree(core.database), MongoZipProgress(core.database)
        self.create_indexes = progress.create_indexes
        self.zips = ZipService(tree, zip_tree, access)
        self.zip_delivery = ZipDelivery(contents, progress, core.clock)

        async def lend(keys: Sequence[str], name: str) -> TemporaryCredentials:
            seconds = settings.read_credentials_lifetime_seconds
            return await read_credentials(objects, infra.s3_read_role_arn, keys, session_name=name, seconds=seconds)

        self.lending = ReadCredentialsService(tree, zip_tree, access, lend)
        probe = Loop.periodic("metadata store probes", self.reads.probe, infra.s3_probe_interval_seconds)
        self.loops = [probe] if replica else []
