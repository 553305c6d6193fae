"""Routes of shares with people."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_metadata.dependencies import Limit, public_router
from docstore_metadata.display_names import DisplayNames
from docstore_metadata.paging import DEFAULT_LIMIT
from docstore_metadata.sharing import schemas
from docstore_metadata.sharing.rules import Share, SharedPlace
from docstore_metadata.sharing.schemas import NewShare, ShareChanges
from docstore_metadata.sharing.service import ShareService
from docstore_metadata.tree.views.presentation import Json, named_json, people_of
from docstore_platform.clock import rfc3339
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.values import Cursor
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def shares_router(shares: ShareService, names: DisplayNames) -> APIRouter:
    router = public_router("shares")

    @router.post(
        "/files/{file_id}/shares",
        status_code=201,
        response_model=schemas.Share,
        responses={200: {"description": "The share existed, and has this role now.", "model": schemas.Share}},
    )
    async def create_share(file_id: str, body: NewShare, principal: Caller) -> Response:
        """Share a file, or a folder with all that is in it; 200 for an existing share, which gets this role, and this
        watermark if one is given.

        With a watermark the recipient can't download anything; only viewers can have one: 422 `watermark_for_viewers`.

        The share is pending until an account has verified the address and, if its owner wants to be asked, accepted
        the share. It stays pending if they have blocked the caller.
        """
        share, is_new = await shares.share(principal, file_id, body.email, _terms(body))
        return json_response(share_json(share), 201 if is_new else 200)

    @router.get("/files/{file_id}/shares", response_model=schemas.SharePage)
    async def list_shares(
        file_id: str, principal: Caller, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Response:
        """List its shares, the earliest first. Shares of a folder above are listed there."""
        after: str = decode_cursor(cursor, str)[0] if cursor else ""
        found = await shares.page(principal, file_id, after, limit + 1)
        next_cursor = encode_cursor(found[limit - 1].id) if len(found) > limit else None
        return json_response({"items": [share_json(share) for share in found[:limit]], "next_cursor": next_cursor})

    @router.patch("/files/{file_id}/shares/{share_id}", response_model=schemas.Share)
    async def update_share(file_id: str, share_id: str, body: ShareChanges, principal: Caller) -> Response:
        """Change the role or the watermark of a share; 422 `watermark_for_viewers` if an editor would have one."""
        return json_response(share_json(await shares.change(principal, file_id, share_id, _terms(body))))

    @router.delete("/files/{file_id}/shares/{share_id}", status_code=204)
    async def delete_share(file_id: str, share_id: str, principal: Caller) -> Response:
        """End a share: the owner revokes it, or the recipient leaves it."""
        await shares.revoke(principal, file_id, share_id)
        return Response(status_code=204)

    @router.get("/shared-with-me", response_model=schemas.SharedFilePage)
    async def list_shared_with_me(principal: Caller, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Response:
        """List files and folders shared with the caller, the latest first."""
        before: str | None = decode_cursor(cursor, str)[0] if cursor else None
        found, last = await shares.shared_with(principal.account_id, before, limit)
        names_by_id = await names.of(each for item in found for each in people_of(item.place.node))
        items = [received_json(item, principal.account_id, names_by_id) for item in found]
        return json_response({"items": items, "next_cursor": encode_cursor(last) if last else None})

    return router


def _terms(body: NewShare | ShareChanges) -> dict[str, Any]:
    """The given ones of role and watermark."""
    terms = body.model_dump(include={"role", "watermark"}, exclude_unset=True)
    return {name: value for name, value in terms.items() if value is not None or name == "watermark"}


def share_json(share: Share) -> Json:
    """A share as the owner sees it."""
    return {
        "id": share.id,
        "file_id": share.node_id,
        "email": share.email,
        "role": share.role,
        "state": "pending" if share.account_id is None else "active",
        "watermark": share.watermark,
        "created_at": rfc3339(share.created_at),
    }


def received_json(item: SharedPlace, account_id: str, names: Mapping[str, str]) -> Json:
    """A shared file or folder as its recipient sees it, with its share."""
    share = item.share
    return {**named_json(item.place, account_id, names), "share": share_of_recipient_json(share, names)}


def share_of_recipient_json(share: Share, names: Mapping[str, str]) -> Json:
    return {
        "id": share.id,
        "role": share.role,
        "owner_id": share.owner_id,
        "owner_name": names.get(share.owner_id),
        "shared_at": rfc3339(share.created_at),
    }
