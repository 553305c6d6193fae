"""Routes by which recipients decide about shares."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from docstore_metadata.dependencies import Limit, public_router
from docstore_metadata.display_names import DisplayNames
from docstore_metadata.paging import DEFAULT_LIMIT
from docstore_metadata.sharing.acceptance.rules import Block
from docstore_metadata.sharing.acceptance.schemas import (
    BlockedPerson,
    BlockedPersonPage,
    NewShareSettings,
    ShareInvitationPage,
    ShareSettings,
)
from docstore_metadata.sharing.acceptance.service import ShareAcceptanceService
from docstore_metadata.sharing.api import received_json, share_of_recipient_json
from docstore_metadata.sharing.rules import SharedPlace
from docstore_metadata.sharing.schemas import SharedFile
from docstore_metadata.storage import Store
from docstore_metadata.tree.views.presentation import Json, people_of
from docstore_platform.clock import rfc3339
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.values import Cursor
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response

MAX_PERSON_CHARS = 254
PersonId = Annotated[str, Path(max_length=MAX_PERSON_CHARS, description="account id or e-mail address")]


def acceptance_router(acceptance: ShareAcceptanceService, store: Store, names: DisplayNames) -> APIRouter:
    router = public_router("shares")

    @router.get("/me/sharing", response_model=ShareSettings)
    async def get_share_settings(principal: Caller) -> Response:
        """Show whether shares of unknown people are active at once or wait to be accepted."""
        return json_response({"share_acceptance": await store.decisions.acceptance(principal.account_id)})

    @router.put("/me/sharing", response_model=ShareSettings)
    async def set_share_settings(body: NewShareSettings, principal: Caller) -> Response:
        """Choose whether they are active at once or wait. Existing shares do not change."""
        await store.decisions.choose_acceptance(principal.account_id, body.share_acceptance)
        return json_response({"share_acceptance": body.share_acceptance})

    @router.get("/share-invitations", response_model=ShareInvitationPage)
    async def list_share_invitations(
        principal: Caller, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Response:
        """List shares that wait until the caller accepts or declines them, the latest first."""
        before: str | None = decode_cursor(cursor, str)[0] if cursor else None
        found, last = await acceptance.invitations(principal, before, limit)
        owners = {item.share.owner_id for item in found}
        names_by_id = await names.of(owners)
        addresses = await store.people.addresses_of(owners)
        items = [_invitation_json(item, names_by_id, addresses) for item in found]
        return json_response({"items": items, "next_cursor": encode_cursor(last) if last else None})

    @router.post("/share-invitations/{share_id}/accept", response_model=SharedFile)
    async def accept_share_invitation(share_id: str, principal: Caller) -> Response:
        """Accept a share: it is active from now on, and so are later shares by the same person."""
        item = await acceptance.accept(principal, share_id)
        names_by_id = await names.of(people_of(item.place.node))
        return json_response(received_json(item, principal.account_id, names_by_id))

    @router.delete("/share-invitations/{share_id}", status_code=204)
    async def decline_share_invitation(share_id: str, principal: Caller) -> Response:
        """Decline a share: it is removed, and later shares by the same person wait to be accepted."""
        await acceptance.decline(principal, share_id)
        return Response(status_code=204)

    return router


def blocked_people_router(acceptance: ShareAcceptanceService, store: Store, names: DisplayNames) -> APIRouter:
    router = public_router("shares")

    @router.get("/blocked-people", response_model=BlockedPersonPage)
    async def list_blocked_people(principal: Caller, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Response:
        """List blocked people."""
        after: str = decode_cursor(cursor, str)[0] if cursor else ""
        blocks = await store.decisions.blocks(principal.account_id, after, limit + 1)
        next_cursor = encode_cursor(blocks[limit - 1].subject) if len(blocks) > limit else None
        items = [await _blocked_json(block, names) for block in blocks[:limit]]
        return json_response({"items": items, "next_cursor": next_cursor})

    @router.put("/blocked-people/{person}", response_model=BlockedPerson)
    async def block_person(person: PersonId, principal: Caller) -> Response:
        """Block a person: their shares with the caller are removed, and later ones stay hidden.

        They are not notified, and see later shares as pending. 404 for the id of an account
        that has shared nothing with the caller; any address can be blocked.
        """
        return json_response(await _blocked_json(await acceptance.block(principal, person), names))

    @router.delete("/blocked-people/{person}", status_code=204)
    async def unblock_person(person: PersonId, principal: Caller) -> Response:
        """Unblock a person, by the id in the list. Their later shares wait to be accepted."""
        await acceptance.unblock(principal, person)
        return Response(status_code=204)

    return router


def _invitation_json(item: SharedPlace, names: Mapping[str, str], addresses: Mapping[str, tuple[str, bool]]) -> Json:
    node = item.place.node
    email, is_verified = addresses.get(item.share.owner_id, (None, False))
    share = share_of_recipient_json(item.share, names)
    return {**share, "name": node.name, "kind": node.kind, "owner_email": email, "owner_email_verified": is_verified}


async def _blocked_json(block: Block, names: DisplayNames) -> Json:
    by_address = "@" in block.subject
    name = None if by_address else (await names.of([block.subject])).get(block.subject)
    return {
        "id": block.subject,
        "name": name,
        "email": block.subject if by_address else None,
        "blocked_at": rfc3339(block.created_at),
    }
