"""Use cases of invitations: mail one, and decide who may sign up."""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from docstore_accounts.account.rules import clean_email, email_key
from docstore_accounts.settings import AccountsSettings
from docstore_events.catalogue.accounts import AccountInvited
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock
from docstore_platform.errors import Conflict, Forbidden, TooMany
from docstore_platform.ids import new_id
from docstore_platform.security.mailed_links import INVITATION_LIFE, InvitationLinks
from docstore_platform.security.period_counts import PeriodCounts
from docstore_platform.security.tokens import Principal

INVITATION_PERIOD = timedelta(days=1)
"""Period of the limits for invitations by an administrator and to an address."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link to sign up with an address; mailed, and shown once to the administrator."""

    email: str
    url: str
    expires_at: datetime


class InvitationService:
    def __init__(self, settings: AccountsSettings, transactor: Transactor, counts: PeriodCounts, clock: Clock) -> None:
        self.sign_up_mode = settings.sign_up
        self._a_day = settings.invitations_per_day
        self._to_address_a_day = settings.invitations_to_address_per_day
        self._counts = counts
        self._transactor = transactor
        self._links = InvitationLinks(settings.infra)
        self._clock = clock

    def admit(self, email: str, token: str | None) -> bool:
        """Whether the person was invited, which verifies the address; an open sign-up needs no token.

        403 `sign_up_closed` or `invitation_required` before the address is looked up, so that nothing about it is
        revealed.
        """
        if self.sign_up_mode == "closed":
            raise Forbidden("Sign-up is closed. Ask an administrator for an account.", code="sign_up_closed")
        invited = self._links.invited(token, self._clock()) if token else None
        if invited is not None and email_key(invited) == email_key(email):
            return True
        if token:
            detail = "This invitation has expired, or is for another e-mail address. Ask for a new one."
            raise Forbidden(detail, code="invitation_not_valid")
        if self.sign_up_mode == "invitation":
            detail = "To sign up here, open the link of an invitation that was mailed to you."
            raise Forbidden(detail, code="invitation_required")
        return False

    async def invite(self, caller: Principal, email: str) -> Invitation:
        """Mail an invitation for the administrator `caller`, even if the address has an account, so as not to reveal
        that.

        409 `sign_up_closed`, 429 `too_many_invitations`."""
        email = clean_email(email)
        if self.sign_up_mode == "closed":
            raise Conflict("Sign-up is closed: invitations can't be used.", code="sign_up_closed")
        now = self._clock()
        event = AccountInvited(
            invitation_id=new_id(), email=email, invited_by=caller.account_id, invited_at=now, revision=1
        )

        async def work(transaction: Transaction) -> None:
            for subject, limit, detail in (
                (caller.account_id, self._a_day, f"An administrator can send at most {self._a_day} invitations a day."),
                (email_key(email), self._to_address_a_day, "This address was already invited today."),
            ):
                key = hashlib.sha256(subject.encode()).hexdigest()
                count = await self._counts.add(key, session=transaction.session)
                if count.number > limit:
                    seconds = str(max(1, math.ceil(count.left.total_seconds())))
                    raise TooMany(detail, code="too_many_invitations", retry_after=seconds)
            transaction.publish(event)

        await self._transactor.run(work)
        return Invitation(email, self._links.url_for(email, now), now + INVITATION_LIFE)
