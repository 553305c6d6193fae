"""Asyncio client of the DocStore API: one method per operation."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack
from urllib.parse import quote

from docstore_client.connection import Connection
from docstore_client.credentials import Credentials, CredentialStore
from docstore_client.downloading.bulk_downloads import BulkDownloads, Wanted
from docstore_client.downloading.downloads import Downloads
from docstore_client.errors import ApiError, DocStoreError
from docstore_client.list_options import ListOptions, SearchOptions, parameters
from docstore_client.models import (
    Account,
    BlockedPerson,
    Changes,
    Comparison,
    FamilySums,
    File,
    Hits,
    Languages,
    Link,
    Media,
    Model,
    Notification,
    Page,
    Policy,
    PushKey,
    PushSubscription,
    Region,
    Retention,
    Role,
    SavedFilters,
    SavedSearch,
    Session,
    Share,
    ShareInvitation,
    Snapshot,
    Subscription,
    Version,
)
from docstore_client.sources import Progress, Source
from docstore_client.uploading.uploads import Uploads

M = TypeVar("M", bound=Model)


def _ignore(_: int) -> None:
    return None


class AsyncClient:
    """Client of one gateway and one account; close it, or use it as a context manager.

    A `store` keeps the credentials between runs; stored credentials determine the gateway.
    """

    def __init__(
        self, gateway: str, credentials: Credentials | None = None, *, store: CredentialStore | None = None
    ) -> None:
        self._connection = Connection(gateway, credentials, store)
        self._uploads = Uploads(self._connection)
        self._downloads = Downloads(self._connection)
        self._bulk = BulkDownloads(self._connection, self._downloads)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        await self._connection.close()

    @property
    def credentials(self) -> Credentials | None:
        return self._connection.credentials

    async def call(self, method: str, path: str, body: Any = None, *, params: Mapping[str, Any] | None = None) -> Any:
        """Call any API route that has no method here."""
        return await self._connection.call(method, path, body, params=params)

    async def _get(self, model: type[M], route: str, **params: Any) -> M:
        return model.model_validate(await self._connection.call("GET", route, params=params))

    async def _send(self, model: type[M], method: str, path: str, body: Any = None, etag: str = "") -> M:
        return model.model_validate(await self._connection.call(method, path, body, etag=etag))

    # --- the account -------------------------------------------------------------------------------------

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

    # --- files and folders -------------------------------------------------------------------------------

    async def list_page(
        self,
        path: str | None = None,
        *,
        parent_id: str | None = None,
        limit: int = 500,
        cursor: str | None = None,
        **options: Unpack[ListOptions],
    ) -> Page[File]:
        """Return a page of a folder; of the root if neither path nor id is given."""
        if path is None and parent_id is None:
            path = "/"
        query = {"path": path, "parent_id": parent_id, "limit": limit, "cursor": cursor, **parameters(options)}
        return await self._get(Page[File], "/v1/files", **query)

    async def list_folder(
        self, path: str | None = None, *, parent_id: str | None = None, **options: Unpack[ListOptions]
    ) -> list[File]:
        """Iterate over a folder, page by page."""
        return [file async for file in self.iterate_folder(path, parent_id=parent_id, **options)]

    async def iterate_folder(
        self, path: str | None = None, *, parent_id: str | None = None, **options: Unpack[ListOptions]
    ) -> AsyncIterator[File]:
        cursor: str | None = None
        while True:
            page = await self.list_page(path, parent_id=parent_id, cursor=cursor, **options)
            for file in page.items:
                yield file
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def get(self, file_id: str) -> File:
        return await self._get(File, f"/v1/files/{file_id}")

    async def get_by_path(self, path: str, *, parent_id: str | None = None) -> File:
        return await self._get(File, "/v1/files/by-path", path=path, parent_id=parent_id)

    async def find(self, path: str, *, parent_id: str | None = None) -> File | None:
        """Return the file or folder at a path; None if there is none."""
        try:
            return await self.get_by_path(path, parent_id=parent_id)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def make_folder(self, path: str, *, parent_id: str | None = None) -> File:
        """Return the folder; create it and missing parents if necessary."""
        body = {"path": path} if parent_id is None else {"path": path, "parent_id": parent_id}
        return await self._send(File, "POST", "/v1/folders", body)

    async def change(
        self,
        file_id: str,
        *,
        name: str | None = None,
        parent_id: str | None = None,
        tags: Iterable[str] | None = None,
        metadata: Mapping[str, str] | None = None,
        etag: str = "",
    ) -> File:
        """Rename, move, tag or replace the custom metadata; with `etag` only if the file is unchanged."""
        wanted = {
            "name": name,
            "parent_id": parent_id,
            "tags": None if tags is None else list(tags),
            "metadata": None if metadata is None else dict(metadata),
        }
        body = {field: value for field, value in wanted.items() if value is not None}
        return await self._send(File, "PATCH", f"/v1/files/{file_id}", body, etag)

    async def copy(self, file_id: str, path: str, *, parent_id: str | None = None) -> File:
        body = {"path": path} if parent_id is None else {"path": path, "parent_id": parent_id}
        return await self._send(File, "POST", f"/v1/files/{file_id}/copy", body)

    async def delete(self, file_id: str, *, etag: str = "") -> None:
        """Move to the trash."""
        await self._connection.call("DELETE", f"/v1/files/{file_id}", etag=etag)

    async def trash(self, cursor: str | None = None) -> Page[File]:
        return await self._get(Page[File], "/v1/trash", cursor=cursor)

    async def restore(self, file_id: str) -> File:
        """Restore from the trash."""
        return await self._send(File, "POST", f"/v1/files/{file_id}/restore")

    async def purge(self, file_id: str) -> None:
        """Delete from the trash forever."""
        await self.call("DELETE", f"/v1/trash/{file_id}")

    async def versions(self, file_id: str, cursor: str | None = None) -> Page[Version]:
        """List versions, newest first."""
        return await self._get(Page[Version], f"/v1/files/{file_id}/versions", cursor=cursor)

    async def restore_version(self, file_id: str, number: int) -> File:
        return await self._send(File, "POST", f"/v1/files/{file_id}/versions/{number}/restore")

    async def media(self, file_id: str) -> Media:
        """What is known of the file's content: size in pixels, camera, time and place of a photo, pages."""
        return await self._get(Media, f"/v1/files/{file_id}/media")

    # --- bytes -------------------------------------------------------------------------------------------

    async def upload(self, source: Source, progress: Progress = _ignore) -> File:
        """Upload one file; of a large file, only blocks that the account has not sent before."""
        return await self._uploads.upload(source, progress)

    async def upload_many(self, sources: Sequence[Source], progress: Progress = _ignore) -> list[File | DocStoreError]:
        """Upload files of any size, small ones in packs. Return for each the file or the error."""
        return await self._uploads.upload_many(sources, progress)

    async def download(
        self,
        file: File,
        local: Path,
        *,
        version: int | None = None,
        old: Path | None = None,
        progress: Progress = _ignore,
    ) -> None:
        """Download a file atomically: `local` has the old content, or the new content, verified.

        Reuses blocks of `old`, or of `local` as it is.
        """
        await self._downloads.download(file, local, version=version, old=old, progress=progress)

    async def download_many(
        self, wanted: Sequence[Wanted], progress: Progress = _ignore
    ) -> list[DocStoreError | OSError | None]:
        """Download files of any size, those of one pack with one request. Return for each None or the error."""
        return await self._bulk.download_many(wanted, progress)

    # --- sync --------------------------------------------------------------------------------------------

    async def changes(self, cursor: str | None = None, *, limit: int = 500, wait: int = 0) -> Changes:
        """Return changes since a cursor, oldest first; "latest": from now on. Waits up to `wait` seconds.

        ApiError `cursor_expired`: start with a snapshot.
        """
        return await self._get(Changes, "/v1/changes", cursor=cursor, limit=limit, wait=wait or None)

    async def snapshot(self, cursor: str | None = None) -> Snapshot:
        return await self._get(Snapshot, "/v1/snapshot", cursor=cursor)

    async def compare(self, entries: Mapping[str, str], path: str = "/", *, parent_id: str | None = None) -> Comparison:
        """Compare up to 10,000 local files (SHA-256 by path, as the API shows it) with a folder."""
        listed = [{"path": at, "sha256": digest} for at, digest in entries.items()]
        body = {"path": path, "parent_id": parent_id, "entries": listed}
        return await self._send(Comparison, "POST", "/v1/compare", body)

    # --- people, links, search ---------------------------------------------------------------------------

    async def share(self, file_id: str, email: str, role: Role = "viewer") -> Share:
        return await self._send(Share, "POST", f"/v1/files/{file_id}/shares", {"email": email, "role": role})

    async def shares(self, file_id: str, cursor: str | None = None) -> Page[Share]:
        return await self._get(Page[Share], f"/v1/files/{file_id}/shares", cursor=cursor)

    async def unshare(self, file_id: str, share_id: str) -> None:
        await self.call("DELETE", f"/v1/files/{file_id}/shares/{share_id}")

    async def shared_with_me(self, cursor: str | None = None) -> Page[File]:
        return await self._get(Page[File], "/v1/shared-with-me", cursor=cursor)

    async def share_invitations(self, cursor: str | None = None) -> Page[ShareInvitation]:
        """List pending shares, newest first."""
        return await self._get(Page[ShareInvitation], "/v1/share-invitations", cursor=cursor)

    async def accept_share(self, share_id: str) -> File:
        return await self._send(File, "POST", f"/v1/share-invitations/{share_id}/accept")

    async def decline_share(self, share_id: str) -> None:
        await self.call("DELETE", f"/v1/share-invitations/{share_id}")

    async def blocked_people(self, cursor: str | None = None) -> Page[BlockedPerson]:
        return await self._get(Page[BlockedPerson], "/v1/blocked-people", cursor=cursor)

    async def block(self, person: str) -> BlockedPerson:
        """Remove a person's shares and hide later ones: by account id or email address."""
        return await self._send(BlockedPerson, "PUT", f"/v1/blocked-people/{quote(person, safe='')}")

    async def unblock(self, person: str) -> None:
        await self.call("DELETE", f"/v1/blocked-people/{quote(person, safe='')}")

    async def make_link(
        self,
        file_id: str,
        *,
        password: str | None = None,
        expires_at: datetime | None = None,
        max_downloads: int | None = None,
    ) -> Link:
        """Create a public link. Keep its `url`: it is returned only once."""
        ends = None if expires_at is None else expires_at.isoformat()
        wanted = {"password": password, "expires_at": ends, "max_downloads": max_downloads}
        body = {field: value for field, value in wanted.items() if value is not None}
        return await self._send(Link, "POST", f"/v1/files/{file_id}/links", body)

    async def links(self, file_id: str, cursor: str | None = None) -> Page[Link]:
        return await self._get(Page[Link], f"/v1/files/{file_id}/links", cursor=cursor)

    async def revoke_link(self, file_id: str, link_id: str) -> None:
        await self.call("DELETE", f"/v1/files/{file_id}/links/{link_id}")

    async def search(
        self,
        query: str = "",
        *,
        within: str = "name",
        tag: str | None = None,
        content_type: str | None = None,
        limit: int = 20,
        cursor: str | None = None,
        **options: Unpack[SearchOptions],
    ) -> Hits:
        """Without a query, all that passes the filters. `within`: "name", or "content" on the premium plan.

        `content_type`: a MIME type or a part of one.
        """
        params = {"q": query, "in": within, "tag": tag, "type": content_type, "limit": limit, "cursor": cursor}
        return Hits.model_validate(await self.call("GET", "/v1/search", params=params | parameters(options)))

    async def stored_by_family(self) -> list[FamilySums]:
        """Return what the account stores by family, largest first; without older versions and the trash."""
        return [
            FamilySums.model_validate(each) for each in (await self.call("GET", "/v1/me/storage/families"))["items"]
        ]

    async def saved_searches(self, cursor: str | None = None) -> Page[SavedSearch]:
        """Return the account's saved searches, by name."""
        return await self._get(Page[SavedSearch], "/v1/me/saved-searches", cursor=cursor)

    async def save_search(self, name: str, query: str = "", filters: SavedFilters | None = None) -> SavedSearch:
        """Keep a search under a name."""
        body = {"name": name, "q": query, "filters": _json(filters or SavedFilters())}
        return await self._send(SavedSearch, "POST", "/v1/me/saved-searches", body)

    async def change_saved_search(
        self,
        saved_search_id: str,
        *,
        name: str | None = None,
        query: str | None = None,
        filters: SavedFilters | None = None,
    ) -> SavedSearch:
        """Change what is given; the filters as a whole."""
        given = {"name": name, "q": query, "filters": None if filters is None else _json(filters)}
        body = {key: value for key, value in given.items() if value is not None}
        return await self._send(SavedSearch, "PATCH", f"/v1/me/saved-searches/{saved_search_id}", body)

    async def delete_saved_search(self, saved_search_id: str) -> None:
        await self.call("DELETE", f"/v1/me/saved-searches/{saved_search_id}")

    async def search_as_saved(
        self, query: str, filters: SavedFilters, *, limit: int = 20, cursor: str | None = None
    ) -> Hits:
        """Search with the words and filters of a saved search."""
        params = _json(filters) | {"q": query, "limit": limit, "cursor": cursor}
        for moment in ("modified", "created"):
            days = params.pop(f"{moment}_within_days", None)
            if days is not None:
                params[f"{moment}_after"] = datetime.now(UTC) - timedelta(days=days)
        metadata = params.pop("metadata", {})
        params |= {f"meta.{name}": value for name, value in metadata.items()}
        return Hits.model_validate(await self.call("GET", "/v1/search", params=params))

    # --- following ---------------------------------------------------------------------------------------

    async def follow(
        self,
        file_id: str,
        channel: str = "email",
        *,
        target: Mapping[str, Any] | None = None,
        events: Iterable[str] | None = None,
    ) -> Subscription:
        wanted = {"target": target, "events": None if events is None else list(events)}
        body = {"file_id": file_id, "channel": channel} | {f: v for f, v in wanted.items() if v is not None}
        return await self._send(Subscription, "POST", "/v1/subscriptions", body)

    async def subscriptions(self, cursor: str | None = None) -> Page[Subscription]:
        return await self._get(Page[Subscription], "/v1/subscriptions", cursor=cursor)

    async def unfollow(self, subscription_id: str) -> None:
        await self.call("DELETE", f"/v1/subscriptions/{subscription_id}")

    async def push_key(self) -> str:
        """Public key that a browser's push subscription must be made with."""
        return (await self._get(PushKey, "/v1/push-key")).key

    async def add_push_subscription(self, endpoint: str, p256dh: str, auth: str) -> PushSubscription:
        """Send notifications to a browser (Web Push) while this log-in lasts."""
        body = {"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}}
        return await self._send(PushSubscription, "POST", "/v1/push-subscriptions", body)

    async def push_subscriptions(self, cursor: str | None = None) -> Page[PushSubscription]:
        return await self._get(Page[PushSubscription], "/v1/push-subscriptions", cursor=cursor)

    async def remove_push_subscription(self, push_subscription_id: str) -> None:
        await self.call("DELETE", f"/v1/push-subscriptions/{push_subscription_id}")

    async def notifications(self, *, unread: bool = False, cursor: str | None = None) -> Page[Notification]:
        return await self._get(Page[Notification], "/v1/notifications", unread=unread or None, cursor=cursor)


def _json(filters: SavedFilters) -> dict[str, Any]:
    """Return the filters that are set."""
    return filters.model_dump(mode="json", by_alias=True, exclude_none=True)
