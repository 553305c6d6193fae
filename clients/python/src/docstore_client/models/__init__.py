"""Response models of the API. Times are aware and in UTC, sizes are bytes. Unknown fields are ignored."""

from docstore_client.models.accounts import Account, ApiToken, CreatedApiToken, Region, Session, Usage
from docstore_client.models.base import Model, Page
from docstore_client.models.files import (
    Change,
    Changes,
    ChangeType,
    Comparison,
    File,
    Kind,
    LeftOutFile,
    Media,
    Permission,
    ReadableObject,
    ReadCredentials,
    Retrieval,
    Snapshot,
    TemporaryKeys,
    Version,
)
from docstore_client.models.notifications import Notification, PushKey, PushSubscription, Subscription
from docstore_client.models.search import FamilySums, Hit, Hits, SavedFilters, SavedSearch
from docstore_client.models.settings import Languages, Policy, Retention
from docstore_client.models.sharing import BlockedPerson, Link, LinkKind, Role, Share, ShareInvitation

__all__ = [
    "Account",
    "ApiToken",
    "BlockedPerson",
    "Change",
    "ChangeType",
    "Changes",
    "Comparison",
    "CreatedApiToken",
    "FamilySums",
    "File",
    "Hit",
    "Hits",
    "Kind",
    "Languages",
    "LeftOutFile",
    "Link",
    "LinkKind",
    "Media",
    "Model",
    "Notification",
    "Page",
    "Permission",
    "Policy",
    "PushKey",
    "PushSubscription",
    "ReadCredentials",
    "ReadableObject",
    "Region",
    "Retention",
    "Retrieval",
    "Role",
    "SavedFilters",
    "SavedSearch",
    "Session",
    "Share",
    "ShareInvitation",
    "Snapshot",
    "Subscription",
    "TemporaryKeys",
    "Usage",
    "Version",
]
