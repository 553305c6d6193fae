"""Upload instructions for a client: a form, a URL, part URLs or credentials. Signed on request only."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from docstore_contents.s3.metadata_headers import metadata_headers
from docstore_contents.s3.store import ObjectStore, UploadNotFound
from docstore_contents.s3.sts import upload_credentials
from docstore_platform.clock import Clock, rfc3339
from docstore_platform.http.client_origins import origins_or_public
from docstore_upload.lifecycle.clients import Json
from docstore_upload.lifecycle.use_cases.initiate import seconds_left
from docstore_upload.sessions.rules import MIN_CREDENTIALS_SECONDS, Upload, part_count, parts_wanted
from docstore_upload.settings import UploadSettings

SLOWEST_BYTES_PER_SECOND = 1 << 20
"""Credentials last long enough for a client of this speed; a slower one gets new ones."""


class RedirectTokens:
    """Tokens in the URL to which S3 redirects the browser, each the right to complete one upload without a login."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [hmac.digest(secret.encode(), b"docstore upload redirect", "sha256") for secret in secrets]

    def token(self, upload_id: str) -> str:
        """128 bits, hex."""
        return _redirect_token(self._keys[0], upload_id)

    def is_valid(self, upload_id: str, token: str) -> bool:
        given = token.encode()
        return any(hmac.compare_digest(_redirect_token(key, upload_id).encode(), given) for key in self._keys)


def _redirect_token(key: bytes, upload_id: str) -> str:
    return hmac.new(key, upload_id.encode(), sha256).hexdigest()[:32]


class UploadInstructions:
    """Signs instructions for uploads; only credentials (see `usable_until`) work longer than the upload is open."""

    def __init__(self, store: ObjectStore, settings: UploadSettings, tokens: RedirectTokens, clock: Clock) -> None:
        self._store = store
        self._settings = settings
        self._tokens = tokens
        self._clock = clock

    async def begin(self, upload: Upload) -> tuple[Upload, Json]:
        """Prepare the store for this method, before upload-initiated is published; return the instructions too."""
        if upload.method == "multipart":
            multipart_id = await self._store.create_multipart(
                upload.object_key, content_type=upload.content_type, metadata=object_metadata(upload)
            )
            upload = replace(upload, multipart_id=multipart_id)
        return upload, await self.of(upload)

    async def drop(self, upload: Upload) -> None:
        """Undo `begin`: no client has its instructions."""
        if upload.multipart_id is not None:
            await self._store.abort_multipart(upload.object_key, upload.multipart_id)

    async def of(self, upload: Upload) -> Json:
        """Return instructions under the method's name; for a multipart upload under way: the parts still to send."""
        if upload.method == "credentials":
            return {"credentials": await self._credentials(upload)}
        if upload.method == "multipart":
            return {"multipart": await self._multipart(upload)}
        if upload.method == "blocks":
            return {"blocks": {}}
        return {"form": self._form(upload)} if upload.method == "form" else {"put": self._put(upload)}

    def parts(self, upload: Upload, sizes: Mapping[int, int]) -> list[Json]:
        """Return a URL for each part, whose size is given by number: a PUT of exactly so many bytes."""
        assert upload.multipart_id is not None
        seconds, results = self._seconds_left(upload), []
        for number, size in sizes.items():
            url = self._store.presign_part(
                upload.object_key, upload.multipart_id, number, size=size, expires_in=seconds
            )
            results.append({"number": number, "size": size, "url": url})
        return results

    def _seconds_left(self, upload: Upload) -> int:
        return seconds_left(upload.expires_at, self._clock())

    def _form(self, upload: Upload) -> Json:
        gateway = origins_or_public(self._settings.infra).gateway
        own, entered = {"upload-id": upload.id, "account-id": upload.account_id}, upload.metadata_fields or ()
        form = self._store.presign_post(
            upload.sent_key,
            min_size=upload.size if upload.max_size is None else 0,
            max_size=upload.size,
            content_type=upload.content_type,
            expires_in=self._seconds_left(upload),
            sha256=upload.sha256,
            metadata={name: value for name, value in own.items() if name not in entered} | object_metadata(upload),
            metadata_inputs=entered,
            # The token is in the path because a store may replace the query of this URL.
            redirect=f"{gateway}/v1/uploads/{upload.id}.{self._tokens.token(upload.id)}/redirect",
        )
        return {"url": form.url, "fields": dict(form.fields)}

    def _put(self, upload: Upload) -> Json:
        put = self._store.presign_put(
            upload.object_key,
            size=upload.size,
            content_type=upload.content_type,
            expires_in=self._seconds_left(upload),
            sha256=upload.sha256,
            metadata=object_metadata(upload),
            # First write only: nothing may replace a committed object or a tombstone.
            overwrite=False,
        )
        return {"url": put.url, "headers": dict(put.headers)}

    async def _multipart(self, upload: Upload) -> Json:
        assert upload.multipart_id is not None
        assert upload.part_size is not None
        count, sent = part_count(upload.size, upload.part_size), []
        if upload.revision > 0:
            try:
                sent = await self._store.list_parts(upload.object_key, upload.multipart_id)
            except UploadNotFound:
                count = 0
        there = {part.number for part in sent}
        missing = (number for number in range(1, count + 1) if number not in there)
        first = [number for number, _ in zip(missing, range(self._settings.first_part_urls), strict=False)]
        return {
            "part_size": upload.part_size,
            "part_count": part_count(upload.size, upload.part_size),
            "parts": self.parts(upload, parts_wanted(upload.size, upload.part_size, first)),
            "sent": [{"number": part.number, "etag": part.etag, "size": part.size} for part in sent],
        }

    async def _credentials(self, upload: Upload) -> Json:
        infra = self._settings.infra
        enough = MIN_CREDENTIALS_SECONDS + upload.size // SLOWEST_BYTES_PER_SECOND
        seconds = min(self._seconds_left(upload), self._settings.credentials_lifetime_seconds, enough)
        granted = await upload_credentials(
            self._store,
            infra.s3_upload_role_arn,
            upload.sent_key,
            session_name=f"upload-{upload.id}",
            seconds=max(seconds, MIN_CREDENTIALS_SECONDS),
        )
        return {
            "access_key_id": granted.access_key_id,
            "secret_access_key": granted.secret_access_key,
            "session_token": granted.session_token,
            "expires_at": rfc3339(granted.expires_at),
            "endpoint": origins_or_public(infra).store,
            "region": infra.region,
            "bucket": infra.bucket,
            "key": upload.sent_key,
        }


def object_metadata(upload: Upload) -> dict[str, str]:
    """Return custom metadata as the object has it, too; the version's is what the session has."""
    return metadata_headers(dict(upload.metadata or ()))
