"""Operations on shares, links, and people."""

from datetime import datetime
from urllib.parse import quote

from docstore_client.models import (
    BlockedPerson,
    File,
    Link,
    LinkKind,
    Page,
    Role,
    Share,
    ShareInvitation,
)
from docstore_client.operations.routes import Routes


class SharingOperations(Routes):
    async def share(self, file_id: str, email: str, role: Role = "viewer", *, watermark: str | None = None) -> Share:
        """Share with a person, who only sees pictures with the `watermark`, if it has one.

        `{reader}` in it stands for the recipient's name and address. None keeps the watermark of an existing share, an
        empty text removes it.
        """
        body: dict[str, str | None] = {"email": email, "role": role}
        if watermark is not None:
            body["watermark"] = watermark or None
        return await self._send(Share, "POST", f"/v1/files/{file_id}/shares", body)

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
        ends = None if expires_at is None else expires_at.isoformat()
        wanted = {"password": password, "expires_at": ends, "max_downloads": max_downloads, "watermark": watermark}
        wanted |= {"max_files": max_files, "max_bytes": max_bytes, "name": name or None, "message": message or None}
        wanted["embed"] = embed or None
        wanted["kind"] = None if kind == "read" else kind  # servers of the release before know no other
        body = {field: value for field, value in wanted.items() if value is not None}
        return await self._send(Link, "POST", f"/v1/files/{file_id}/links", body)

    async def links(self, file_id: str, cursor: str | None = None) -> Page[Link]:
        return await self._get(Page[Link], f"/v1/files/{file_id}/links", cursor=cursor)

    async def revoke_link(self, file_id: str, link_id: str) -> None:
        await self.call("DELETE", f"/v1/files/{file_id}/links/{link_id}")
