"""Synchronous client: the methods of AsyncClient, one for one. Generated from them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self, Unpack, cast

from docstore_client.async_client import AsyncClient, _ignore
from docstore_client.credentials import Credentials, CredentialStore
from docstore_client.downloading.bulk_downloads import Wanted
from docstore_client.errors import DocStoreError
from docstore_client.list_options import ListOptions, SearchOptions
from docstore_client.models import (
    Account,
    ApiToken,
    BlockedPerson,
    Changes,
    Comparison,
    CreatedApiToken,
    FamilySums,
    File,
    Hits,
    Languages,
    Link,
    LinkKind,
    Media,
    Notification,
    Page,
    Policy,
    PushSubscription,
    ReadCredentials,
    Region,
    Retention,
    Retrieval,
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
from docstore_client.models.base import T
from docstore_client.network.options import DEFAULT, Options
from docstore_client.paging import P
from docstore_client.sources import Progress, Source
from docstore_client.waiting import Loop


class Client:
    """Client of one gateway and one account; close it, or use it as a context manager."""

    def __init__(
        self,
        gateway: str,
        credentials: Credentials | None = None,
        *,
        store: CredentialStore | None = None,
        options: Options = DEFAULT,
    ) -> None:
        self._loop = Loop()
        self._client = AsyncClient(gateway, credentials, store=store, options=options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._loop.wait(self._client.close())
        self._loop.close()

    @property
    def credentials(self) -> Credentials | None:
        return self._client.credentials

    def call(self, method: str, path: str, body: Any = None, *, params: Mapping[str, Any] | None = None) -> Any:
        """Any call of the API, for what has no method here."""
        return self._loop.wait(self._client.call(method, path, body, params=params))

    def iterate(self, listing: Callable[P, Page[T]], *args: P.args, **options: P.kwargs) -> Iterator[T]:
        """Iterate over all items of a list, page by page: `client.iterate(client.links, file.id)`."""
        page_of, filters = cast(Callable[..., Page[T]], listing), dict[str, Any](options)
        while True:
            page = page_of(*args, **filters)
            yield from page.items
            if page.next_cursor is None:
                return
            filters["cursor"] = page.next_cursor

    def sign_up(self, email: str, password: str, display_name: str | None = None) -> Account:
        """Create an account; log in to use it."""
        return self._loop.wait(self._client.sign_up(email, password, display_name))

    def log_in(self, email: str, password: str, device_name: str = "python client", device_token: str = "") -> Account:
        """Log in. With the `device_token` of an earlier log-in, no new-device email is sent."""
        return self._loop.wait(self._client.log_in(email, password, device_name, device_token))

    def regions(self) -> list[Region]:
        """List the regions of this DocStore; needs no log-in. `latency.latencies` measures the way to each."""
        return self._loop.wait(self._client.regions())

    def log_out(self) -> None:
        self._loop.wait(self._client.log_out())

    def me(self) -> Account:
        """Return the account with its usage."""
        return self._loop.wait(self._client.me())

    def retention(self) -> Retention:
        """Return how long the trash and old versions are kept."""
        return self._loop.wait(self._client.retention())

    def set_retention(self, policy: Policy | None) -> Retention:
        """Change how long they are kept; None: the server's default. Takes effect at `applies_at`."""
        return self._loop.wait(self._client.set_retention(policy))

    def languages(self) -> Languages:
        """Return the languages of text in pictures and scans."""
        return self._loop.wait(self._client.languages())

    def set_languages(self, languages: Sequence[str]) -> Languages:
        """Choose the languages of text in pictures and scans, the main one first; none: the server's default."""
        return self._loop.wait(self._client.set_languages(languages))

    def sessions(self, cursor: str | None = None) -> Page[Session]:
        return self._loop.wait(self._client.sessions(cursor))

    def create_api_token(
        self, name: str, scopes: Sequence[str], *, path: str | None = None, expires_at: datetime | None = None
    ) -> CreatedApiToken:
        """Create an API token, limited to the folder at `path` if given. Its `token` is not shown again."""
        return self._loop.wait(self._client.create_api_token(name, scopes, path=path, expires_at=expires_at))

    def api_tokens(self, cursor: str | None = None) -> Page[ApiToken]:
        """List API tokens, newest first."""
        return self._loop.wait(self._client.api_tokens(cursor))

    def revoke_api_token(self, token_id: str) -> None:
        """Revoke an API token: it stops working at once."""
        self._loop.wait(self._client.revoke_api_token(token_id))

    def list_page(
        self,
        path: str | None = None,
        *,
        parent_id: str | None = None,
        limit: int = 500,
        cursor: str | None = None,
        **options: Unpack[ListOptions],
    ) -> Page[File]:
        """Return a page of a folder; of the root if neither path nor id is given."""
        return self._loop.wait(self._client.list_page(path, parent_id=parent_id, limit=limit, cursor=cursor, **options))

    def list_folder(
        self, path: str | None = None, *, parent_id: str | None = None, **options: Unpack[ListOptions]
    ) -> list[File]:
        """Return all that is in a folder."""
        return self._loop.wait(self._client.list_folder(path, parent_id=parent_id, **options))

    def iterate_folder(
        self, path: str | None = None, *, parent_id: str | None = None, **options: Unpack[ListOptions]
    ) -> Iterator[File]:
        """Iterate over a folder, page by page."""
        return self._loop.iterate(self._client.iterate_folder(path, parent_id=parent_id, **options))

    def get(self, file_id: str) -> File:
        return self._loop.wait(self._client.get(file_id))

    def get_by_path(self, path: str, *, parent_id: str | None = None) -> File:
        return self._loop.wait(self._client.get_by_path(path, parent_id=parent_id))

    def find(self, path: str, *, parent_id: str | None = None) -> File | None:
        """Return the file or folder at a path; None if there is none."""
        return self._loop.wait(self._client.find(path, parent_id=parent_id))

    def make_folder(self, path: str, *, parent_id: str | None = None) -> File:
        """Return the folder; create it and missing parents if necessary."""
        return self._loop.wait(self._client.make_folder(path, parent_id=parent_id))

    def change(
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
        return self._loop.wait(
            self._client.change(file_id, name=name, parent_id=parent_id, tags=tags, metadata=metadata, etag=etag)
        )

    def copy(self, file_id: str, path: str, *, parent_id: str | None = None) -> File:
        return self._loop.wait(self._client.copy(file_id, path, parent_id=parent_id))

    def delete(self, file_id: str, *, etag: str = "") -> None:
        """Move to the trash."""
        self._loop.wait(self._client.delete(file_id, etag=etag))

    def trash(self, cursor: str | None = None) -> Page[File]:
        return self._loop.wait(self._client.trash(cursor))

    def restore(self, file_id: str) -> File:
        """Restore from the trash."""
        return self._loop.wait(self._client.restore(file_id))

    def purge(self, file_id: str) -> None:
        """Delete from the trash forever."""
        self._loop.wait(self._client.purge(file_id))

    def versions(self, file_id: str, cursor: str | None = None) -> Page[Version]:
        """List versions, newest first."""
        return self._loop.wait(self._client.versions(file_id, cursor))

    def restore_version(self, file_id: str, number: int) -> File:
        return self._loop.wait(self._client.restore_version(file_id, number))

    def retrieval(self, file_id: str, version: int | None = None) -> Retrieval:
        """Whether a content can be read, or must be retrieved from cold storage first."""
        return self._loop.wait(self._client.retrieval(file_id, version))

    def read_credentials(self, file_id: str) -> ReadCredentials:
        """Get temporary credentials, by which any S3 tool reads the whole objects of a folder that you own."""
        return self._loop.wait(self._client.read_credentials(file_id))

    def retrieve(self, file_id: str, version: int | None = None) -> Retrieval:
        """Request the retrieval of a content from cold storage; a notification follows when it can be read."""
        return self._loop.wait(self._client.retrieve(file_id, version))

    def media(self, file_id: str) -> Media:
        """What is known of the file's content: size in pixels, camera, time and place of a photo, pages."""
        return self._loop.wait(self._client.media(file_id))

    def follow(
        self,
        file_id: str,
        channel: str = "email",
        *,
        target: Mapping[str, Any] | None = None,
        events: Iterable[str] | None = None,
    ) -> Subscription:
        return self._loop.wait(self._client.follow(file_id, channel, target=target, events=events))

    def subscriptions(self, cursor: str | None = None) -> Page[Subscription]:
        return self._loop.wait(self._client.subscriptions(cursor))

    def unfollow(self, subscription_id: str) -> None:
        self._loop.wait(self._client.unfollow(subscription_id))

    def push_key(self) -> str:
        """Public key that a browser's push subscription must be made with."""
        return self._loop.wait(self._client.push_key())

    def add_push_subscription(self, endpoint: str, p256dh: str, auth: str) -> PushSubscription:
        """Send notifications to a browser (Web Push) while this log-in lasts."""
        return self._loop.wait(self._client.add_push_subscription(endpoint, p256dh, auth))

    def push_subscriptions(self, cursor: str | None = None) -> Page[PushSubscription]:
        return self._loop.wait(self._client.push_subscriptions(cursor))

    def remove_push_subscription(self, push_subscription_id: str) -> None:
        self._loop.wait(self._client.remove_push_subscription(push_subscription_id))

    def notifications(self, *, unread: bool = False, cursor: str | None = None) -> Page[Notification]:
        return self._loop.wait(self._client.notifications(unread=unread, cursor=cursor))

    def search(
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
        return self._loop.wait(
            self._client.search(
                query, within=within, tag=tag, content_type=content_type, limit=limit, cursor=cursor, **options
            )
        )

    def stored_by_family(self) -> list[FamilySums]:
        """Return what the account stores by family, largest first; without older versions and the trash."""
        return self._loop.wait(self._client.stored_by_family())

    def saved_searches(self, cursor: str | None = None) -> Page[SavedSearch]:
        """Return the account's saved searches, by name."""
        return self._loop.wait(self._client.saved_searches(cursor))

    def save_search(self, name: str, query: str = "", filters: SavedFilters | None = None) -> SavedSearch:
        """Keep a search under a name."""
        return self._loop.wait(self._client.save_search(name, query, filters))

    def change_saved_search(
        self,
        saved_search_id: str,
        *,
        name: str | None = None,
        query: str | None = None,
        filters: SavedFilters | None = None,
    ) -> SavedSearch:
        """Change what is given; the filters as a whole."""
        return self._loop.wait(
            self._client.change_saved_search(saved_search_id, name=name, query=query, filters=filters)
        )

    def delete_saved_search(self, saved_search_id: str) -> None:
        self._loop.wait(self._client.delete_saved_search(saved_search_id))

    def search_as_saved(self, query: str, filters: SavedFilters, *, limit: int = 20, cursor: str | None = None) -> Hits:
        """Search with the words and filters of a saved search."""
        return self._loop.wait(self._client.search_as_saved(query, filters, limit=limit, cursor=cursor))

    def share(self, file_id: str, email: str, role: Role = "viewer", *, watermark: str | None = None) -> Share:
        """Share with a person, who only sees pictures with the `watermark`, if it has one.

        `{reader}` in it stands for the recipient's name and address. None keeps the watermark of an existing share, an
        empty text removes it.
        """
        return self._loop.wait(self._client.share(file_id, email, role, watermark=watermark))

    def shares(self, file_id: str, cursor: str | None = None) -> Page[Share]:
        return self._loop.wait(self._client.shares(file_id, cursor))

    def unshare(self, file_id: str, share_id: str) -> None:
        self._loop.wait(self._client.unshare(file_id, share_id))

    def shared_with_me(self, cursor: str | None = None) -> Page[File]:
        return self._loop.wait(self._client.shared_with_me(cursor))

    def share_invitations(self, cursor: str | None = None) -> Page[ShareInvitation]:
        """List pending shares, newest first."""
        return self._loop.wait(self._client.share_invitations(cursor))

    def accept_share(self, share_id: str) -> File:
        return self._loop.wait(self._client.accept_share(share_id))

    def decline_share(self, share_id: str) -> None:
        self._loop.wait(self._client.decline_share(share_id))

    def blocked_people(self, cursor: str | None = None) -> Page[BlockedPerson]:
        return self._loop.wait(self._client.blocked_people(cursor))

    def block(self, person: str) -> BlockedPerson:
        """Remove a person's shares and hide later ones: by account id or email address."""
        return self._loop.wait(self._client.block(person))

    def unblock(self, person: str) -> None:
        self._loop.wait(self._client.unblock(person))

    def make_link(
        self,
        file_id: str,
        *,
        password: str | None = None,
        expires_at: datetime | None = None,
        max_downloads: int | None = None,
        watermark: str | None = None,
        kind: LinkKind = "read",
        name: str = "",
        message: str = "",
        max_files: int | None = None,
        max_bytes: int | None = None,
        embed: bool = False,
    ) -> Link:
        """Create a public link; with a watermark, visitors only see pictures with this text.

        With `kind="receive"`, visitors send files into a folder and see nothing of it; `name` and `message` show them
        what is asked for. With `kind="edit"`, they change the file, or add, change and delete what is in the folder.
        With `embed`, other sites may show it in a frame, at its `url` followed by `/embed`.

        Keep its `url`: it is returned only once.
        """
        return self._loop.wait(
            self._client.make_link(
                file_id,
                password=password,
                expires_at=expires_at,
                max_downloads=max_downloads,
                watermark=watermark,
                kind=kind,
                name=name,
                message=message,
                max_files=max_files,
                max_bytes=max_bytes,
                embed=embed,
            )
        )

    def links(self, file_id: str, cursor: str | None = None) -> Page[Link]:
        return self._loop.wait(self._client.links(file_id, cursor))

    def revoke_link(self, file_id: str, link_id: str) -> None:
        self._loop.wait(self._client.revoke_link(file_id, link_id))

    def iterate_call(self, path: str, *, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Iterate over a list of any API route that has no method here: `client.iterate_call("/v1/photos")`."""
        return self._loop.iterate(self._client.iterate_call(path, params=params))

    def upload(self, source: Source, progress: Progress = _ignore) -> File:
        """Upload one file; of a large file, only blocks that the account has not sent before."""
        return self._loop.wait(self._client.upload(source, progress))

    def upload_many(self, sources: Sequence[Source], progress: Progress = _ignore) -> list[File | DocStoreError]:
        """Upload files of any size, small ones in packs. Return for each the file or the error."""
        return self._loop.wait(self._client.upload_many(sources, progress))

    def download(
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
        self._loop.wait(self._client.download(file, local, version=version, old=old, progress=progress))

    def download_many(
        self, wanted: Sequence[Wanted], progress: Progress = _ignore
    ) -> list[DocStoreError | OSError | None]:
        """Download files of any size, those of one pack with one request. Return for each None or the error."""
        return self._loop.wait(self._client.download_many(wanted, progress))

    def download_zip(
        self, file_ids: Sequence[str], local: Path, begun: Callable[[int], Progress] = lambda _: _ignore
    ) -> None:
        """Download up to 200 files and folders, with all that is in them, as one ZIP.

        `begun` receives its length. Continues where the connection broke; starts again if something has changed.
        """
        self._loop.wait(self._client.download_zip(file_ids, local, begun))

    def changes(self, cursor: str | None = None, *, limit: int = 500, wait: int = 0) -> Changes:
        """Return changes since a cursor, oldest first; "latest": from now on. Waits up to `wait` seconds.

        ApiError `cursor_expired`: start with a snapshot.
        """
        return self._loop.wait(self._client.changes(cursor, limit=limit, wait=wait))

    def snapshot(self, cursor: str | None = None) -> Snapshot:
        return self._loop.wait(self._client.snapshot(cursor))

    def compare(self, entries: Mapping[str, str], path: str = "/", *, parent_id: str | None = None) -> Comparison:
        """Compare up to 10,000 local files (SHA-256 by path, as the API shows it) with a folder."""
        return self._loop.wait(self._client.compare(entries, path, parent_id=parent_id))
