"""Operations on the account: log-in, sessions, settings."""

from collections.abc import Sequence
from datetime import datetime

from docstore_client.models import (
    Account,
    ApiToken,
    CreatedApiToken,
    Languages,
    Page,
    Policy,
    Region,
    Retention,
    Session,
)
from docstore_client.operations.routes import Routes


class AccountOperations(Routes):
    async def sign_up(self, email: str, password: str, display_name: str | None = None) -> Account:
        """Create an account; log in to use it."""
        body = {"email": email, "password": password}
        return await self._send(
            Account, "POST", "/v1/accounts", body if display_name is None else {**body, "display_name": display_name}
        )

    async def log_in(
        self, email: str, password: str, device_name: str = "python client", device_token: str = ""
    ) -> Account:
        """Log in. With the `device_token` of an earlier log-in, no new-device email is sent."""
        return await self._connection.log_in(email, password, device_name, device_token)

    @property
    def device_token(self) -> str:
        """Token for the next log-in on this device; empty before the first."""
        return self._connection.device_token

    async def regions(self) -> list[Region]:
        """List the regions of this DocStore; needs no log-in. `latency.latencies` measures the way to each."""
        return (await self._get(Page[Region], "/v1/regions")).items

    async def log_out(self) -> None:
        await self.call("DELETE", "/v1/sessions/current")

    async def me(self) -> Account:
        """Return the account with its usage."""
        return await self._get(Account, "/v1/me")

    async def retention(self) -> Retention:
        """Return how long the trash and old versions are kept."""
        return await self._get(Retention, "/v1/me/retention")

    async def set_retention(self, policy: Policy | None) -> Retention:
        """Change how long they are kept; None: the server's default. Takes effect at `applies_at`."""
        if policy is None:
            return await self._send(Retention, "DELETE", "/v1/me/retention")
        return await self._send(Retention, "PUT", "/v1/me/retention", policy.model_dump())

    async def languages(self) -> Languages:
        """Return the languages of text in pictures and scans."""
        return await self._get(Languages, "/v1/me/languages")

    async def set_languages(self, languages: Sequence[str]) -> Languages:
        """Choose the languages of text in pictures and scans, the main one first; none: the server's default."""
        return await self._send(Languages, "PUT", "/v1/me/languages", {"languages": list(languages)})

    async def sessions(self, cursor: str | None = None) -> Page[Session]:
        return await self._get(Page[Session], "/v1/sessions", cursor=cursor)

    async def create_api_token(
        self, name: str, scopes: Sequence[str], *, path: str | None = None, expires_at: datetime | None = None
    ) -> CreatedApiToken:
        """Create an API token, limited to the folder at `path` if given. Its `token` is not shown again."""
        until = None if expires_at is None else expires_at.isoformat()
        body = {"name": name, "scopes": list(scopes), "path": path, "expires_at": until}
        return await self._send(CreatedApiToken, "POST", "/v1/me/tokens", body)

    async def api_tokens(self, cursor: str | None = None) -> Page[ApiToken]:
        """List API tokens, newest first."""
        return await self._get(Page[ApiToken], "/v1/me/tokens", cursor=cursor)

    async def revoke_api_token(self, token_id: str) -> None:
        """Revoke an API token: it stops working at once."""
        await self.call("DELETE", f"/v1/me/tokens/{token_id}")
