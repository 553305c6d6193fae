"""Demo of several regions: sign-up in one, log-in at another, unique email addresses."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import boto3
from botocore.config import Config
from rich.console import Console

from docstore_cli.api import ApiClient
from docstore_client import ApiError
from docstore_platform.ids import new_id
from docstore_standalone.credentials import load_credentials
from docstore_standalone.state import StackState

PASSWORD = "a demo needs no better password"
KNOWN_TRIES = 8
"""Below the limit of failed log-ins."""
WIDTH = 49


class RegionDemo:
    """Runs the demo. `regions` by name; the first one is the account's home."""

    def __init__(self, regions: Mapping[str, tuple[Path, StackState]], console: Console) -> None:
        self._regions = regions
        self._console = console
        self._home, self._other = list(regions)[:2]

    def _gateway(self, region: str) -> str:
        return self._regions[region][1].addresses["gateway"]

    def _print(self, what: str, outcome: str) -> None:
        self._console.print(f"{what:{WIDTH}} {outcome}", highlight=False, soft_wrap=True)

    async def run(self) -> None:
        email = f"ada-{new_id()[-8:]}@example.org"
        async with ApiClient(self._gateway(self._home)) as ada, ApiClient(self._gateway(self._other)) as elsewhere:
            await ada.sign_up(email, PASSWORD)
            self._print(f"ada signs up in {self._home}", f"201, home {ada.account['home_region']}")
            await self._until_known(elsewhere, email)
            await elsewhere.log_in(email, PASSWORD)
            self._print("a log-in that follows it", f"201 at {elsewhere.gateway}")
            refusal = await self._with_token(ada.access_token)
            self._print(f"her token at {self._other}", refusal)
            await self._sign_up_everywhere("the same email address, in all regions", email)
            await self._sign_up_everywhere("a new email address, in all regions", f"grace-{new_id()[-8:]}@example.org")
            await ada.upload("/only here.txt", b"stays at home")
            await self._show_buckets(ada.account["id"])

    async def _until_known(self, elsewhere: ApiClient, email: str) -> None:
        """Retry the log-in at the other region until it redirects to the home region."""
        credentials = {"email": email, "password": PASSWORD}
        for number in range(KNOWN_TRIES):
            await asyncio.sleep(0.3 * number)
            response = await elsewhere.ask("POST", "/v1/sessions", credentials)
            if response.status == 307:
                self._print(f"ada logs in at {self._other}", f"307 to {response.headers['location']}")
                return
        raise ApiError(response.status, "not_known", f"{self._other} does not know of the account")

    async def _with_token(self, token: str) -> str:
        async with ApiClient(self._gateway(self._other)) as api:
            api.access_token = token
            return str((await api.ask("GET", "/v1/me")).status)

    async def _sign_up_everywhere(self, what: str, email: str) -> None:
        async def sign_up(region: str) -> str:
            async with ApiClient(self._gateway(region)) as api:
                response = await api.ask("POST", "/v1/accounts", {"email": email, "password": PASSWORD})
                return f"{response.status} {response.json().get('code', '')}".strip() + f" in {region}"

        self._print(what, ", ".join(sorted(await asyncio.gather(*map(sign_up, self._regions)))))

    async def _show_buckets(self, account_id: str) -> None:
        for name, (folder, state) in self._regions.items():
            count = await asyncio.to_thread(_objects, name, folder, state, account_id)
            self._print(f"objects of hers in docstore-content-{name}", str(count))


def _objects(region: str, folder: Path, state: StackState, account_id: str) -> int:
    keys = load_credentials(folder).services
    store = boto3.client(
        "s3",
        endpoint_url=state.addresses["s3"],
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        region_name=region,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    found = store.list_objects_v2(Bucket=f"docstore-content-{region}", Prefix=f"accounts/{account_id}/")
    return int(found["KeyCount"])
