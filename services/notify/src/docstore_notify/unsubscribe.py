"""Ending e-mails without a login: every mail carries a signed statement of what it is that would end."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from docstore_notify.delivery_rows import followed_in
from docstore_notify.delivery_store import Deliveries
from docstore_notify.domain import CHOSEN_KINDS, Delivery, Kind
from docstore_notify.share_store import Shares, address_hash
from docstore_notify.storage import PreferenceStore
from docstore_notify.subscription_store import Subscriptions
from docstore_platform.problems import not_found

MAX_TOKEN_CHARS = 1000
KINDS_IN_WORDS: dict[Kind, str] = {
    "upload_done": "e-mails about finished uploads",
    "file_changed": "e-mails about the files and folders that this message was about",
    "shared_with_you": "e-mails about files that others share with you",
    "link_opened": "e-mails about openings of your links",
    "link_expiring": "e-mails about links that are about to end",
    "new_device": "e-mails about log-ins on new devices",
    "quota_exceeded": "e-mails about full storage",
    "quota_restored": "e-mails about storage with room again",
    "subscription_disabled": "e-mails about subscriptions that were disabled",
    "invitation": "invitations to this address",
    "test": "e-mails about this subscription",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """What a mail was."""

    kind: Kind
    receiver: str
    """The account; for an invitation, its address's hash."""
    delivery_id: str


class Tokens:
    """Statements as text that can't be forged. They never end: people unsubscribe from old mails too."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [hmac.digest(secret.encode(), b"docstore unsubscribe 1", hashlib.sha256) for secret in secrets]

    def of(self, delivery: Delivery) -> str:
        invited = delivery.kind == "invitation" and delivery.target is not None
        receiver = address_hash(delivery.target.address) if invited and delivery.target else delivery.account_id
        payload = orjson.dumps([delivery.kind, receiver, delivery.id])
        return f"{_text(payload)}.{_text(_signature(self._keys[0], payload))}"

    def read(self, token: str) -> Statement:
        """404 for a token that is not ours."""
        payload_text, _, signature_text = token[:MAX_TOKEN_CHARS].partition(".")
        try:
            payload, signature = _bytes(payload_text), _bytes(signature_text)
        except (ValueError, binascii.Error):
            raise not_found("e-mail to unsubscribe from") from None
        if not any(hmac.compare_digest(signature, _signature(key, payload)) for key in self._keys):
            raise not_found("e-mail to unsubscribe from")
        kind, receiver, delivery_id = orjson.loads(payload)
        return Statement(kind, receiver, delivery_id)


def _signature(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, hashlib.sha256)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(data) != text:
        raise ValueError("not as we write it")
    return data


class Unsubscribing:
    def __init__(
        self,
        tokens: Tokens,
        subscriptions: Subscriptions,
        preferences: PreferenceStore,
        deliveries: Deliveries,
        shares: Shares,
    ) -> None:
        self._tokens = tokens
        self._subscriptions = subscriptions
        self._preferences = preferences
        self._deliveries = deliveries
        self._shares = shares

    def what(self, token: str) -> str:
        """What would end, in words; 404 for a token that is not ours."""
        return KINDS_IN_WORDS[self._tokens.read(token).kind]

    async def end(self, token: str) -> str:
        """End it; answers what has ended. Again is no error."""
        statement = self._tokens.read(token)
        if statement.kind == "invitation":
            await self._shares.stop_invitations(statement.receiver)
        elif statement.kind in ("file_changed", "test"):
            await self._unfollow(statement)
        else:
            for kind in CHOSEN_KINDS:
                if kind == statement.kind:
                    await self._preferences.choose(statement.receiver, kind, "email", on=False)
        return KINDS_IN_WORDS[statement.kind]

    async def _unfollow(self, statement: Statement) -> None:
        """The subscriptions that the mail came from; if it is too old to be known, all mails of that kind."""
        delivery = await self._deliveries.find(statement.delivery_id)
        if delivery is None:
            await self._preferences.choose(statement.receiver, "file_changed", "email", on=False)
        else:
            await self._subscriptions.remove(statement.receiver, followed_in(delivery))
