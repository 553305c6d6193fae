"""Multipart uploads: an object in parts, which appears when it is completed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from docstore_contents.s3.objects import ObjectInfo, head_object
from docstore_contents.s3.presigned import object_headers
from docstore_contents.s3.transport import ObjectNotFound, S3Transport, UploadNotFound


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a multipart upload; `size` (bytes) is known if the store lists it."""

    number: int
    etag: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class UnfinishedUpload:
    """A multipart upload that was neither completed nor aborted."""

    key: str
    upload_id: str
    begun_at: datetime


class MultipartUploads:
    """The part of an ObjectStore that handles multipart uploads. Awaited methods: ObjectStoreError."""

    transport: S3Transport

    async def create_multipart(self, key: str, *, content_type: str, metadata: Mapping[str, str] | None = None) -> str:
        """Start a multipart upload; return its id. The object appears only when it is completed."""
        object_headers(content_type, metadata=metadata)
        response = await self.transport.call(
            "create_multipart_upload", Key=key, ContentType=content_type, Metadata=dict(metadata or {})
        )
        return str(response["UploadId"])

    async def list_parts(self, key: str, upload_id: str) -> list[Part]:
        """Return the stored parts by number. UploadNotFound once the upload is completed or aborted."""
        newest = {part.number: part for part in await self.list_part_copies(key, upload_id)}
        return [part for _, part in sorted(newest.items())]

    async def list_part_copies(self, key: str, upload_id: str) -> list[Part]:
        """Return the same by age: SeaweedFS keeps and lists every copy of a part, S3 the last one."""
        pages = await self.transport.call("list_parts", all_pages=True, Key=key, UploadId=upload_id)
        copies = [part for page in pages for part in page.get("Parts", [])]
        by_age = sorted(copies, key=itemgetter("LastModified"))
        return [Part(part["PartNumber"], part["ETag"].strip('"'), part["Size"]) for part in by_age]

    async def complete_multipart(self, key: str, upload_id: str, parts: Iterable[Part]) -> ObjectInfo:
        """Make these parts the object. Idempotent if the object has as many parts.

        A part that is missing or differs is an ObjectStoreError with code InvalidPart. UploadNotFound: there is no such
        upload, and no object from it.
        """
        listed = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        gone: UploadNotFound | None = None
        try:
            await self.transport.call(
                "complete_multipart_upload", Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}
            )
        except UploadNotFound as error:
            gone = error
        info = await head_object(self.transport, key)
        if info is None or (gone and not info.etag.endswith(f"-{len(listed)}")):
            raise gone or ObjectNotFound("NoSuchKey", f"{key} was deleted after its completion")
        return info

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        """Abort a multipart upload and delete its parts, if it exists."""
        try:
            await self.transport.call("abort_multipart_upload", Key=key, UploadId=upload_id)
        except UploadNotFound:
            return

    async def unfinished_uploads(self, prefix: str) -> list[UnfinishedUpload]:
        """Return unfinished multipart uploads under `prefix`. Lists: background only."""
        pages = await self.transport.call("list_multipart_uploads", all_pages=True, Prefix=prefix)
        uploads = [upload for page in pages for upload in page.get("Uploads", [])]
        return [UnfinishedUpload(each["Key"], each["UploadId"], each["Initiated"]) for each in uploads]
