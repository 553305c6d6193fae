"""Notify's real app on the real servers; accounts and metadata are fakes in this process."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fake_accounts import fake_accounts
from fastapi import FastAPI

from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Mongo
from docstore_platform.service.client import register_local_app
from docstore_platform.settings import InfraSettings

sys.path.insert(0, str(Path(__file__).parent))

from notify_service import Notify, fake_metadata
from receivers import MoodySes


def accounts_of(notify: Notify) -> FastAPI:
    app = fake_accounts()

    @app.get("/internal/accounts/{account_id}/sessions/{session_id}")
    async def session_state(account_id: str, session_id: str) -> dict[str, bool]:
        return {"active": account_id not in notify.logged_out}

    return app


@pytest.fixture
async def notify(infra: InfraSettings) -> AsyncIterator[Notify]:
    """Nothing runs yet: `async with notify.running(setting=...)`. Who reads mails has a mailbox of its own."""
    async with open_notify(infra) as notify:
        yield notify


@pytest.fixture(scope="module")
async def running(module_infra: InfraSettings) -> AsyncIterator[Notify]:
    """One instance for the tests of a module, which have people of their own; every event is a notice of its own."""
    async with open_notify(module_infra) as notify, notify.running(digest_interval_seconds=0):
        yield notify


@asynccontextmanager
async def open_notify(infra: InfraSettings) -> AsyncIterator[Notify]:
    name = new_id()
    urls = {f"{service}_url": f"local:{service}-{name}" for service in ("accounts", "metadata")}
    infra = infra.model_copy(update=urls)
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    async with MoodySes().running() as ses:
        notify = Notify(infra, mongo, f"local:notify-{name}", ses)
        register_local_app(infra.accounts_url, accounts_of(notify))
        register_local_app(infra.metadata_url, fake_metadata(notify.readable))
        yield notify
    mongo.close()
