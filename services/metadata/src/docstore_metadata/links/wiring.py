"""Builds links: their owners' use cases, visits, and the warnings of links that expire."""

from collections.abc import Sequence
from datetime import timedelta

from docstore_events.transaction import Transactor
from docstore_metadata.cold_storage.service import ContentAccess
from docstore_metadata.links.rules import LinkGrants
from docstore_metadata.links.service import LinkService
from docstore_metadata.links.visits.service import LinkVisits
from docstore_metadata.links.worker import LinkSweeper
from docstore_metadata.settings import MetadataSettings
from docstore_metadata.storage import Store
from docstore_metadata.tree.lookup import Tree
from docstore_platform.clock import Clock
from docstore_platform.mongo import Database
from docstore_platform.security.cipher import Cipher
from docstore_platform.security.passwords import Passwords
from docstore_platform.security.secret_list import secret_list
from docstore_platform.security.throttle import MongoFailures, Throttle
from docstore_work.loop import Loop


class LinkFeature:
    """Links with what they need of their own: hashed passwords, limited guesses, secrets of tokens and grants."""

    def __init__(
        self,
        settings: MetadataSettings,
        database: Database,
        store: Store,
        tree: Tree,
        transactor: Transactor,
        access: ContentAccess,
        *,
        token_secrets: Sequence[str],
        clock: Clock,
    ) -> None:
        infra = settings.infra
        self._failures = MongoFailures(database, "link_failures")
        self._passwords = Passwords(settings)
        throttle = Throttle(
            self._failures,
            limit=settings.link_failures,
            limit_everywhere=settings.link_failures_everywhere,
            window=timedelta(seconds=settings.link_failure_window_seconds),
            clock=clock,
        )
        grants = LinkGrants(secret_list("METADATA_LINK_GRANT_SECRETS", settings.link_grant_secrets, infra))
        cipher = Cipher("docstore link tokens", *token_secrets)
        self.service = LinkService(store, tree, transactor, self._passwords, cipher, infra.public_url, clock=clock)
        self.visits = LinkVisits(store, tree, transactor, self._passwords, throttle, grants, access, clock=clock)
        sweeper = LinkSweeper(store, tree, transactor, clock=clock)
        self.loop = Loop.sweeping("metadata links", sweeper.sweep, settings.link_interval_seconds)

    async def create_indexes(self) -> None:
        await self._failures.create_indexes()

    def close(self) -> None:
        self._passwords.close()
