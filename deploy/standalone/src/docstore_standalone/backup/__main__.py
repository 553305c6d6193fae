"""Takes one backup by the settings of the environment, for the schedule; prints its name. Ends with 1 and a reason."""

import asyncio
import sys

from docstore_standalone.backup.deployment import reached
from docstore_standalone.backup.failures import FAILURES
from docstore_standalone.backup.manifest import BackupRefused
from docstore_standalone.backup.places.bucket import BucketOptions
from docstore_standalone.backup.places.place import prepared_target
from docstore_standalone.backup.progress import silent
from docstore_standalone.backup.pruning import Retention
from docstore_standalone.backup.take import take_backup
from docstore_standalone.backup_schedule import target_of
from docstore_standalone.settings import StandaloneSettings


async def _take(settings: StandaloneSettings) -> str:
    address = target_of(settings)
    if address is None:
        raise BackupRefused("DOCSTORE_BACKUP_TARGET is not set")
    given = settings.backup_endpoint, settings.backup_storage_class
    options = BucketOptions(*given, settings.backup_lock_days, settings.backup_lock_mode)
    newest = settings.backup_keep, settings.backup_keep_daily
    retention = Retention(*newest, settings.backup_keep_weekly, settings.backup_keep_monthly)
    async with reached(settings) as deployment:
        with prepared_target(address, options) as target:
            taken = await take_backup(deployment, target, retention, silent)
    return taken.manifest.name


def main() -> None:
    try:
        print(asyncio.run(_take(StandaloneSettings())))
    except FAILURES as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
