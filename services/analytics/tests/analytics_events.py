"""Sample events for the tests of analytics."""

from datetime import UTC, datetime
from typing import Any

from docstore_events.catalogue.accounts import AccountCreated, AccountPlanChanged, PasswordReset
from docstore_events.catalogue.audit import ApiCall, ApiCalled
from docstore_events.catalogue.files import FileCreated, FileMoved, FileState
from docstore_events.catalogue.shares import FileShared, LinkCreated, LinkOpened, ShareRevoked
from docstore_events.catalogue.uploads import PackCompleted, UploadCompleted
from docstore_events.catalogue.usage import UsageChanged
from docstore_platform.ids import new_id

AT = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
SETTINGS = {
    "linger_delay_seconds": 0.02,
    "sweep_interval_seconds": 0.1,
    "segment_delay_seconds": 1e9,
    "audit_segment_delay_seconds": 1e9,
}
"""Quick to handle, and never sealing by themselves."""


def account(account_id: str, *, plan: Any = "free", revision: int = 1) -> AccountCreated | AccountPlanChanged:
    """Someone has signed up, or, from revision 2 on, changed the plan."""
    state: dict[str, Any] = {
        "revision": revision,
        "account_id": account_id,
        "email": f"{account_id}@example.org",
        "display_name": account_id,
        "plan": plan,
        "role": "user",
        "status": "active",
        "home_region": "us-west-2",
        "created_at": AT,
    }
    if revision == 1:
        return AccountCreated(**state)
    return AccountPlanChanged(**state, previous_plan="free" if plan == "premium" else "premium")


def reset(account_id: str) -> PasswordReset:
    """Someone has set the account's password by a link."""
    return PasswordReset(reset_id=f"reset-{account_id}", account_id=account_id, revision=2)


def usage(account_id: str, used: int, documents: int, revision: int) -> UsageChanged:
    return UsageChanged(
        revision=revision, account_id=account_id, used=used, reserved=0, limit=10**9, documents=documents
    )


def upload(account_id: str, size: int) -> UploadCompleted:
    return UploadCompleted(
        revision=2,
        upload_id=new_id(),
        account_id=account_id,
        path="/a.txt",
        size=size,
        method="put",
        file_id=new_id(),
        version=1,
        sha256="0" * 64,
    )


def uploaded_pack(account_id: str, files: int, size: int, *refused: int, refused_size: int = 0) -> PackCompleted:
    """Many small files at once, of which those with the numbers `refused` failed."""
    return PackCompleted(
        revision=2,
        pack_id=new_id(),
        account_id=account_id,
        path="/",
        files=files,
        size=size,
        refused=refused,
        refused_size=refused_size,
    )


def file_state(file_id: str, owner_id: str, name: str = "a.txt") -> FileState:
    return FileState(
        file_id=file_id,
        owner_id=owner_id,
        parent_id=owner_id,
        kind="file",
        name=name,
        size=7,
        content_type="text/plain",
        sha256="0" * 64,
        version=1,
        created_at=AT,
        modified_at=AT,
        modified_by=owner_id,
    )


def created(file_id: str, owner_id: str = "ann") -> FileCreated:
    return FileCreated(revision=1, file=file_state(file_id, owner_id), path="/a.txt", actor_id=owner_id)


def moved(file_id: str, owner_id: str = "ann", revision: int = 2) -> FileMoved:
    state = file_state(file_id, owner_id, "b.txt")
    return FileMoved(revision=revision, file=state, path="/b.txt", actor_id=owner_id, previous_path="/a.txt")


def _share(file_id: str, name: str) -> dict[str, Any]:
    return {
        "share_id": new_id(),
        "file_id": file_id,
        "file_name": name,
        "kind": "file",
        "owner_id": "ann",
        "email": "bob@example.org",
        "account_id": "bob",
        "role": "viewer",
        "actor_id": "ann",
    }


def shared(file_id: str, name: str = "a.txt", revision: int = 1) -> FileShared:
    return FileShared(revision=revision, **_share(file_id, name))


def revoked(file_id: str, name: str = "a.txt") -> ShareRevoked:
    return ShareRevoked(revision=2, **_share(file_id, name))


def link(file_id: str, name: str = "a.txt", *, opens: int = 0) -> LinkCreated | LinkOpened:
    """A link was made, or opened."""
    about: dict[str, Any] = {"link_id": new_id(), "file_id": file_id, "file_name": name, "owner_id": "ann"}
    if opens:
        return LinkOpened(revision=opens + 1, **about, expires_at=None, opens=opens)
    return LinkCreated(revision=1, **about, expires_at=None)


def call(**changes: Any) -> ApiCall:
    """A download, unless `changes` make it something else."""
    about = {
        "at": AT,
        "request_id": new_id(),
        "method": "GET",
        "route": "/v1/files",
        "path": "/v1/files/f/content",
        "status": 302,
        "account_id": "ann",
        "session_id": "s",
        "client": "203.0.113.7",
        "object_id": "f",
        "read": ("f",),
    }
    return ApiCall.model_validate(about | changes)


def called(*calls: ApiCall, revision: int = 1) -> ApiCalled:
    return ApiCalled(revision=revision, gateway_id=new_id(), calls=calls)
