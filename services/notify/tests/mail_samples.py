"""Sample e-mails of every kind, for tests that render them."""

from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from docstore_notify.channels.mail.rendering import Renderer
from docstore_notify.contacts.rules import Contact
from docstore_notify.domain import Delivery, Kind
from docstore_platform.security.mailed_links import ResetLinks, VerificationLinks
from docstore_platform.settings import InfraSettings

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ANNA = Contact("anna", "anna@example.org", "Anna", 1)
UNSUBSCRIBE = "https://docs.example.org/v1/unsubscribe?token=" + "t" * 250
INFRA = InfraSettings(reset_link_secrets="secret", public_url="https://docs.example.org")
RESETS, VERIFICATIONS = ResetLinks(INFRA), VerificationLinks(INFRA)
RENDERER = Renderer("DocStore <no-reply@docstore.example>", INFRA, lambda _: UNSUBSCRIBE)
CODE = VERIFICATIONS.code("v1")[:4] + " " + VERIFICATIONS.code("v1")[4:]


def item(kind: Kind, path: str = "/docs/plan.pdf") -> dict[str, Any]:
    at = "2026-11-21T00:00:00.000Z"
    if kind == "upload_done":
        return {"path": path, "size": 1536, "version": 2, "conflicted": True, "in_absence": True, "at": at}
    if kind == "file_changed":
        about = {"kind": "file", "actor_id": "bert", "device": "laptop", "at": at}
        return {"change": "moved", "path": path, "previous_path": "/old.pdf", **about}
    file = {"path": path, "kind": "file", "file_id": "f1", "owner_id": "bert", "actor_id": "bert", "at": at}
    more: dict[Kind, dict[str, Any]] = {
        "shared_with_you": {**file, "change": "role_changed", "role": "editor"},
        "invitation": {**file, "share_id": "s1", "role": "viewer"},
        "link_opened": {**file, "opens": 3},
        "link_expiring": {**file, "expires_at": "2026-11-22T00:00:00.000Z"},
        "content_retrieved": {**file, "version": 2},
        "new_device": {"device": "Old phone", "at": at},
        "subscription_disabled": {
            "channel": "webhook",
            "address": "https://x.example/",
            "reason": "gone",
            "detail": "bye",
        },
        "test": {"subscription_id": "s1", "at": at},
        "password_reset": {"reset_id": "r1", "at": at},
        "account_invitation": {"owner_id": "bert", "at": at},
        "email_verification": {"verification_id": "v1", "at": at},
        "password_notice": {"change": "changed", "device": "Old phone", "at": at},
    }
    return more.get(kind, {"used": 2048, "limit": 1024, "requested": 4096, "at": at})


def delivery(kind: Kind, *items: dict[str, Any], events: int | None = None) -> Delivery:
    ids = tuple(f"e{n}" for n in range(events or len(items)))
    return Delivery("d1", "anna", "email", kind, NOW, NOW, items, ids)


def read(mail: EmailMessage) -> tuple[EmailMessage, str, str]:
    """The mail as its receiver reads it, with its text and its HTML."""
    received = BytesParser(_class=EmailMessage, policy=policy.SMTP).parsebytes(mail.as_bytes())
    parts = [received.get_body((kind,)) for kind in ("plain", "html")]
    return received, *(str(part.get_content()) for part in parts if part)  # type: ignore[return-value]
