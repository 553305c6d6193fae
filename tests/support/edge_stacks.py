"""A stack whose clients download through a CDN."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from edge_cache import EdgeCache, edge_cache
from gateway_ports import free_gateway_port
from memory_folders import memory_folder

from docstore_contents.s3.signing import Credentials, Signer
from docstore_standalone.ports import LOOPBACK
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import Stack, start_stack

KEY_ID = "K2JCJMDEHXQW5F"


@asynccontextmanager
async def stack_with_cdn(folder: Path, environment: Mapping[str, str]) -> AsyncIterator[tuple[Stack, EdgeCache]]:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    async with AsyncExitStack() as closing:
        edge = await closing.enter_async_context(edge_cache(key.public_key(), KEY_ID))
        variables = {
            **environment,
            "DOCSTORE_CDN_URL": edge.url,
            "DOCSTORE_CDN_KEY_ID": KEY_ID,
            "DOCSTORE_CDN_PRIVATE_KEY": pem.replace("\n", "\\n"),
            "GATEWAY_ASSET_URL": edge.url,
        }
        data = closing.enter_context(memory_folder(folder))
        port = free_gateway_port()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            stack = await closing.enter_async_context(await start_stack(StandaloneSettings(data=data, port=port)))
        servers = stack.servers
        keys = Credentials(servers.services_keys.access_key_id, servers.services_keys.secret_access_key)
        edge.store = Signer(servers.s3_endpoint, keys, servers.region)
        edge.gateway = f"http://{LOOPBACK}:{port}"
        edge.buckets = {"accounts": servers.content_bucket, "previews": f"docstore-processed-{servers.region}"}
        yield stack, edge
