"""The object store used without keys, by a role, on a real S3 and STS server."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from role_endpoints import RoleKeys, container_endpoint
from s3_requests import BODY

from docstore_contents.s3.role_credentials import role_credentials
from docstore_contents.s3.store import ObjectStore
from docstore_contents.s3.sts import upload_credentials
from docstore_platform.ids import new_id
from docstore_standalone.servers import Servers

pytestmark = pytest.mark.connected


@pytest.fixture
def key() -> str:
    return f"accounts/a/uploads/{new_id()}/content"


@pytest.fixture
async def by_role(
    store: ObjectStore, servers: Servers, key: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ObjectStore]:
    """Has no keys; its environment names where to get those of a role that may upload under the key."""
    lent = await upload_credentials(store, servers.upload_role_arn, key, session_name="role", seconds=3600)
    ends_at = datetime.now(UTC) + timedelta(hours=1)
    keys = RoleKeys(lent.access_key_id, lent.secret_access_key, lent.session_token, ends_at)
    role_credentials.cache_clear()
    with container_endpoint(keys) as endpoint:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url)
        async with ObjectStore(replace(store.config, access_key_id="", secret_access_key="")) as nameless:
            yield nameless
    role_credentials.cache_clear()


async def test_a_store_without_keys_is_used_by_the_environments_role(
    by_role: ObjectStore, store: ObjectStore, key: str, client: aiohttp.ClientSession
) -> None:
    """Our own signatures, signed URLs and boto3's calls alike carry the role's keys and its token."""
    await by_role.put(key, BODY[::-1])
    assert await store.get(key) == BODY[::-1]
    upload_id = await by_role.create_multipart(key, content_type="text/plain")
    assert await by_role.list_parts(key, upload_id) == []
    await by_role.abort_multipart(key, upload_id)
    put = by_role.presign_put(key, size=len(BODY), content_type="text/plain", expires_in=60)
    async with client.put(put.url, data=BODY, headers=dict(put.headers)) as answer:
        assert answer.status == 200
    assert await store.get(key) == BODY
