"""Checks a message when it is sent: rights, links and shares may have ended since its events."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from docstore_contracts.metadata import MetadataClient
from docstore_notify.channels.results import NotNow
from docstore_notify.domain import Delivery
from docstore_notify.shares.repository import Shares
from docstore_platform.clock import rfc3339
from docstore_platform.errors import DomainError


class Validity:
    """Checks deliveries. `now`: the database's time, since an instance's clock may be wrong."""

    def __init__(self, metadata: MetadataClient, shares: Shares, now: Callable[[], Awaitable[datetime]]) -> None:
        self._metadata = metadata
        self._shares = shares
        self._now = now

    async def of(self, delivery: Delivery) -> Delivery | None:
        """Return the part of a delivery that may be sent now; None if nothing. NotNow if that is unknown."""
        match delivery.kind:
            case "file_changed":
                dropped = await self._unreadable(delivery)
            case "shared_with_you":
                dropped = await self._not_shared(delivery)
            case "invitation":
                dropped = await self._withdrawn(delivery)
            case "password_reset" | "email_verification":
                dropped = await self._ended(delivery)
            case _:
                return delivery
        if all(dropped):
            return None
        return delivery.without(dropped) if any(dropped) else delivery

    async def _unreadable(self, delivery: Delivery) -> list[bool]:
        """Mark items that the account may not read. An owner's right never ends and needs no request."""
        own = (None, delivery.account_id)
        file_ids = list({str(item["file_id"]) for item in delivery.items if item.get("owner_id") not in own})
        if not file_ids:
            return [False] * len(delivery.items)
        try:
            permissions = await self._metadata.permissions(
                [{"account_id": delivery.account_id, "file_id": file_id} for file_id in file_ids]
            )
        except DomainError as problem:
            raise NotNow(f"rights are unknown: {problem.detail}") from problem
        unreadable = {file_id for file_id, role in zip(file_ids, permissions, strict=True) if role is None}
        return [item.get("file_id") in unreadable for item in delivery.items]

    async def _not_shared(self, delivery: Delivery) -> list[bool]:
        """Mark shares that have ended; a share to be accepted counts until it is decided."""
        if not any(item.get("change") == "invited" for item in delivery.items):
            return await self._unreadable(delivery)
        known = await self._shares.find({str(item["share_id"]) for item in delivery.items})
        waiting = {share.id for share in known.values() if not share.revoked and share.invited_id is not None}
        unreadable = await self._unreadable(delivery)
        return [
            item["share_id"] not in waiting if item.get("change") == "invited" else gone
            for item, gone in zip(delivery.items, unreadable, strict=True)
        ]

    async def _ended(self, delivery: Delivery) -> list[bool]:
        """Mark links that have ended; items written before the end was known are sent."""
        now = rfc3339(await self._now())
        return ["expires_at" in item and str(item["expires_at"]) <= now for item in delivery.items]

    async def _withdrawn(self, delivery: Delivery) -> list[bool]:
        """Mark invitations whose share was revoked, whose person has an account now, or whose address wants none."""
        assert delivery.target is not None
        if await self._shares.wants_no_invitations(delivery.target.address):
            return [True] * len(delivery.items)
        known = await self._shares.find({str(item["share_id"]) for item in delivery.items})
        waiting = {share.id for share in known.values() if not share.revoked and share.account_id is None}
        return [item["share_id"] not in waiting for item in delivery.items]
