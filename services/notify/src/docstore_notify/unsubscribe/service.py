"""Use cases of unsubscribing by the token in a mail."""

from dataclasses import dataclass

from docstore_notify.deliveries.repository import Deliveries
from docstore_notify.delivery_documents import followed_in
from docstore_notify.domain import CHOSEN_KINDS, Kind
from docstore_notify.preferences.repository import PreferenceStore
from docstore_notify.shares.repository import Shares
from docstore_notify.subscriptions.repository import Subscriptions
from docstore_notify.unsubscribe.tokens import Statement, UnsubscribeTokens
from docstore_platform.languages import N_

KINDS_IN_WORDS: dict[Kind, str] = {
    "upload_done": N_("emails about completed uploads"),
    "file_changed": N_("emails about changes to the files and folders in that email"),
    "shared_with_you": N_("emails about files shared with you"),
    "link_opened": N_("emails about visits to your links"),
    "link_expiring": N_("emails about links that expire soon"),
    "content_retrieved": N_("emails about files retrieved from cold storage"),
    "new_device": N_("emails about new devices that log in to your account"),
    "quota_exceeded": N_("emails about your storage being full"),
    "quota_restored": N_("emails about your storage having space again"),
    "subscription_disabled": N_("emails about disabled subscriptions"),
    "invitation": N_("invitations to this address"),
    "test": N_("emails about this subscription"),
}


@dataclass(slots=True)
class UnsubscribeService:
    tokens: UnsubscribeTokens
    subscriptions: Subscriptions
    preferences: PreferenceStore
    deliveries: Deliveries
    shares: Shares

    def kind(self, token: str) -> Kind:
        """Return the kind of emails that the token unsubscribes from; 404 for an invalid token."""
        return self.tokens.read(token).kind

    async def end(self, token: str) -> Kind:
        """Unsubscribe; return the kind of emails that has ended. Idempotent."""
        statement = self.tokens.read(token)
        if statement.kind == "invitation":
            await self.shares.stop_invitations(statement.receiver)
        elif statement.kind in ("file_changed", "test"):
            await self._unfollow(statement)
        else:
            for kind in CHOSEN_KINDS:
                if kind == statement.kind:
                    await self.preferences.choose(statement.receiver, kind, "email", on=False)
        return statement.kind

    async def _unfollow(self, statement: Statement) -> None:
        """Delete the subscriptions of the mail; if it is too old to be known, or about changes by one's links, which
        need no subscription, switch off all mails of that kind."""
        delivery = await self.deliveries.find(statement.delivery_id)
        if delivery is not None:
            await self.subscriptions.remove(statement.receiver, followed_in(delivery))
        if delivery is None or any("by_link" in item for item in delivery.items):
            await self.preferences.choose(statement.receiver, "file_changed", "email", on=False)
