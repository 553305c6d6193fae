"""The repositories of shares, people, decisions and links, in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from docstore_metadata.links.rules import Link
from docstore_metadata.people.repository import Person, Recipient
from docstore_metadata.sharing.acceptance.rules import Acceptance, Block, Relation, Standing
from docstore_metadata.sharing.rules import Share
from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import DuplicateKeyError
from docstore_platform.mongodb.session import Session
from docstore_platform.security.period_counts import Count


@dataclass
class FakePeople:
    by_key: dict[str, Person] = field(default_factory=dict)

    async def recipient(self, email_key: str, session: Session) -> Recipient:
        person = self.by_key.get(email_key)
        return Recipient(person.account_id, person.verified) if person else Recipient(None, None)

    async def save_people(self, people: Mapping[str, Person], session: Session) -> None:
        self.by_key |= people

    async def address_of(self, account_id: str, session: Session) -> str | None:
        return next((key for key, person in self.by_key.items() if person.account_id == account_id), None)

    async def names_of(self, account_ids: Iterable[str]) -> dict[str, str]:
        wanted = set(account_ids)
        return {person.account_id: person.name for person in self.by_key.values() if person.account_id in wanted}

    async def account_of(self, email_key: str, session: Session) -> str | None:
        return self.by_key[email_key].account_id if email_key in self.by_key else None

    async def touch_address_of(self, account_id: str, session: Session) -> None: ...

    async def proven_address_of(self, account_id: str, session: Session) -> str | None:
        key = await self.address_of(account_id, session)
        return key if key and self.by_key[key].verified else None

    async def accounts_of(self, email_keys: Iterable[str], session: Session) -> dict[str, str]:
        people = {key: self.by_key[key] for key in email_keys if key in self.by_key}
        return {key: person.account_id for key, person in people.items() if person.verified}


@dataclass
class FakeShares:
    by_id: dict[str, Share] = field(default_factory=dict)
    made: int = 0
    """Today."""

    def _chosen(self, **wanted: str) -> list[Share]:
        shares = sorted(self.by_id.values(), key=lambda share: share.id)
        return [share for share in shares if all(getattr(share, name) == value for name, value in wanted.items())]

    async def of_nodes(self, node_ids: Iterable[str], session: Session = None) -> list[Share]:
        requested = set(node_ids)
        return [share for share in self._chosen() if share.node_id in requested]

    async def invitations(self, account_id: str, before: str | None, limit: int) -> list[Share]:
        latest = reversed(self._chosen(invited_id=account_id))
        return [share for share in latest if before is None or share.id < before][:limit]

    async def received(self, account_id: str, share_id: str, session: Session) -> Share | None:
        share = self.by_id.get(share_id)
        return share if share and account_id in (share.account_id, share.invited_id) else None

    async def between(
        self, recipient_id: str, owner_id: str, limit: int, session: Session, *, before: str | None = None
    ) -> list[Share]:
        shares = [share for share in self._chosen(owner_id=owner_id) if before is None or share.id < before]
        return [share for share in shares if recipient_id in (share.account_id, share.invited_id)][:limit]

    async def are_acquainted(self, one: str, other: str, session: Session) -> bool:
        return bool(self._chosen(account_id=one, owner_id=other) or self._chosen(account_id=other, owner_id=one))

    async def made_by(self, owner_id: str, before: datetime, limit: int, session: Session) -> list[Share]:
        return [share for share in self._chosen(owner_id=owner_id) if share.created_at < before][:limit]

    async def insert(self, share: Share, session: Session) -> None:
        self.by_id[share.id] = share

    async def save(self, shares: Sequence[Share], session: Session) -> None:
        self.by_id |= {share.id: share for share in shares}

    async def remove(self, shares: Sequence[Share], session: Session) -> None:
        for share in shares:
            del self.by_id[share.id]

    async def count_invitation(self, owner_id: str, session: Session) -> Count:
        self.made += 1
        now = utc_now()
        return Count(self.made, now, now + timedelta(hours=1))


@dataclass
class FakeDecisions:
    blocked: dict[tuple[str, str], Block] = field(default_factory=dict)
    standings: dict[tuple[str, str], Standing] = field(default_factory=dict)
    chosen: dict[str, Acceptance] = field(default_factory=dict)

    async def relation(
        self, recipient_id: str, sender_id: str, sender_address: str | None, session: Session
    ) -> Relation:
        blocks = [block for block in self.blocked.values() if block.recipient_id == recipient_id]
        return Relation(
            blocked=any(block.account_id == sender_id or block.subject == sender_address for block in blocks),
            standing=self.standings.get((recipient_id, sender_id)),
            acceptance=await self.acceptance(recipient_id),
        )

    async def save_standing(self, recipient_id: str, sender_id: str, standing: Standing, session: Session) -> None:
        self.standings[recipient_id, sender_id] = standing

    async def acceptance(self, account_id: str) -> Acceptance:
        return self.chosen.get(account_id, "automatic")

    async def choose_acceptance(self, account_id: str, acceptance: Acceptance) -> None:
        self.chosen[account_id] = acceptance

    async def block(self, block: Block, session: Session) -> Block:
        return self.blocked.setdefault((block.recipient_id, block.subject), block)

    async def unblock(self, recipient_id: str, subject: str, session: Session) -> bool:
        return self.blocked.pop((recipient_id, subject), None) is not None

    async def number_of_blocks(self, recipient_id: str, session: Session) -> int:
        return sum(block.recipient_id == recipient_id for block in self.blocked.values())


@dataclass
class FakeLinks:
    by_id: dict[str, Link] = field(default_factory=dict)

    async def insert(self, link: Link, session: Session) -> None:
        if link.operation and await self.by_operation(link.owner_id, link.operation):
            raise DuplicateKeyError("by_operation")
        self.by_id[link.id] = link

    async def get(self, node_id: str, link_id: str, session: Session = None) -> Link | None:
        link = self.by_id.get(link_id)
        return link if link and link.node_id == node_id else None

    async def by_operation(self, owner_id: str, operation: str) -> Link | None:
        links = self.by_id.values()
        return next((link for link in links if (link.owner_id, link.operation) == (owner_id, operation)), None)

    async def count(self, node_id: str, session: Session) -> int:
        return len(await self.of_nodes([node_id], session))

    async def of_nodes(self, node_ids: Iterable[str], session: Session) -> list[Link]:
        requested = set(node_ids)
        return [link for link in self.by_id.values() if link.node_id in requested]

    async def made_by(self, owner_id: str, before: datetime, limit: int, session: Session) -> list[Link]:
        links = [link for link in self.by_id.values() if link.owner_id == owner_id]
        return [link for link in links if link.created_at < before][:limit]

    async def existing(self, link_ids: Iterable[str], session: Session) -> set[str]:
        return self.by_id.keys() & set(link_ids)

    async def change(self, link: Link, fields: Mapping[str, Any], now: datetime, session: Session) -> Link | None:
        renamed = {{"password": "password_hash"}.get(name, name): value for name, value in fields.items()}
        self.by_id[link.id] = replace(link, **renamed)
        return self.by_id[link.id]

    async def count_received(self, link: Link, size: int, now: datetime) -> bool:
        stored = self.by_id[link.id]
        fits = (
            stored.opens_at(now) and stored.files_left > 0 and (stored.bytes_left is None or size <= stored.bytes_left)
        )
        if fits:
            self._count(stored, 1, size)
        return fits

    async def uncount_received(self, link: Link, size: int) -> None:
        self._count(self.by_id[link.id], -1, -size)

    def _count(self, link: Link, files: int, size: int) -> None:
        received = {"received_files": link.received_files + files, "received_bytes": link.received_bytes + size}
        self.by_id[link.id] = replace(link, **received)  # type: ignore[arg-type]

    async def remove(self, links: Iterable[Link], session: Session) -> None:
        for link in links:
            del self.by_id[link.id]
