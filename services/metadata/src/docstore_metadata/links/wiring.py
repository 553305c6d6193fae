"""Builds links: their owners' use cases, visits, and the warnings of links that expire."""

from collections.abc import Sequence
from datetime import timedelta

from docstore_metadata.cold_storage.service import ContentAccess
from docstore_metadata.links.rules import LinkGrants
from docstore_metadata.links.service import LinkService
from docstore_metadata.links.visits.service import LinkVisits
from docstore_metadata.links.worker import LinkSweeper
from docstore_metadata.storage import Core
from docstore_platform.security.cipher import Cipher
from docstore_platform.security.passwords import Passwords
from docstore_platform.security.secret_list import secret_list
from docstore_platform.security.throttle import MongoFailures, Throttle
from docstore_work.loop import Loop


class LinkFeature:
    """Links with what they need of their own: hashed passwords, limited guesses, secrets of tokens and grants."""

    def __init__(self, core: Core, access: ContentAccess, *, token_secrets: Sequence[str]) -> None:
        settings, infra = core.settings, core.settings.infra
        use_cases, clock = (core.store, core.plain_tree, core.transactor), core.clock
        self._failures = MongoFailures(core.database, "link_failures")
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
        self.service = LinkService(*use_cases, self._passwords, cipher, infra.public_url, clock=clock)
        self.visits = LinkVisits(*use_cases, self._passwords, throttle, grants, access, clock=clock)
        sweeper = LinkSweeper(*use_cases, clock=clock)
        self.loops = [Loop.sweeping("metadata links", sweeper.sweep, settings.link_interval_seconds)]

    async def create_indexes(self) -> None:
        await self._failures.create_indexes()

    def close(self) -> None:
        self._passwords.close()
