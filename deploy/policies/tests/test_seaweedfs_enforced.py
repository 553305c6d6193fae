"""The S3 policies at work as in docker-compose.yml: on SeaweedFS configured for it, each service with its own keys."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from docstore_contents.s3.store import ObjectStore, ObjectStoreError, S3Config
from docstore_contents.s3.sts import upload_credentials
from docstore_platform.ids import new_id
from docstore_standalone.compose_files import BUCKET, POLICIES, PROCESSED, REGION, write_compose_files
from docstore_standalone.credentials import load_credentials
from docstore_standalone.embedded import object_store
from docstore_standalone.embedded.binaries import find_weed
from docstore_standalone.embedded.certificates import ensure_certificate
from docstore_standalone.embedded.object_store import UPLOAD_ROLE_ARN
from docstore_standalone.ports import PortBook
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.supervision.processes import ServerProcess

sys.path.insert(0, str(Path(__file__).parent))
from test_aws_enforced import INSIDE, OUTSIDE, PICTURE, allowed, deeds, refused

pytestmark = [pytest.mark.connected]

ROOT = Path(__file__).parents[3]
SERVICES = ["upload", "metadata", "indexer", "media"]
KNOWN = [deed for deed in deeds("") if deed != "restore"]
"""SeaweedFS has no archives, and so nothing to restore."""
StoreOf = Callable[..., ObjectStore]


class ComposeStore(object_store.ObjectStore):
    """Reads what compose_files made."""

    @property
    def _configs(self) -> tuple[Path, Path]:
        state = self.folder / "deploy" / "compose" / "state"
        return state / "s3.json", state / "iam.json"

    def prepare(self) -> None:
        (self.folder / "data").mkdir()
        ensure_certificate(*self._certificate, self.name)


@pytest.fixture(scope="module")
async def store_of(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StoreOf]:
    """The bucket as a service sees it, or the `operator`; an object is inside and one outside of accounts/."""
    folder = tmp_path_factory.mktemp("compose")
    shutil.copytree(ROOT / POLICIES, folder / POLICIES)
    write_compose_files(folder)
    known = dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines())
    credentials = load_credentials(folder / "deploy/compose/state")
    for_all = credentials.model_copy(update={"services": credentials.root, "broker": credentials.root})
    ports = PortBook()
    ports.secure(ComposeStore.port_names)
    program = find_weed(StandaloneSettings().weed)
    server = ComposeStore(
        program,
        folder,
        folder / "log",
        ports,
        for_all,
        content_buckets=[BUCKET],
        processed_bucket=PROCESSED,
        broker_bucket="docstore-other",
    )
    process = await ServerProcess.start(server)
    opened: dict[tuple[str, str], ObjectStore] = {}

    def of(name: str, bucket: str = BUCKET) -> ObjectStore:
        if (name, bucket) not in opened:
            key, secret = (known[f"S3_{name.upper()}_{part}"] for part in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
            opened[name, bucket] = ObjectStore(S3Config(server.endpoint, server.endpoint, REGION, key, secret, bucket))
            opened[name, bucket].transport.open()
        return opened[name, bucket]

    try:
        await process.wait_ready(60)
        for key in (INSIDE, OUTSIDE):
            await of("operator").put(key, b"content")
        await of("operator", PROCESSED).put(PICTURE, b"content")
        yield of
    finally:
        await asyncio.gather(*(store.transport.close() for store in opened.values()))
        await process.stop()


@pytest.mark.parametrize("deed", KNOWN)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_services_keys_have_the_rights_of_its_policy(service: str, deed: str, store_of: StoreOf) -> None:
    """And not one thing more."""
    right, act = deeds(INSIDE)[deed]
    assert await refused(act, store_of(service)) is (right not in allowed(service))


@pytest.mark.parametrize("deed", ["read", "write", "delete", "begin parts"])
@pytest.mark.parametrize("service", SERVICES)
async def test_nothing_outside_accounts_is_reached(service: str, deed: str, store_of: StoreOf) -> None:
    """Other prefixes of the bucket are someone else's."""
    assert await refused(deeds(OUTSIDE)[deed][1], store_of(service))


@pytest.mark.parametrize("deed", KNOWN)
@pytest.mark.parametrize("service", SERVICES)
async def test_previews_are_medias_alone(service: str, deed: str, store_of: StoreOf) -> None:
    """Stored, signed and deleted by it; their bucket is closed to all others."""
    right, act = deeds(PICTURE)[deed]
    rights = allowed(service, PROCESSED)
    if "s3:PutObject" in rights:  # SeaweedFS lets whoever writes see and drop parts, too
        rights |= {"s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"}
    assert await refused(act, store_of(service, PROCESSED)) is (right not in rights)


async def test_a_form_that_upload_signed_stores_its_object(store_of: StoreOf) -> None:
    """A browser's way: what the form may store is in its signature."""
    form = store_of("upload").presign_post(
        f"{INSIDE}-form", min_size=1, max_size=100, content_type="text/plain", expires_in=60
    )
    data = aiohttp.FormData(dict(form.fields))
    data.add_field("file", b"content", filename="content")
    async with aiohttp.ClientSession() as browser, browser.post(form.url, data=data) as answer:
        assert answer.status == 204, await answer.text()
    assert await store_of("upload").get(f"{INSIDE}-form") == b"content"


async def test_upload_lends_credentials_for_one_upload(store_of: StoreOf) -> None:
    """Its keys may lend the role, and what is lent stores its object and no other."""
    key = f"accounts/a/uploads/{new_id()}/content"
    lent = await upload_credentials(store_of("upload"), UPLOAD_ROLE_ARN, key, session_name="one", seconds=900)
    config = store_of("upload").config
    keys = (lent.access_key_id, lent.secret_access_key, BUCKET, lent.session_token)
    async with ObjectStore(S3Config(config.endpoint, config.endpoint, REGION, *keys)) as client:
        await client.put(key, b"content")
        assert await refused(lambda store: store.put(f"{key}-elsewhere", b"content"), client)


@pytest.mark.parametrize("service", ["metadata", "indexer"])
async def test_other_services_issue_no_credentials(service: str, store_of: StoreOf) -> None:
    """Of those with keys of their own."""
    with pytest.raises(ObjectStoreError):
        await upload_credentials(
            store_of(service), UPLOAD_ROLE_ARN, "accounts/a/uploads/u/content", session_name="one", seconds=900
        )


async def test_only_analytics_can_access_the_archive(store_of: StoreOf) -> None:
    """Not even analytics deletes from it, and content is closed to analytics."""
    key = "archive/events/part"
    await store_of("analytics").put(key, b"events")
    assert await store_of("analytics").get(key) == b"events"
    assert await refused(lambda store: store.delete(key), store_of("analytics"))
    assert await refused(lambda store: store.get(INSIDE), store_of("analytics"))
    for service in SERVICES:
        assert await refused(lambda store: store.get(key), store_of(service))
