"""Every client of docstore_contracts against the real app of its service, on the real servers.

Responses are held against the services' internal OpenAPI documents, as in every test.
"""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from internal_clients import CLIENT_METHODS, Call
from pydantic import SecretStr
from service_calls import ServiceCaller
from services_in_process import CONTENT, Gateway, carry_a_file, running_services

from docstore_accounts.app import create_app
from docstore_accounts.regions.client import RegionClient, Signatures
from docstore_accounts.settings import AccountsSettings
from docstore_contracts.accounts import AccountsClient
from docstore_contracts.annotations import LockRequest, PropertyChange
from docstore_contracts.caller import Caller
from docstore_contracts.consistency import CHECKED_BY, CheckName, CheckRequest, ConsistencyClient
from docstore_contracts.indexer import IndexerClient
from docstore_contracts.media import MediaClient, PreviewItem
from docstore_contracts.metadata import CommitItem, MetadataClient
from docstore_contracts.operations import OperationsClient
from docstore_contracts.quota import QuotaClient
from docstore_contracts.replication import ACCOUNTS_PATH, Received, ReplicatedAccount, ReplicationClient
from docstore_contracts.upload import UploadClient
from docstore_events.catalogue import ACKNOWLEDGED
from docstore_platform.clock import utc_now
from docstore_platform.errors import DomainError
from docstore_platform.ids import new_id
from docstore_platform.service.client import register_local_app
from docstore_platform.services import INTERNAL_SERVICES, SERVICE_NAMES, ServiceName
from docstore_platform.settings import InfraSettings

if TYPE_CHECKING:
    from docstore_standalone.servers import Servers

pytestmark = pytest.mark.connected
FAR = "us-west-2", "ap-southeast-2"


class RecordingCaller:
    """Passes calls on, with a field that the receiver does not know yet, and notes them."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.calls: list[Call] = []

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        self.calls.append((method, path.partition("?")[0]))
        return await self._caller.call(method, path, body and {**body, "field_of_a_newer_release": 1})

    def has_called_all_of(self, name: str) -> bool:
        """Whether each method of a client was called."""
        wanted = {(method, re.compile(path.replace("{}", "[^/]+"))) for method, path in CLIENT_METHODS[name].values()}
        return all(any(each[0] == method and path.fullmatch(each[1]) for each in self.calls) for method, path in wanted)


@dataclass
class World:
    """All services, and a file that has gone all the way through them."""

    infra: InfraSettings
    account_id: str
    file_id: str

    def caller(self, service: ServiceName) -> RecordingCaller:
        return RecordingCaller(ServiceCaller(service, self.infra))


@pytest.fixture
async def world(infra: InfraSettings, servers: "Servers", tmp_path: Path) -> AsyncIterator[World]:
    urls = {f"{name}_url": f"local:{infra.topic_prefix}contracts-{name}" for name in INTERNAL_SERVICES}
    infra = infra.model_copy(update=urls)
    async with running_services(dict.fromkeys(SERVICE_NAMES, infra), tmp_path, servers.ses_endpoint) as gateway:
        await carry_a_file(gateway)
        yield World(infra, (await _got(gateway, "/v1/me"))["id"], (await _got(gateway, "/v1/files"))["items"][0]["id"])


async def _got(gateway: Gateway, path: str) -> Any:
    _, answer = await gateway.call("GET", path)
    return answer


async def test_every_client_is_understood_by_its_service(world: World) -> None:
    """Each method gets the response of its type, though it sends a field that the service does not know."""
    await _call_metadata(world)
    await _call_quota(world)
    await _call_accounts(world)
    await _call_media(world)
    await _call_indexer(world)
    await _call_upload(world)
    for service in INTERNAL_SERVICES:
        await _call_operations(world, service)
    for check, checked_by in CHECKED_BY.items():
        await _call_consistency(world, check, checked_by)


async def _call_metadata(world: World) -> None:
    caller = world.caller("metadata")
    metadata = MetadataClient(caller)
    found, refused = await metadata.check_uploads(world.account_id, [{"path": "/note.txt"}, {"path": "none"}])
    assert "problem" not in found
    assert (found["file_id"], found["current_version"]) == (world.file_id, 1)
    assert "problem" in refused
    item: CommitItem = {
        "upload_id": new_id(),
        "account_id": world.account_id,
        "path": "/other.txt",
        "size": 1,
        "content_type": "text/plain",
        "sha256": "ab" * 32,
        "object_key": f"accounts/{world.account_id}/uploads/other/content",
        "uploaded_at": utc_now(),
    }
    (committed,) = await metadata.commit_uploads([item])
    assert "problem" not in committed
    assert (committed["file"]["path"], committed["conflicted"]) == ("/other.txt", False)
    requested = [{"account_id": account, "file_id": world.file_id} for account in (world.account_id, new_id())]
    assert await metadata.permissions(requested) == ["owner", None]
    assert (await metadata.journal_heads([world.account_id])).keys() == {world.account_id}
    assert await metadata.folder_at(world.account_id, "/") == world.account_id
    files = await metadata.lookup_files(world.account_id, [world.file_id, new_id()])
    assert {file["name"] for file in files.values()} == {"note.txt"}
    await _call_annotations(world, metadata)
    assert await metadata.account_storage(world.account_id) == {"bytes": len(CONTENT) + 1, "documents": 2}
    assert {entry["path"] for entry in await metadata.list_files("", 10)} >= {"/note.txt", "/other.txt"}
    assert len(await metadata.list_files("", 10, owner_id=world.account_id)) == 2
    assert await metadata.list_files("", 10, owner_id="nobody&limit=1") == []
    assert caller.has_called_all_of("metadata")


async def _call_annotations(world: World, metadata: MetadataClient) -> None:
    request: LockRequest = {
        "account_id": world.account_id,
        "file_id": world.file_id,
        "token": "urn:uuid:1",
        "owner": "",
        "exclusive": True,
        "deep": False,
        "seconds": 60,
    }
    lock = await metadata.take_lock(request)
    assert lock["path"] == "/note.txt"
    renewed = await metadata.renew_lock(world.account_id, world.file_id, [lock["token"]], 600)
    assert renewed["expires_at"] > lock["expires_at"]
    change: PropertyChange = {"name": "{x}a", "xml": "<a/>"}
    await metadata.set_properties(world.account_id, world.file_id, [change], [lock["token"]])
    found = await metadata.annotations_of(world.account_id, [world.file_id])
    assert found == {world.file_id: {"locks": [renewed], "properties": [{"name": "{x}a", "xml": "<a/>"}]}}
    await metadata.release_lock(world.account_id, world.file_id, lock["token"])


async def _call_quota(world: World) -> None:
    caller = world.caller("quota")
    quota = QuotaClient(caller)
    upload_id = new_id()
    accepted, usage = await quota.reserve(world.account_id, [{"upload_id": upload_id, "size": 5}], utc_now())
    assert (accepted, usage["reserved"]) == ({upload_id}, 5)
    await quota.release_reservations(world.account_id, [upload_id])
    assert (await quota.account_usage(world.account_id))["reserved"] == 0
    await quota.reconcile_account(world.account_id)
    assert (await quota.totals())["by_plan"]["free"]["accounts"] > 0
    assert (await quota.drifts("", 10))["next_after"] is None
    assert caller.has_called_all_of("quota")


async def _call_accounts(world: World) -> None:
    caller = world.caller("accounts")
    accounts = AccountsClient(caller)
    assert (await accounts.keys())["keys"]
    assert (await accounts.account(world.account_id))["email"] == "ada@example.org"
    assert (await accounts.revocations("", 0))["items"] == []
    assert not await accounts.is_logged_in(world.account_id, "ended")
    with pytest.raises(DomainError, match="invalid_token"):
        await accounts.exchange_token("dst_unknown", "ada@example.org")
    assert caller.has_called_all_of("accounts")


async def _call_media(world: World) -> None:
    caller = world.caller("media")
    media, version = MediaClient(caller), PreviewItem(file_id=world.file_id, version=1, name="a")
    assert await media.preview_urls([version], "small") == [None]
    with pytest.raises(DomainError, match="no_preview"):
        await media.picture(version, "for Ada", "large", 1)
    assert caller.has_called_all_of("media")


async def _call_indexer(world: World) -> None:
    caller = world.caller("indexer")
    indexer = IndexerClient(caller)
    started = await indexer.start_rebuild()
    assert started["state"] != "none"
    assert (await indexer.rebuild_status())["state"] != "none"
    assert caller.has_called_all_of("indexer")


async def _call_upload(world: World) -> None:
    caller = world.caller("upload")
    upload = UploadClient(caller)
    await upload.release_contents([])
    await upload.contents_unused([])
    assert await upload.use_contents(["unknown"]) == []
    assert await upload.retrieve_contents(["unknown"]) == {"waiting": [], "progressed": False}
    assert await upload.stalled_uploads("", 10) == {"items": [], "next_after": None}
    received = await upload.begin_received(
        {
            "account_id": world.account_id,
            "folder_id": world.account_id,
            "name": "in.txt",
            "size": 5,
            "sha256": None,
            "device": "File request",
        }
    )
    with pytest.raises(DomainError, match="upload"):
        await upload.complete_received(*received["id"].split("."))
    assert caller.has_called_all_of("upload")


async def _call_consistency(world: World, check: CheckName, service: ServiceName) -> None:
    caller = world.caller(service)
    request: CheckRequest = {"check": check, "after": "", "limit": 500, "repair": False, "checksums": True}
    page = await ConsistencyClient(caller).check_consistency(request)
    assert page["unread"] == 0
    assert {finding["kind"] for finding in page["findings"]} <= {"object_missing"}  # no bytes were sent for other.txt
    assert caller.has_called_all_of("consistency")


async def _call_operations(world: World, service: ServiceName) -> None:
    caller = world.caller(service)
    operations = OperationsClient(caller)
    assert "/internal/health" in (await operations.openapi())["paths"]
    assert (await operations.readiness())["ready"]
    assert (await operations.health())["dead_letters"] == 0
    assert await operations.dead_letters("", 10) == []
    assert await operations.republish_events([new_id()]) == 0
    assert await operations.republish_events(since=utc_now()) == 0
    for act in (operations.replay_dead_letter, operations.discard_dead_letter):
        with pytest.raises(DomainError, match="no such dead letter"):
            await act("unknown")
    if service in ACKNOWLEDGED:
        assert await operations.acknowledged_events([new_id()]) == []
        assert caller.has_called_all_of("operations")


def _region_without_accounts() -> FastAPI:
    """Has nothing that a new region would have to learn first."""
    app = FastAPI()

    @app.post(ACCOUNTS_PATH)
    async def receive() -> Received:
        return {"heard": 0, "introduced": True}

    return app


async def test_every_call_of_another_region_is_understood(infra: InfraSettings) -> None:
    """Each method gets the response of its type from a region that knows the caller."""
    here, there = FAR
    secrets = {"peer_secret": SecretStr(40 * "s"), "email_pepper": SecretStr(40 * "p")}
    url, sender_url = f"local:{infra.topic_prefix}accounts-{here}", f"local:{infra.topic_prefix}accounts-{there}"
    register_local_app(sender_url, _region_without_accounts())
    own = infra.model_copy(update={"region": here, "accounts_url": url})
    receiver = AccountsSettings(infra=own, peers={there: sender_url}, **secrets)
    sender = AccountsSettings(infra=infra.model_copy(update={"region": there}), peers={here: url}, **secrets)
    async with AsyncExitStack() as stack:
        app = create_app(receiver)
        await stack.enter_async_context(app.router.lifespan_context(app))
        register_local_app(url, app)
        region = RegionClient(here, sender, Signatures(sender))
        stack.push_async_callback(region.close)
        caller = RecordingCaller(region)
        other = ReplicationClient(caller)
        account_id, email_hash = new_id().replace("-", ""), "ab" * 32
        assert await other.claim_email(email_hash, account_id)
        assert await other.sign_up_state(account_id) == "gone"
        await other.forward_password_reset(account_id, account_id)
        account: ReplicatedAccount = {
            "account_id": account_id,
            "email_hash": email_hash,
            "home_region": there,
            "status": "active",
            "revision": 1,
        }
        assert (await other.send_accounts([account]))["heard"] == 1
    assert caller.has_called_all_of("replication")
