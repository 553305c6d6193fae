"""Use cases of unsubscribing by the token in a mail."""

from dataclasses import dataclass

from docstore_notify.deliveries.repository import Deliveries
from docstore_notify.delivery_documents import followed_in
from docstore_notify.domain import CHOSEN_KINDS, Kind
from docstore_notify.preferences.repository import PreferenceStore
from docstore_notify.shares.repository import Shares
from docstore_notify.subscriptions.repository import Subscriptions
from docstore_notify.unsubscribe.tokens import Statement, UnsubscribeTokens

KINDS_IN_WORDS: dict[Kind, str] = {
    "upload_done": "e-mails about finished uploads",
    "file_changed": "e-mails about the files and folders in this message",
    "shared_with_you": "e-mails about files that others share with you",
    "link_opened": "e-mails about opened links",
    "link_expiring": "e-mails about expiring links",
    "content_retrieved": "e-mails about files retrieved from cold storage",
    "new_device": "e-mails about log-ins on new devices",
    "quota_exceeded": "e-mails about full storage",
    "quota_restored": "e-mails about available storage",
    "subscription_disabled": "e-mails about disabled subscriptions",
    "invitation": "invitations to this address",
    "test": "e-mails about this subscription",
}


@dataclass(slots=True)
class UnsubscribeService:
    tokens: UnsubscribeTokens
    subscriptions: Subscriptions
    preferences: PreferenceStore
    deliveries: Deliveries
    shares: Shares

    def what(self, token: str) -> str:
        """Return what the token unsubscribes from, in words; 404 for an invalid token."""
        return KINDS_IN_WORDS[self.tokens.read(token).kind]

    async def end(self, token: str) -> str:
        """Unsubscribe; return what has ended. Idempotent."""
        statement = self.tokens.read(token)
        if statement.kind == "invitation":
            await self.shares.stop_invitations(statement.receiver)
        elif statement.kind in ("file_changed", "test"):
            await self._unfollow(statement)
        else:
            for kind in CHOSEN_KINDS:
                if kind == statement.kind:
                    await self.preferences.choose(statement.receiver, kind, "email", on=False)
        return KINDS_IN_WORDS[statement.kind]

    async def _unfollow(self, statement: Statement) -> None:
        """Delete the subscriptions of the mail; if it is too old to be known, switch off all mails of that kind."""
        delivery = await self.deliveries.find(statement.delivery_id)
        if delivery is None:
            await self.preferences.choose(statement.receiver, "file_changed", "email", on=False)
        else:
            await self.subscriptions.remove(statement.receiver, followed_in(delivery))
