"""Use cases of visitors who send files: by a link that receives, whose folder they don't see, or by one for editing."""

from dataclasses import dataclass

from docstore_contracts.upload import ReceivedBegin, ReceivedFile, ReceivedUpload, UploadClient
from docstore_metadata.errors import NameTaken, NotAFolder, NotFound
from docstore_metadata.links.rules import Link
from docstore_metadata.links.visits.service import Visit
from docstore_metadata.storage import UseCases
from docstore_metadata.tree.paths import check_name
from docstore_platform.errors import Conflict, DomainError, Forbidden, OutOfSpace, invalid

DEVICE = "File request"
"""Recorded as the device of a file that a link received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """What a visitor wants to send: a new file of this name, or a new version of an existing file. Size in bytes."""

    name: str | None = None
    size: int
    sha256: str | None = None
    parent_id: str | None = None
    """Folder that the name is put into; by default what the link leads to."""
    file_id: str | None = None
    base_version: int | None = None
    """Version that the new one of `file_id` is based on."""


@dataclass(slots=True)
class LinkReceiving(UseCases):
    """The bytes go straight to the object store, as an upload of the link's owner. No name is ever overwritten."""

    uploads: UploadClient

    async def begin(self, visit: Visit, sent: SentFile) -> ReceivedUpload:
        """Begin an upload. It counts for the link's limits at once, so that they hold.

        Conflict `link_full` beyond them, OutOfSpace if the owner's storage is full, VersionConflict if the base is not
        the current version, NotFound outside what the link leads to.
        """
        link = visit.link
        _check_sent(link, sent)
        wanted = _editing(visit, sent) if link.edits else _receiving(visit, sent)
        if not await self.store.links.count_received(link, sent.size, self.clock()):
            raise Conflict("This link receives no more files, or none as large.", code="link_full")
        try:
            return await self.uploads.begin_received(wanted)
        except DomainError as error:
            await self.store.links.uncount_received(link, sent.size)
            raise _for_visitors(error) from None

    async def complete(self, upload_id: str) -> ReceivedFile:
        """Complete an upload; returns the file, under another name if its own was taken. Idempotent.

        Its id contains the right to do so: the link may have ended since it began. One for editing must not be revoked.
        """
        upload, _, token = upload_id.partition(".")
        if not token:
            raise NotFound("upload")
        return await self.uploads.complete_received(upload, token)


def _check_sent(link: Link, sent: SentFile) -> None:
    if not link.receives and not link.edits:
        raise Forbidden("This link receives no files.", code="receives_nothing")
    if (sent.name is None) == (sent.file_id is None):
        raise invalid("Give either name or file_id.")
    if (sent.file_id is None) != (sent.base_version is None):
        raise invalid("file_id and base_version belong together: the version that was changed.")
    if sent.file_id is not None and sent.parent_id is not None:
        raise invalid("parent_id belongs to a name.")
    if link.receives and (sent.file_id is not None or sent.parent_id is not None):
        raise invalid("This link receives files by their name alone.", "not_for_this_kind")
    if sent.name is not None:
        check_name(sent.name)


def _receiving(visit: Visit, sent: SentFile) -> ReceivedBegin:
    return {
        "account_id": visit.link.owner_id,
        "folder_id": sent.parent_id or visit.place.node.id,
        "name": sent.name or "",
        "size": sent.size,
        "sha256": sent.sha256,
        "device": DEVICE,
    }


def _editing(visit: Visit, sent: SentFile) -> ReceivedBegin:
    """The same with what bounds a visitor who edits."""
    link, top = visit.link, visit.place.node
    if sent.file_id is None and not top.is_folder:
        raise NotAFolder("This link leads to a file: it takes new versions of it.")
    about = _receiving(visit, sent) | {"device": link.by_link, "link_id": link.id, "top_id": top.id}
    if sent.file_id is not None and sent.base_version is not None:
        about |= {"file_id": sent.file_id, "base_version": sent.base_version}
    return about


def _for_visitors(error: DomainError) -> DomainError:
    """The error without what concerns the owner alone: how full their storage is, where the folder is."""
    if isinstance(error, OutOfSpace) or error.code == "over_quota":
        return OutOfSpace("The storage that the files are for is full.", code="link_full")
    if error.code == NameTaken.code:
        return NameTaken("There is a folder of this name.")
    return error
