"""The e-mail channel: finds the address, renders the e-mail and passes it to a transport."""

from typing import Self

from docstore_notify.channels.base import Channel, ChannelResources
from docstore_notify.channels.mail.rendering import Renderer
from docstore_notify.channels.mail.transports import Transport, open_transport
from docstore_notify.channels.results import NotNow, Receipt
from docstore_notify.contacts.repository import Contacts
from docstore_notify.contacts.rules import Contact
from docstore_notify.domain import Delivery


class EmailChannel(Channel):
    name = "email"

    def __init__(self, contacts: Contacts, renderer: Renderer, transport: Transport) -> None:
        self._contacts = contacts
        self._renderer = renderer
        self._transport = transport

    @classmethod
    def open(cls, resources: ChannelResources) -> Self:
        return cls(resources.contacts, resources.renderer, open_transport(resources.settings))

    async def send(self, delivery: Delivery) -> Receipt | None:
        named = {str(item[role]) for item in delivery.items for role in ("actor_id", "owner_id") if role in item}
        known = await self._contacts.find({delivery.account_id, *named})
        contact = invited(delivery.target.address) if delivery.target is not None else known.get(delivery.account_id)
        if contact is None:
            # Events of other topics may overtake account-created.
            raise NotNow("the account's address is not known yet")
        names = {account_id: other.display_name for account_id, other in known.items()}
        addresses = {account_id: _address(other) for account_id, other in known.items()}
        mail = self._renderer.message(delivery, contact, names, addresses)
        await self._transport.send(mail, mail["To"].addresses[0].addr_spec)
        return None

    async def close(self) -> None:
        await self._transport.close()


def _address(contact: Contact) -> str:
    """Return the address of the acting person as the mail shows it; an unverified one is marked."""
    return contact.email if contact.verified else f"{contact.email} (unverified address)"


def invited(address: str) -> Contact:
    """Return the contact of an address without an account."""
    return Contact("", address, "", 0)
