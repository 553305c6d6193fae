"""Routes by which recipients decide about shares."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from docstore_metadata.dependencies import Caller, Cases
from docstore_metadata.sharing.acceptance.rules import Block
from docstore_metadata.sharing.acceptance.schemas import (
    BlockedPerson,
    BlockedPersonPage,
    NewShareSettings,
    ShareInvitationPage,
    ShareSettings,
)
from docstore_metadata.sharing.acceptance.service import Invitation, ShareAcceptanceService
from docstore_metadata.sharing.api import received_json
from docstore_metadata.sharing.schemas import SharedFile
from docstore_metadata.sharing.service import SharedPlace
from docstore_metadata.tree.listing import DEFAULT_LIMIT, MAX_LIMIT
from docstore_metadata.tree.presentation import Json, people_of
from docstore_platform.clock import rfc3339
from docstore_platform.paging import decode_cursor, encode_cursor
from docstore_platform.values import Cursor
from docstore_platform.web import json_response

router = APIRouter(tags=["shares"])
MAX_PERSON_CHARS = 254


def share_acceptance(request: Request) -> ShareAcceptanceService:
    acceptance: ShareAcceptanceService = request.app.state.share_acceptance
    return acceptance


Decisions = Annotated[ShareAcceptanceService, Depends(share_acceptance)]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
PersonId = Annotated[str, Path(max_length=MAX_PERSON_CHARS, description="account id or e-mail address")]


@router.get("/me/sharing", response_model=ShareSettings)
async def get_share_settings(principal: Caller, decisions: Decisions) -> Response:
    """Show whether shares by people whom the caller does not know are there at once or wait."""
    return json_response({"share_acceptance": await decisions.acceptance(principal)})


@router.put("/me/sharing", response_model=ShareSettings)
async def set_share_settings(body: NewShareSettings, principal: Caller, decisions: Decisions) -> Response:
    """Choose whether they are there at once or wait. Shares of before stay as they are."""
    await decisions.choose_acceptance(principal, body.share_acceptance)
    return json_response({"share_acceptance": body.share_acceptance})


@router.get("/share-invitations", response_model=ShareInvitationPage)
async def list_share_invitations(
    principal: Caller, cases: Cases, decisions: Decisions, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """List shares that wait until the caller accepts or declines them, the latest first."""
    before: str | None = decode_cursor(cursor, str)[0] if cursor else None
    found, last = await decisions.invitations(principal, before, limit)
    owners = {item.share.owner_id for item in found}
    names = await cases.names.of(owners)
    addresses = await cases.store.shares.addresses_of(owners)
    items = [_invitation_json(item, names, addresses.get(item.share.owner_id, (None, False))) for item in found]
    return json_response({"items": items, "next_cursor": encode_cursor(last) if last else None})


@router.post("/share-invitations/{share_id}/accept", response_model=SharedFile)
async def accept_share(share_id: str, principal: Caller, cases: Cases, decisions: Decisions) -> Response:
    """Accept a share: the file or folder is there from now on, and so are later shares by the same person."""
    share, place = await decisions.accept(principal, share_id)
    names = await cases.names.of(people_of(place.node))
    return json_response(received_json(SharedPlace(share, place), principal.account_id, names))


@router.delete("/share-invitations/{share_id}", status_code=204)
async def decline_share(share_id: str, principal: Caller, decisions: Decisions) -> Response:
    """Decline a share: it is removed, and later shares by the same person wait to be accepted."""
    await decisions.decline(principal, share_id)
    return Response(status_code=204)


@router.get("/blocked-people", response_model=BlockedPersonPage)
async def list_blocked_people(
    principal: Caller, cases: Cases, decisions: Decisions, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """List whose shares the caller does not want."""
    after: str = decode_cursor(cursor, str)[0] if cursor else ""
    blocks = await decisions.blocked(principal, after, limit + 1)
    next_cursor = encode_cursor(blocks[limit - 1].subject) if len(blocks) > limit else None
    items = [await _blocked_json(block, cases) for block in blocks[:limit]]
    return json_response({"items": items, "next_cursor": next_cursor})


@router.put("/blocked-people/{person}", response_model=BlockedPerson)
async def block_person(person: PersonId, principal: Caller, cases: Cases, decisions: Decisions) -> Response:
    """Block a person: what they share with the caller is removed, and what they share later stays unseen.

    They are not told, and see later shares as pending. 404 for the id of an account
    that has shared nothing with the caller; an address may be anybody's.
    """
    return json_response(await _blocked_json(await decisions.block(principal, person), cases))


@router.delete("/blocked-people/{person}", status_code=204)
async def unblock_person(person: PersonId, principal: Caller, decisions: Decisions) -> Response:
    """Unblock a person, by the id of the list. What they share from then on waits to be accepted."""
    await decisions.unblock(principal, person)
    return Response(status_code=204)


def _invitation_json(item: Invitation, names: Mapping[str, str], address: tuple[str | None, bool]) -> Json:
    share, node = item.share, item.place.node
    email, is_verified = address
    return {
        "id": share.id,
        "name": node.name,
        "kind": node.kind,
        "role": share.role,
        "owner_id": share.owner_id,
        "owner_name": names.get(share.owner_id),
        "owner_email": email,
        "owner_email_verified": is_verified,
        "shared_at": rfc3339(share.created_at),
    }


async def _blocked_json(block: Block, cases: Cases) -> Json:
    by_address = "@" in block.subject
    names = {} if by_address else await cases.names.of([block.subject])
    return {
        "id": block.subject,
        "name": names.get(block.subject),
        "email": block.subject if by_address else None,
        "blocked_at": rfc3339(block.created_at),
    }
