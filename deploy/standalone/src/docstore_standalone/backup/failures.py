"""What ends a backup or restore, each with a message for people."""

from docstore_contents.deletion_hold import HoldLost
from docstore_contents.s3.store import ObjectStoreError
from docstore_platform.mongodb.session import DatabaseError
from docstore_standalone.backup.manifest import BackupDamaged, BackupRefused
from docstore_standalone.embedded.binaries import ProgramMissing
from docstore_standalone.ports import PortTaken
from docstore_standalone.state import AlreadyRunning, OtherLayout
from docstore_standalone.supervision.processes import ServerFailed

FAILURES = (
    AlreadyRunning,
    BackupDamaged,
    BackupRefused,
    HoldLost,
    OSError,
    ObjectStoreError,
    OtherLayout,
    PortTaken,
    ProgramMissing,
    DatabaseError,
    ServerFailed,
)
