"""What API tokens may do: the scope of every operation of the public API.

A log-in may do everything its account may. A token may do the operations of its scopes; an operation that no table here
names is refused, so that a new route is closed to tokens until its scope is decided.
"""

from typing import Literal, get_args

Scope = Literal["files:read", "files:write", "shares", "notifications", "admin:read"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

OPERATIONS: dict[Scope, frozenset[str]] = {
    "files:read": frozenset(
        {
            "GET /v1/activity",
            "GET /v1/changes",
            "GET /v1/events",
            "GET /v1/files",
            "GET /v1/files/by-path",
            "GET /v1/files/zip",
            "GET /v1/files/{file_id}",
            "GET /v1/files/{file_id}/ancestors",
            "GET /v1/files/{file_id}/blocks",
            "GET /v1/files/{file_id}/changes",
            "GET /v1/files/{file_id}/content",
            "GET /v1/files/{file_id}/media",
            "GET /v1/files/{file_id}/preview",
            "GET /v1/files/{file_id}/retrieval",
            "GET /v1/files/{file_id}/versions",
            "GET /v1/files/{file_id}/zip",
            "GET /v1/me/languages",
            "GET /v1/me/retention",
            "GET /v1/me/saved-searches",
            "GET /v1/me/saved-searches/{saved_search_id}",
            "GET /v1/me/storage",
            "GET /v1/me/storage/families",
            "GET /v1/photos",
            "GET /v1/photos/months",
            "GET /v1/search",
            "GET /v1/shared-with-me",
            "GET /v1/snapshot",
            "GET /v1/trash",
            "POST /v1/compare",
            "POST /v1/contents",
            "POST /v1/contents/cookies",
            "POST /v1/files/zip",
            "POST /v1/files/{file_id}/credentials",
        }
    ),
    "files:write": frozenset(
        {
            "DELETE /v1/files/{file_id}",
            "DELETE /v1/packs/{pack_id}",
            "DELETE /v1/trash/{file_id}",
            "DELETE /v1/uploads/{upload_id}",
            "GET /v1/packs/{pack_id}",
            "GET /v1/uploads",
            "GET /v1/uploads/{upload_id}",
            "PATCH /v1/files/{file_id}",
            "POST /v1/blocks/missing",
            "POST /v1/files/{file_id}/copy",
            "POST /v1/files/{file_id}/restore",
            "POST /v1/files/{file_id}/retrieval",
            "POST /v1/files/{file_id}/versions/{number}/restore",
            "POST /v1/folders",
            "POST /v1/packs",
            "POST /v1/packs/{pack_id}/complete",
            "POST /v1/uploads",
            "POST /v1/uploads/batch",
            "POST /v1/uploads/complete-batch",
            "POST /v1/uploads/{upload_id}/complete",
            "POST /v1/uploads/{upload_id}/parts",
        }
    ),
    "shares": frozenset(
        {
            "DELETE /v1/files/{file_id}/links/{link_id}",
            "DELETE /v1/files/{file_id}/shares/{share_id}",
            "DELETE /v1/share-invitations/{share_id}",
            "GET /v1/blocked-people",
            "GET /v1/files/{file_id}/access",
            "GET /v1/files/{file_id}/links",
            "GET /v1/files/{file_id}/links/{link_id}",
            "GET /v1/files/{file_id}/shares",
            "GET /v1/me/sharing",
            "GET /v1/share-invitations",
            "PATCH /v1/files/{file_id}/links/{link_id}",
            "PATCH /v1/files/{file_id}/shares/{share_id}",
            "POST /v1/files/{file_id}/links",
            "POST /v1/files/{file_id}/shares",
            "POST /v1/share-invitations/{share_id}/accept",
        }
    ),
    "notifications": frozenset(
        {
            "DELETE /v1/subscriptions/{subscription_id}",
            "GET /v1/notifications",
            "GET /v1/notifications/preferences",
            "GET /v1/subscriptions",
            "GET /v1/subscriptions/{subscription_id}",
            "GET /v1/subscriptions/{subscription_id}/deliveries",
            "PATCH /v1/subscriptions/{subscription_id}",
            "POST /v1/notifications/read",
            "POST /v1/subscriptions",
            "POST /v1/subscriptions/{subscription_id}/test",
        }
    ),
    "admin:read": frozenset(
        {
            "GET /v1/admin/accounts",
            "GET /v1/admin/archive",
            "GET /v1/admin/audit",
            "GET /v1/admin/audit/verify",
            "GET /v1/admin/backups",
            "GET /v1/admin/dead-letters",
            "GET /v1/admin/events",
            "GET /v1/admin/health",
            "GET /v1/admin/logs",
            "GET /v1/admin/overview",
            "GET /v1/admin/reports/{name}",
            "GET /v1/admin/search/rebuild",
            "GET /v1/admin/verify",
        }
    ),
}

EVERY_TOKEN = frozenset({"GET /v1/me"})
"""So that a program can show whose token it has and how much space is left."""

WITHIN_FOLDER = frozenset(
    {
        "DELETE /v1/files/{file_id}",
        "DELETE /v1/files/{file_id}/links/{link_id}",
        "DELETE /v1/files/{file_id}/shares/{share_id}",
        "DELETE /v1/packs/{pack_id}",
        "DELETE /v1/trash/{file_id}",
        "DELETE /v1/uploads/{upload_id}",
        "GET /v1/changes",
        "GET /v1/files",
        "GET /v1/files/by-path",
        "GET /v1/files/{file_id}",
        "GET /v1/files/{file_id}/ancestors",
        "GET /v1/files/{file_id}/blocks",
        "GET /v1/files/{file_id}/changes",
        "GET /v1/files/{file_id}/content",
        "GET /v1/files/{file_id}/links",
        "GET /v1/files/{file_id}/links/{link_id}",
        "GET /v1/files/{file_id}/media",
        "GET /v1/files/{file_id}/preview",
        "GET /v1/files/{file_id}/retrieval",
        "GET /v1/files/{file_id}/shares",
        "GET /v1/files/{file_id}/versions",
        "GET /v1/files/{file_id}/zip",
        "GET /v1/packs/{pack_id}",
        "GET /v1/search",
        "GET /v1/snapshot",
        "GET /v1/uploads",
        "GET /v1/uploads/{upload_id}",
        "PATCH /v1/files/{file_id}",
        "PATCH /v1/files/{file_id}/links/{link_id}",
        "PATCH /v1/files/{file_id}/shares/{share_id}",
        "POST /v1/compare",
        "POST /v1/contents",
        "POST /v1/files/zip",
        "POST /v1/files/{file_id}/copy",
        "POST /v1/files/{file_id}/credentials",
        "POST /v1/files/{file_id}/links",
        "POST /v1/files/{file_id}/restore",
        "POST /v1/files/{file_id}/retrieval",
        "POST /v1/files/{file_id}/shares",
        "POST /v1/files/{file_id}/versions/{number}/restore",
        "POST /v1/folders",
        "POST /v1/packs",
        "POST /v1/packs/{pack_id}/complete",
        "POST /v1/uploads",
        "POST /v1/uploads/batch",
        "POST /v1/uploads/complete-batch",
        "POST /v1/uploads/{upload_id}/complete",
        "POST /v1/uploads/{upload_id}/parts",
    }
)
"""What a token may do that is limited to a folder: the services that own these check the folder. The others concern the
whole account, such as its notifications, or all it stores, such as blocks, which its files share."""

LOG_IN_ONLY = frozenset(
    {
        "DELETE /v1/admin/dead-letters/{letter_id}",
        "DELETE /v1/blocked-people/{person}",
        "DELETE /v1/me/retention",
        "DELETE /v1/me/saved-searches/{saved_search_id}",
        "DELETE /v1/me/tokens/{token_id}",
        "DELETE /v1/notifications/phone",
        "DELETE /v1/push-subscriptions/{push_subscription_id}",
        "DELETE /v1/sessions/current",
        "DELETE /v1/sessions/{session_id}",
        "GET /v1/me/tokens",
        "GET /v1/notifications/phone",
        "GET /v1/push-key",
        "GET /v1/push-subscriptions",
        "GET /v1/sessions",
        "PATCH /v1/admin/accounts/{account_id}",
        "PATCH /v1/me",
        "PATCH /v1/me/saved-searches/{saved_search_id}",
        "POST /v1/admin/accounts/{account_id}/password-resets",
        "POST /v1/admin/backups",
        "POST /v1/admin/dead-letters/{letter_id}/replay",
        "POST /v1/admin/events/republish",
        "POST /v1/admin/invitations",
        "POST /v1/admin/search/rebuild",
        "POST /v1/admin/verify",
        "POST /v1/me/email-verification",
        "POST /v1/me/saved-searches",
        "POST /v1/me/tokens",
        "POST /v1/notifications/phone/verification",
        "POST /v1/push-subscriptions",
        "PUT /v1/blocked-people/{person}",
        "PUT /v1/me/email-verification",
        "PUT /v1/me/languages",
        "PUT /v1/me/plan",
        "PUT /v1/me/retention",
        "PUT /v1/me/sharing",
        "PUT /v1/notifications/phone",
        "PUT /v1/notifications/preferences",
    }
)
"""Settings and credentials of the account, and changes by administrators: closed to every token."""

_SCOPE_OF = {operation: scope for scope, operations in OPERATIONS.items() for operation in operations}


def scope_of(operation: str) -> Scope | None:
    """Return the scope that an operation such as `GET /v1/files/{file_id}` needs; None if no scope allows it."""
    return _SCOPE_OF.get(operation)
